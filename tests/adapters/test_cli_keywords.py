from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.cli.app import run

LABELLED = Path(__file__).parents[1] / "core/inbound_keywords/labelled.tsv"


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


def test_the_score_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keywords", "--score", str(LABELLED)]) == 0
    assert "held_out" in capsys.readouterr().out
    assert run(["keywords", "--json", "--score", str(LABELLED)]) == 0
    assert json.loads(capsys.readouterr().out)["tune"]["texts"] > 200


def test_a_file_that_is_none_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "labelled.tsv"
    assert run(["keywords", "--score", str(file)]) != 0
    file.write_text("part\tlabel\tsource\ttext\nonly this\n", encoding="utf-8")
    assert run(["keywords", "--score", str(file)]) != 0
    assert "line 2" in capsys.readouterr().err
