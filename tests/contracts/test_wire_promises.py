"""Names that outsiders rely on, typed out: whoever renames one has to change it here as well,
and think."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest

from schemas.approval import ApprovalAction
from schemas.attempt import AttemptCode, AttemptState, ReturnReason
from schemas.case import Readiness, TextState
from schemas.catalog.examples import examples
from schemas.catalog.json_schema import json_schema
from schemas.consent import ConsentAction, ConsentSource
from schemas.dead_letter import DeadLetterCause
from schemas.decision import Verdict
from schemas.offsets import Unit
from schemas.recipe import IfLate
from schemas.send_request import CancelSource, Kind
from schemas.thread import InboundUse, MailReason
from schemas.topics import BY_NAME, EVERY_TOPIC, MESSAGES, TOPICS, Topic
from streams.error_codes import lookup

FIELDS = {
    "SendRequest": "message_id tenant branch? to sender? body kind person_id? case_id? event_id? time_zone?"
    " postal_region? not_before? valid_until? resend_of? requested_at requested_by?",
    "ConsentEvent": "event_id tenant number sender? action source at evidence?",
    "Evidence": "wording? wording_version? wording_sha256? text? document? url? ip? actor? key_id? origin? topic?"
    " partition? offset?",
    "ConsentChange": "tenant number sender? event_id action source was now applied reason consent_epoch claimed_at at"
    " evidence? seq? previous? hash?",
    "InboundMessage": "provider_id sender to_address number body num_segments? media? received_at",
    "Decision": "message_id tenant branch? to? sender? kind segments? person_id? case_id? event_id? resend_of?"
    " requested_at verdict findings? until? decided_at policy_version consent_epoch evidence",
    "Finding": "rule verdict reason next_step? until?",
    "Send": "message_id tenant to sender body kind lane consent_epoch not_before? send_before issued_at",
    "Stop": "number tenant? consent_epoch at",
    "Attempt": "message_id tenant attempt sender state provider_id? code? at evidence?",
    "DeliveryReceipt": "message_id tenant attempt provider_id status error_code? received_at raw?",
    "Approval": "approval_id tenant number message_id action by at body_sha256?",
    "ApprovalAnswer": "approval_id tenant number message_id action by applied verdict? rule reason next_step? at",
    "Outcome": "message_id tenant branch? sender? to? kind person_id? case_id? event_id? requested_at state error_code?"
    " error_title? next_step? segments? final version was? at",
    "Was": "state error_code? segments?",
    "Alert": "message_id tenant branch? to? kind person_id? case_id? event_id? event_at? event_title? state error_code?"
    " says because? next_step? urgency before? open? closed_by? at",
    "CaseOpened": "tenant case_id change_id at by? type title reference? case_type? branch? time_zone?",
    "PartyAdded": "tenant case_id change_id at by? type person_id role number?",
    "PartyChanged": "tenant case_id change_id at by? type person_id role? number?",
    "PartyRemoved": "tenant case_id change_id at by? type person_id",
    "TaskScheduled": "tenant case_id change_id at by? type task_id template? body? audience when? kind? written_by?",
    "TaskChanged": "tenant case_id change_id at by? type task_id template? body? audience? when? kind?",
    "TaskCanceled": "tenant case_id change_id at by? type task_id",
    "Audience": "roles? person_ids?",
    "TaskTime": "now? time? time_zone? offset? event_id? date_name? clock?",
    "Launched": "tenant case_id change_id at by? type",
    "EventSaved": "tenant case_id change_id at by? type event_id title event_type? starts_at time_zone? location?"
    " reminders? sequence?",
    "EventCanceled": "tenant case_id change_id at by? type event_id sequence?",
    "CaseSettings": "tenant case_id change_id at by? type reminders? notify_email? recipes?",
    "DateSet": "tenant case_id change_id at by? type name date?",
    "CaseClosed": "tenant case_id change_id at by? type",
    "CaseReopened": "tenant case_id change_id at by? type",
    "Case": "tenant case_id title? reference? case_type? branch? time_zone launched_at? closed? parties? tasks?"
    " events? dates? notify_email? recipes? version at",
    "CaseText": "tenant case_id text_id message_id? person_id state task_id? event_id? event_starts_at? recipe?"
    " recipe_version? template? template_version? language? due_at? reason? says? version at",
    "PersonCancel": "tenant person_id request_id reason? by? at",
    "NoteAdded": "tenant number change_id by at type text case_id?",
    "Answered": "tenant number change_id by at type inbound_id? note?",
    "NoAnswerNeeded": "tenant number change_id by at type inbound_id?",
    "Assigned": "tenant number change_id by at type to?",
    "MovedToCase": "tenant number change_id by at type inbound_id case_id?",
    "Thread": "tenant number waiting_since? waiting_texts? last_inbound? last_in_at? last_out_at? last_out_by? cases?"
    " person_ids? assigned_to? version at",
    "MailRequest": "tenant mail_id to reason number last_digits? names? case_id? case_title? texts? inbound_id"
    " waiting_since? at",
    "Recipe": "event_type? date_name? offset at? template roles? if_late? kind? margin_minutes? confirm?",
    "TemplateVersion": "tenant name version texts by? at",
    "UsageRow": "tenant branch sender period kind state error_code? error_title? messages segments final",
}
"""`?`: may be left out."""

WORDS: list[tuple[type[StrEnum], str]] = [
    (Kind, "transactional direct reminder alert follow_up marketing test"),
    (ConsentAction, "opt_in opt_out ask ask_failed unreadable resolved maybe_revoked go_on"),
    (ApprovalAction, "approve reject send_now"),
    (Verdict, "send hold reject expire cancel"),
    (AttemptState, "queued sending accepted refused deferred in_doubt canceled expired given_up"),
    (
        AttemptCode,
        "stopped canceled sighted id_reused out_of_time old_order ask_budget no_room unsent lease_over"
        " unencodable unclear absent resend dropped too_long account_pace 429 refused in_doubt"
        " recalled",
    ),
    (ReturnReason, "out_of_time old_order ask_budget no_room absent resend recalled"),
    (
        DeadLetterCause,
        "invalid too_large tombstone bad_header key_too_long misfiled id_reused id_reserved"
        " unknown_order unknown_sender nobody_texted stands_still"
        " not_a_number unknown_tenant mail_refused",
    ),
    (ConsentSource, "inbound carrier form web_form import manual"),
    (CancelSource, "people cases outcomes"),
    (Readiness, "no_number not_sms_enabled not_opted_in opted_out ready"),
    (TextState, "requested canceling canceled sent arrived failed too_late skipped not_rendered"),
    (InboundUse, "waits keyword reaction confirmation"),
    (MailReason, "reply unanswered"),
    (IfLate, "send skip"),
    (Unit, "minute hour day week"),
]

LENIENT = [
    ("Attempt", "code"),
    ("Returned", "code"),
    ("DeadLetter", "cause"),
    ("ConsentEvent", "source"),
    ("ConsentChange", "source"),
    ("ConsentChange", "action"),
    ("ConsentStatus", "source"),
    ("CancelRequest", "by"),
    ("PersonCancel", "by"),
    ("CaseText", "state"),
    ("MailRequest", "reason"),
]
"""Texts of which some words are known: a newer version may write others."""

DAYS = timedelta(days=1)
KEPT = [
    ("sms.send-requests", "tenant/number", 35, ""),
    ("sms.consent-events", "tenant/number", 400, "append time"),
    ("sms.inbound", "sender/number", 400, "append time"),
    ("sms.replies", "tenant/number", 35, "append time"),
    ("sms.contacts", "sender/number", 400, ""),
    ("sms.number-facts", "tenant/number", 400, ""),
    ("sms.consent-log", "tenant/number", None, ""),
    ("sms.consent-status", "tenant/number", None, "compacted"),
    ("sms.decisions", "tenant/message id", 400, ""),
    ("sms.dispatch-orders", "sender", 35, ""),
    ("sms.dispatch-controls", "sender", 35, ""),
    ("sms.returned", "tenant/number", 35, ""),
    ("sms.attempts", "tenant/message id", 400, ""),
    ("sms.delivery-receipts", "tenant/message id", 400, ""),
    ("sms.outcomes", "tenant", 400, ""),
    ("sms.usage-report", "tenant/branch/sender/period/kind/state/error code", None, "compacted"),
    ("sms.settings", "tenant", None, "compacted"),
    ("sms.senders", "sender", None, "compacted"),
    ("sms.dead-letters", "source topic/partition", 35, ""),
    ("sms.request-cancels", "tenant/number", 35, ""),
    ("sms.person-events", "tenant/person", 400, ""),
    ("sms.people", "tenant/person", None, "compacted"),
    ("sms.person-requests", "tenant/person", 35, ""),
    ("sms.person-answers", "tenant/person", 35, ""),
    ("sms.sender-status", "sender", None, "compacted"),
    ("sms.approvals", "tenant/number", 400, ""),
    ("sms.approval-log", "tenant/number", 400, ""),
    ("sms.dismissals", "tenant/message id", 400, ""),
    ("sms.alerts", "tenant", 35, ""),
    ("sms.dead-letter-resolutions", "source topic/partition", 400, "append time"),
    ("sms.balance", "tenant/hour", None, "compacted"),
    ("sms.number-moves", "tenant/number", 35, ""),
    ("sms.case-events", "tenant/case", 400, ""),
    ("sms.cases", "tenant/case", None, "compacted"),
    ("sms.case-texts", "tenant/case", 400, ""),
    ("sms.case-links", "tenant/person", 400, ""),
    ("sms.case-people", "tenant/case", 35, ""),
    ("sms.case-answers", "tenant/case", 35, ""),
    ("sms.case-replies", "tenant/case", 35, ""),
    ("sms.case-numbers", "tenant/number", 400, ""),
    ("sms.person-cancels", "tenant/person", 35, ""),
    ("sms.thread-events", "tenant/number", 400, ""),
    ("sms.thread-messages", "tenant/number", 35, ""),
    ("sms.threads", "tenant/number", None, "compacted"),
    ("sms.mail-requests", "tenant", 35, ""),
    ("sms.templates", "tenant/template/version", None, "compacted"),
]

KEYS = {
    "sms.send-requests/number-written-by-a-person": "lakeside-dental/+13125550107",
    "sms.send-requests/not-a-number": "lakeside-dental/calltheoffice",
    "sms.consent-events/staff-opts-out-by-phone": "harbor-title/+13125550107",
    "sms.inbound/stop": "72975/+14155550142",
    "sms.replies/stop": "harbor-title/+14155550142",
    "sms.contacts/asked": "72975/+13125550107",
    "sms.number-facts/not-for-texts": "harbor-title/+13125550107",
    "sms.consent-log/stop": "harbor-title/+14155550142",
    "sms.consent-status/never-asked": "cafe-azul/+16045550163",
    "sms.decisions/expire": "harbor-title/case-77:late",
    "sms.dispatch-orders/marketing-in-two-segments": "MG0f3c5a1b2d4e6f708192a3b4c5d6e7f8",
    "sms.dispatch-controls/from-a-newer-version": "72975",
    "sms.returned/too-late": "harbor-title/+14155550142",
    "sms.attempts/in-doubt": "harbor-title/case-8841:closing-day-before",
    "sms.delivery-receipts/delivered": "harbor-title/case-8841:closing-day-before",
    "sms.outcomes/delivered": "harbor-title",
    "sms.alerts/reminder-of-a-hearing": "harbor-title",
    "sms.number-moves/entry": "harbor-title/+525512345678",
    "sms.balance/balanced": "harbor-title/2026-03-05T16Z",
    "sms.usage-report/without-branch-or-sender": "lakeside-dental///2026-03-05/transactional/rejected/invalid_number",
    "sms.settings/whole": "harbor-title",
    "sms.senders/toll-free": "+18005550199",
    "sms.sender-status/a-launch": "72975",
    "sms.dead-letters/tombstone": "sms.consent-events/0",
    "sms.request-cancels/by-staff": "harbor-title/+14155550142",
    "sms.approvals/approve": "harbor-title/+14155550142",
    "sms.approval-log/approved": "harbor-title/+14155550142",
    "sms.dead-letter-resolutions/dropped": "sms.consent-events/0",
    "sms.dismissals/seen": "harbor-title/case-8841:docs-ready",
    "sms.person-events/deleted": "harbor-title/crm-20418",
    "sms.people/whole": "harbor-title/crm-20417",
    "sms.person-requests/to-a-work-number": "harbor-title/crm-311",
    "sms.person-answers/taken-back": "harbor-title/crm-20417",
    "sms.case-events/hearing": "harbor-title/8841",
    "sms.case-events/from-a-newer-version": "harbor-title/8841",
    "sms.cases/whole": "harbor-title/8841",
    "sms.case-texts/too-late": "harbor-title/8841",
    "sms.case-links/wanted": "harbor-title/crm-20417",
    "sms.case-people/whole": "harbor-title/8841",
    "sms.case-answers/delivered": "harbor-title/8841",
    "sms.case-replies/confirms": "harbor-title/8841",
    "sms.case-numbers/party": "harbor-title/+14155550142",
    "sms.person-cancels/event-changed": "harbor-title/crm-20417",
    "sms.thread-events/answered": "harbor-title/+14155550142",
    "sms.thread-events/from-a-newer-version": "harbor-title/+14155550142",
    "sms.thread-messages/delivered": "harbor-title/+14155550142",
    "sms.threads/waiting": "harbor-title/+14155550142",
    "sms.mail-requests/reply": "harbor-title",
    "sms.templates/hearing": "harbor-title/hearing/16894cb691b2",
}


def _schema(name: str) -> dict[str, Any]:
    """A message's, or that of a part which messages share."""
    if name in MESSAGES:
        return json_schema(MESSAGES[name])
    return next(
        found
        for message in MESSAGES.values()
        if (found := json_schema(message).get("$defs", {}).get(name))
    )


