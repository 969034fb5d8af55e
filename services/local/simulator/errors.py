"""The refusals of Twilio's API: code, HTTP status and words (from its error dictionary, in our own words)."""

from __future__ import annotations

from typing import Any

TABLE: dict[int, tuple[int, str]] = {
    20001: (400, "A parameter of this update is unknown or has a value that cannot be used"),
    20003: (401, "Authenticate"),
    20009: (409, "Delivery of this message has not been completed"),
    20404: (404, "The requested resource was not found"),
    20405: (405, "Method not allowed"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number, short code or sender ID"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number",
    ),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' or 'MessagingServiceSid' parameter is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' number is not an SMS-capable number of this account"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' number cannot be reached with this 'From' number"),
    21614: (400, "The 'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21659: (400, "The 'From' number is not a Twilio phone number"),
    21701: (400, "The Messaging Service does not exist"),
    21705: (400, "The Messaging Service SID is invalid"),
    30409: (409, "This message can no longer be canceled"),
    35111: (400, "SendAt is required when ScheduleType is fixed"),
    35114: (400, "SendAt must be between 900 seconds and 35 days ahead"),
    35118: (400, "A MessagingServiceSid is required to schedule a message"),
}

FATES: dict[int, str] = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}
"""What `error_message` says of a text that failed after it was taken."""

MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
"""Twilio's test numbers (docs: "Test credentials")."""


def refusal(code: int) -> tuple[int, dict[str, Any]]:
    """HTTP status and body."""
    status, words = TABLE.get(code, (400, "The request was refused"))
    return status, {
        "code": code,
        "message": words,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
