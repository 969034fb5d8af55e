"""Settings files: a value is read as it was written, or refused with its line and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.base import Message
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from services.operations.errors import InvalidRequest
from services.operations.yaml_settings import read_settings

HEAD = 'tenants:\n- tenant: a\n  name: A\n  sender: "72975"\n'


def tenants(folder: Path, text: str) -> list[TenantSettings]:
    return read(folder, "tenants", TenantSettings, text)


def read(folder: Path, section: str, kind: type[Message], text: str) -> list:
    file = folder / "t.yaml"
    file.write_text(text, encoding="utf-8")
    return read_settings(file, section, kind)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("time_zone: EST", "did you mean America/New_York"),
        ("time_zone: est", "did you mean America/New_York"),
        ("time_zone: EST5EDT", "did you mean America/New_York?"),
        ("time_zone: MST", "America/Denver or America/Phoenix?"),
        ("time_zone: Etc/GMT+5", "did you mean America/New_York"),
        ("time_zone: UTC-5", "did you mean America/New_York"),
        ("time_zone: UTC", "unknown time zone 'UTC', no place"),
        ("time_zone: GMT", "did you mean Europe/London"),
        ("time_zone: america/chicago", "did you mean America/Chicago?"),
        ("time_zone: America/New York", "did you mean America/New_York?"),
        ('time_zone: "America/Chicago "', "did you mean America/Chicago?"),
        ("time_zone: Eastern Standard Time", "did you mean America/New_York?"),
        ("time_zone: -5", '"-5"'),
        ("time_zone:", "there is nothing after the colon"),
        ("regions: [us, ca]", "'us' is no country by its ISO 3166 code: did you mean US?"),
        ("regions: [US, Ca]", "did you mean CA?"),
        ("regions: [USA]", "did you mean US?"),
        ("regions: [UK]", "did you mean GB?"),
        ("regions: [XX]", "'XX' is no country"),
        ("regions: [US, NO]", 'regions.1: write it in quotes: "NO"'),
        ("regions: US", "should be a valid"),
        ("branches: {b: {sender: +13125550177}}", '"+13125550177"'),
        ("branches: {b: {sender: 13125550177}}", '"13125550177"'),
        ('branches: {b: {sender: "13125550177"}}', "'+13125550177'"),
        ('branches: {b: {sender: "+1 (312) 555-0177"}}', "'+13125550177'"),
        ("contact: 0123", '"0123"'),
        ("contact: 0x1F", '"0x1F"'),
        ("contact: 1_000", '"1_000"'),
        ("contact: 2026-01-01", '"2026-01-01"'),
        ("contact: yes", '"yes"'),
        ("contact: On", '"On"'),
        ("contact: .inf", '".inf"'),
        ("contact: 1.50", '"1.50"'),
        ("smart_encoding: 1", "write true or false, without quotes; it says '1'"),
        ('smart_encoding: "true"', "write true or false, without quotes"),
        ("smart_encoding: y", "write true or false"),
        ("smart_encoding: maybe", "'maybe'"),
        (
            "asks_per_hour: 1_000",
            "write a whole number, in digits and without quotes; it says '1_000'",
        ),
        ("asks_per_hour: 0500", "'0500'"),
        ("asks_per_hour: 0x10", "'0x10'"),
        ("asks_per_hour: 1e3", "'1e3'"),
        ("asks_per_hour: 10.0", "'10.0'"),
        ("asks_per_hour: 1:30", "'1:30'"),
        ("asks_per_hour: 1,000", "'1,000'"),
        ('asks_per_hour: "500"', "without quotes"),
        ("asks_per_hour: true", "'true'"),
        ("asks_per_hour: 5m", "'5m'"),
        ("asks_per_hour: 0", "greater than or equal to 1; it says '0'"),
        ("asks_perhour: 5", "this is not a setting: did you mean `asks_per_hour`?"),
        ("Time_Zone: America/Chicago", "did you mean `time_zone`?"),
        ("time zone: America/Chicago", "did you mean `time_zone`?"),
        ("when: {quiet_hour: none}", "did you mean `quiet_hours`?"),
        ("when: {quiet_hours: {before_: '08:00'}}", "did you mean `before`?"),
        ("when: {quiet_hours: {before: 9:00}}", "write '09:00'"),
        ("when: {quiet_hours: {after: 9pm}}", "write '21:00'"),
        ("when: {quiet_hours: {after: '9 PM'}}", "write '21:00'"),
        ("when: {quiet_hours: {before: '0900'}}", "write '09:00'"),
        ("when: {quiet_hours: {before: 0900}}", "write '09:00'"),
        ("when: {quiet_hours: {before: 900}}", "write '09:00'"),
        ("when: {quiet_hours: {before: 8}}", "write '08:00'"),
        ("when: {quiet_hours: {after: 25:00}}", "it says '25:00'"),
        ("when: {quiet_hours: {after: 21:60}}", "it says '21:60'"),
        ("when: {quiet_hours: {before: 24:00}}", "no time is left"),
        ("when: {quiet_hours: {after: 21:00:00}}", "it says '21:00:00'"),
        ("when: {quiet_hours: off}", "it says 'off'"),
        ("prices: [{since: 20260101, micros: 8300}]", "2026-12-01; it says '20260101'"),
        ("prices: [{since: 01/02/2026, micros: 8300}]", "it says '01/02/2026'"),
        ("prices: [{since: 2026-1-2, micros: 8300}]", "it says '2026-1-2'"),
        ("prices: [{since: 2026-01-02, micros: 8.3}]", "it says '8.3'"),
        ("prices: [{since: 2026-01-02, micros: 8300, country: us}]", "did you mean US?"),
        ("contact: !!python/name:os.system x", "the tag"),
        ("contact: !!binary aGVsbG8=", "the tag"),
        ("contact: !mine x", "the tag"),
        ("contact: {<<: 5}", "`<<` merges mappings only"),
        ("? [a]\n  : b", "a name is one word"),
        ("contact: a\n  contact: b", "`contact` is there twice"),
    ],
)
def test_what_cannot_mean_what_it_says_is_refused(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        tenants(tmp_path, f"{HEAD}  {line}\n")
    assert f"t.yaml, line {6 if line.startswith('contact: a') else 5}: " in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("time_zone: US/Eastern", "time_zone", "US/Eastern"),
        ('regions: [US, "NO"]', "regions", ("US", "NO")),
        ("smart_encoding: true", "smart_encoding", True),
        ("smart_encoding: yes", "smart_encoding", True),
        ("smart_encoding: Off", "smart_encoding", False),
        ("asks_per_hour: 500", "asks_per_hour", 500),
        ('contact: "0123"', "contact", "0123"),
        ("contact: call 0123", "contact", "call 0123"),
        ("contact: !!str 0123", "contact", "0123"),
        ("contact: &c ask us\n  name_of: *c".partition("\n")[0], "contact", "ask us"),
    ],
)
def test_what_is_clear_is_read_as_written(
    tmp_path: Path, line: str, name: str, value: object
) -> None:
    assert getattr(tenants(tmp_path, f"{HEAD}  {line}\n")[0], name) == value


@pytest.mark.parametrize("name", [" ", "\u200b", "\u3164"])
def test_a_name_that_shows_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="line 3: name: the name shows nothing"):
        tenants(tmp_path, HEAD.replace("name: A", f'name: "{name}"'))


def test_hours_need_no_quotes(tmp_path: Path) -> None:
    text = f"{HEAD}  when: {{quiet_hours: {{before: 09:30, after: 19:05}}}}\n"
    quiet = tenants(tmp_path, text)[0].when.quiet_hours
    assert (quiet.before, quiet.after) == ("09:30", "19:05")


def test_a_branch_is_named_as_it_was_written(tmp_path: Path) -> None:
    text = f"{HEAD}  branches: {{no: {{name: Oslo}}, 0123: {{}}, 2026-01-01: {{}}}}\n"
    assert list(tenants(tmp_path, text)[0].branches) == ["no", "0123", "2026-01-01"]


def test_aliases_and_merges_are_read(tmp_path: Path) -> None:
    text = (
        f"{HEAD}  branches:\n    one: &one {{name: One, send_immediately: no}}\n"
        "    two: {<<: *one, name: Two}\n    three: *one\n"
    )
    branches = tenants(tmp_path, text)[0].branches
    assert [(one.name, one.send_immediately) for one in branches.values()] == [
        ("One", False),
        ("Two", False),
        ("One", False),
    ]


def test_the_same_tenant_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"line 5: tenant 'a' is on line 2 already"):
        tenants(tmp_path, HEAD + '- tenant: a\n  name: B\n  sender: "72975"\n')


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="too deep or too long"):
        tenants(tmp_path, f"{HEAD}  regions: &r [*r]\n")


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["  regions:", "  - &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(InvalidRequest, match="too deep or too long"):
        tenants(tmp_path, HEAD + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sender: +13125550177", '"+13125550177"'),
        ("sender: 72975", '"72975"'),
        ('sender: "13125550177"', "should match pattern"),
        ("pace: 1e3", "write a number, in digits and without quotes; it says '1e3'"),
        ("pace: .inf", "'.inf'"),
        ("pace: .nan", "'.nan'"),
        ("pace: fast", "'fast'"),
        ('pace: "5"', "without quotes"),
        ("pace: 0", "greater than 0; it says '0'"),
        ("hears: 0", "write true or false"),
        ("kind: longcode", "it says 'longcode'"),
    ],
)
def test_a_sender_that_cannot_be_meant_is_refused(tmp_path: Path, line: str, words: str) -> None:
    rows = {"sender": 'sender: "72975"', "kind": "kind: short_code", "owner": "owner: a"}
    rows[line.partition(":")[0]] = line
    text = "senders:\n- " + "\n  ".join(rows.values()) + "\n"
    with pytest.raises(InvalidRequest) as refused:
        read(tmp_path, "senders", Sender, text)
    assert words in str(refused.value)
