from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from services.cli.app import run

LABELLED = Path(__file__).parents[1] / "core/inbound_keywords/labelled"


def test_words_and_patterns_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keywords"]) == 0
    told = capsys.readouterr().out
    assert "64.1200(a)(10)" in told
    assert "leave_me_alone" in told


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keywords", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {
        "meaning": "STOP",
        "word": "STOP",
        "locale": "en",
        "source": "Twilio default set",
    } in told["words"]
    assert {"meaning": "YES", "word": "OUI", "locale": "fr", "source": "common usage"} in told[
        "words"
    ]
    assert {"id": "leave_me_alone", "locale": "en", "example": "leave me alone"} in told["patterns"]


def test_the_score_is_counted_by_language_with_intervals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["keywords", "--score", str(LABELLED)]) == 0
    shown = capsys.readouterr().out
    assert "es fr pt de" in shown
    assert "Read as something else" in shown
    assert run(["keywords", "--json", "--score", str(LABELLED / "en.tsv")]) == 0
    found = json.loads(capsys.readouterr().out)
    row = found["languages"][0]
    assert (row["language"], row["label"]) == ("en", "revoke")
    assert row["out"]["count"] + row["paused"]["count"] + row["missed"]["count"] == row["texts"]
    assert 0 < row["out"]["low"] < row["out"]["count"] / row["texts"] < row["out"]["high"] < 1
    assert [one["language"] for one in found["pooled"]][-1] == "all"
    assert "held_out" not in {one["part"] for one in found["misread"]}


def test_the_score_of_one_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keywords", "--json", "--part", "held_out", "--score", str(LABELLED)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["misread"] == []
    assert found["languages"][0]["texts"] >= 11


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        ("", "line 1: the file is empty: write text, label,"),
        ("part\tlabel\tsource\ttext\nonly this\n", "line 2: 1 columns, and 4 in the heading"),
        ("text\tlabel\tcolour\nx\tnone\tred\n", "line 1: there is no column 'colour'"),
        ("text\tlabel\nx\tmaybe\n", "line 2: there is no label 'maybe'"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(
    content: str | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "labelled.tsv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert run(["keywords", "--score", str(file)]) == 2
    found = capsys.readouterr().err
    assert words in found
    assert len(found.strip().splitlines()) == 1


def test_a_folder_or_part_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keywords", "--score", str(tmp_path)]) == 2
    assert "has no .tsv file" in capsys.readouterr().err
    assert run(["keywords", "--score", str(LABELLED), "--part", "x"]) == 2
    assert "its parts are dev_held_out, held_out, tune" in capsys.readouterr().err
    assert run(["keywords", "--part", "tune"]) == 2
    assert "add --score FILE.tsv" in capsys.readouterr().err


def read_lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    assert run(["keywords", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_line_of_a_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "replies.txt"
    texts = [
        "STOP",
        "",
        "plz stop texting me",
        "wrong number",
        "START",
        "yes",
        "help",
        "hi\u2028STOP",
    ]
    file.write_bytes(
        b"\xef\xbb\xbf"
        + "\r\n".join(texts).encode()
        + b"\n\xff\xfe\n\x1b[31m\nSTOP\\nSent from my iPhone"
    )
    found = read_lines(capsys, "--read", str(file))
    assert [one["text"] for one in found] == [
        *texts,
        "\ufffd\ufffd",
        "\x1b[31m",
        "STOP\\nSent from my iPhone",
    ]
    assert [one["meaning"] for one in found] == [
        *("stop", "none", "revoke", "possible", "start", "yes", "help"),
        *("stop", "none", "none", "stop"),
    ]
    assert found[2] == {
        "text": "plz stop texting me",
        "meaning": "revoke",
        "by": "stop_texting",
    }


def test_standard_input_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Stop.\n\n")))
    assert [one["meaning"] for one in read_lines(capsys, "--read", "-")] == ["stop", "none"]


def test_a_settings_file_gives_a_tenants_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "tenants.yaml"
    settings.write_text(
        "tenants:\n  - {tenant: harbor, name: Harbor Legal Aid, sender: '24273', locales: [fr]}\n"
        "  - {tenant: acme, name: Acme, sender: '24273'}\n",
        encoding="utf-8",
    )
    file = tmp_path / "replies.txt"
    file.write_text("fin\nSTOP 24273\nSTOP HARBOR\noui\n", encoding="utf-8")
    arguments = ["--settings", str(settings), "-t", "harbor", "--read", str(file)]
    found = [one["meaning"] for one in read_lines(capsys, *arguments)]
    assert found == ["stop", "stop", "stop", "yes"]
    assert run(["keywords", "--settings", str(settings), "--read", str(file)]) == 2
    assert "has 2 tenants" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--read", "no-such-file"], id="no file"),
        pytest.param(["--read", "."], id="a folder"),
        pytest.param(["--read", "x", "--score", "x"], id="two questions"),
        pytest.param(["--settings", "no-such.yaml", "--read", "-"], id="no settings"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keywords", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.strip().splitlines()) <= 2