@pytest.mark.parametrize("name", FIELDS)
def test_the_fields_that_outsiders_rely_on(name: str) -> None:
    schema = _schema(name)
    promised = {field.removesuffix("?"): not field.endswith("?") for field in FIELDS[name].split()}
    assert promised.keys() - schema["properties"].keys() == set()
    required = schema.get("required", ())
    assert {field: field in required for field in promised} == promised


@pytest.mark.parametrize(
    ("words", "promised"), WORDS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_words_that_outsiders_rely_on(words: type[StrEnum], promised: str) -> None:
    assert [word.value for word in words] == promised.split()


@pytest.mark.parametrize(("message", "field"), LENIENT)
def test_readers_accept_undocument_words(message: str, field: str) -> None:
    """The schema names the known words and refuses no other; nor does the reader."""
    schema = _schema(message)["properties"][field]
    assert schema["examples"]
    assert "enum" not in schema
    topic = next(one for one in TOPICS if MESSAGES[message] in one.messages)
    [example, *_] = [one for one in examples() if one.topic is topic]
    later = topic.decode(json.dumps(example.document | {field: "of_tomorrow"}).encode())
    assert getattr(later, field) == "of_tomorrow"


def test_our_own_attempt_codes_are_explained() -> None:
    assert [code for code in AttemptCode if not lookup(code).known] == []


@pytest.mark.parametrize(("name", "keyed_by", "days", "how"), KEPT, ids=lambda value: str(value))
def test_how_a_topic_is_kept(name: str, keyed_by: str, days: int | None, how: str) -> None:
    topic = BY_NAME[name]
    config = topic.config(replication=3)
    assert topic.keyed_by == keyed_by
    assert topic.keep == (None if days is None else days * DAYS)
    assert config["retention.ms"] == ("-1" if days is None else str(days * 86_400_000))
    assert config["cleanup.policy"] == ("compact" if how == "compacted" else "delete")
    assert config["message.timestamp.type"] == (
        "LogAppendTime" if how == "append time" else "CreateTime"
    )


def test_there_is_no_other_topic() -> None:
    assert [topic.name for topic in TOPICS] == [name for name, *_ in KEPT]


@pytest.mark.parametrize("place", KEYS)
def test_what_a_message_is_filed_under(place: str) -> None:
    found = next(one for one in examples() if f"{one.topic.name}/{one.name}" == place)
    assert found.topic.key(found.message) == KEYS[place]


def test_every_topic_has_a_key_that_is_tested() -> None:
    assert {place.partition("/")[0] for place in KEYS} == BY_NAME.keys()


@pytest.mark.parametrize("topic", EVERY_TOPIC, ids=lambda topic: topic.name)
def test_an_acknowledged_record_survives_one_broker(topic: Topic[Any]) -> None:
    cluster, alone = topic.config(replication=3), topic.config(replication=1)
    assert cluster["min.insync.replicas"] == "2"
    assert alone["min.insync.replicas"] == "1"
    assert (
        cluster["unclean.leader.election.enable"]
        == alone["unclean.leader.election.enable"]
        == "false"
    )


@pytest.mark.parametrize("topic", EVERY_TOPIC, ids=lambda topic: topic.name)
def test_only_what_is_read_whole_by_everybody_has_one_partition(topic: Topic[Any]) -> None:
    assert topic.partitions(12) == (1 if topic.name in {"sms.settings", "sms.senders"} else 12)
