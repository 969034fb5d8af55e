"""Operations without the command line: errors, table files, and a Kafka that does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topics import SEND_REQUESTS
from services.operations.errors import InvalidRequest, OperationError, OperationFailed
from services.operations.session import Session
from services.operations.table_file import Row, open_table
from services.operations.topics import find_topic
from services.operations.usage_report import SUMS, parse_columns, sum_rows
from services.operations.validation import new_id, parse_number, parse_recipient, parse_tenant

NOBODY = "127.0.0.1:9"


def read(path: Path, content: bytes, *, strict: bool = False) -> tuple[list[str], list[Row]]:
    path.write_bytes(content)
    with open_table(path, strict=strict) as table:
        return table.columns, list(table.rows)


def test_an_error_says_what_is_wrong_and_what_helps() -> None:
    error = InvalidRequest("There is no tenant 'a'", "see `sayso tenants list`")
    assert str(error) == "There is no tenant 'a': see `sayso tenants list`"
    assert (error.message, error.next_step) == tuple(str(error).split(": "))
    assert str(OperationFailed("Kafka is away")) == "Kafka is away"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_with_its_own_delimiter(tmp_path: Path, delimiter: str) -> None:
    content = delimiter.join(["Person ID", " Name"]) + "\n" + delimiter.join(["1", ' "Jo" ']) + "\n"
    columns, rows = read(tmp_path / "a.csv", content.encode())
    assert columns == ["person_id", "name"]
    assert rows == [Row(2, ["1", '"Jo"'])]


def test_a_row_counts_lines_as_an_editor_does(tmp_path: Path) -> None:
    """A quoted cell goes over two lines, and empty lines are left out."""
    _, rows = read(tmp_path / "a.csv", b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n,\r\n2,z\r\n')
    assert [(row.line, row.cells) for row in rows] == [(2, ["1", "x\r\ny"]), (6, ["2", "z"])]


def test_a_strict_table_names_the_row_that_is_not_csv(tmp_path: Path) -> None:
    _, rows = read(tmp_path / "a.csv", b'a,b\n1,"x"y\n2,\xff\n', strict=True)
    assert rows[0].problem.startswith("this is not CSV")
    assert rows[1] == Row(3, ["2", "\udcff"])


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a\n\xff\n", "it is not UTF-8 text"), (None, "No such file")],
    ids=["no text", "no file"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=words), open_table(path) as table:
        list(table.rows)


async def test_a_kafka_that_does_not_answer_is_one_sentence() -> None:
    async with Session(NOBODY) as kafka:
        with pytest.raises(OperationFailed, match=NOBODY):
            await kafka.publish(SEND_REQUESTS, [])


async def test_tenants_pass_where_the_settings_cannot_be_read() -> None:
    """The gate has the last word."""
    async with Session(NOBODY) as kafka:
        await kafka.require_tenants("nobody-knows")


@pytest.mark.parametrize(("name", "topic"), [("decisions", "sms.decisions")])
def test_a_topic_is_found_with_or_without_its_prefix(name: str, topic: str) -> None:
    assert find_topic(name) == find_topic(topic) == topic
    with pytest.raises(InvalidRequest, match="is it decisions"):
        find_topic("decisins")


def test_names_and_numbers_are_checked() -> None:
    assert parse_number("--to", "+1 (212) 555-0123") == "+12125550123"
    assert parse_tenant("harbor") == "harbor"
    for refused in (lambda: parse_number("--to", "212"), lambda: parse_tenant("a/b")):
        with pytest.raises(OperationError):
            refused()


def test_new_ids_sort_by_time() -> None:
    ids = [new_id("m") for _ in range(3)]
    assert len(set(ids)) == 3
    assert sorted(one[:17] for one in ids) == [one[:17] for one in ids]


def test_an_empty_usage_report_still_has_its_total() -> None:
    columns = parse_columns("kind, state")
    (total,) = sum_rows((), columns)
    assert len(total) == len(columns) + len(SUMS)
    assert total == ("total", "", 0, 0, "")


@pytest.mark.parametrize("written", ["+1312555017", "+18005550100", "+99912345678"])
def test_a_number_that_cannot_be_texted_is_refused_with_the_reason(written: str) -> None:
    assert parse_recipient("--to", "tel:+52 1 55 1234 5678") == "+525512345678"
    with pytest.raises(InvalidRequest, match="--to"):
        parse_recipient("--to", written)
