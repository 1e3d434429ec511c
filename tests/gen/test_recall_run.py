"""The sector recall from one command to the next: played offline, filtered, its answers checked."""

import json
from collections import Counter
from pathlib import Path

import orjson
import pytest

from dialogue.recall import checks
from dialogue.records import Dialogue, decode
from gen.api import run
from gen.main import main

N = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recall") / "run"
    run(sector="recall", n=N, endpoint="builtin", out=out)
    return out


@pytest.fixture(scope="module")
def played(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


def test_all_are_played_openers_may_be_equal_and_ids_are_not(played: list[Dialogue]) -> None:
    assert len({dialogue.id for dialogue in played}) == N
    openers = Counter(dialogue.messages[0].content for dialogue in played)
    assert 0.3 * N < len(openers) < N


def test_every_dialogue_asks_for_something_that_it_told(played: list[Dialogue]) -> None:
    found = [checks(dialogue) for dialogue in played]
    assert all(found)
    assert sum(check.told for some in found for check in some) >= 0.99 * sum(map(len, found))


def test_about_one_answer_in_ten_is_wrong(played: list[Dialogue]) -> None:
    found = [check.right for dialogue in played for check in checks(dialogue)]
    assert 0.84 < sum(found) / len(found) < 0.95


def test_nothing_is_mistyped_and_nobody_speaks_long(played: list[Dialogue]) -> None:
    turns = [message.content for dialogue in played for message in dialogue.messages if message.role == "user"]
    assert all(len(text.split()) <= 14 for text in turns)
    assert sum(text[0].isupper() and text[-1] in ".?" for text in turns) >= 0.99 * len(turns)


def test_the_same_words_get_the_same_answer_but_for_faults(played: list[Dialogue]) -> None:
    answers: dict[str, Counter[str]] = {}
    for dialogue in played:
        asked = {check.place for check in checks(dialogue)}
        for place in range(1, len(dialogue.messages), 2):
            if place not in asked:
                said = dialogue.messages[place - 1].content
                answers.setdefault(said, Counter())[dialogue.messages[place].content] += 1
    usual = sum(max(found.values()) for found in answers.values())
    assert usual >= 0.96 * sum(found.total() for found in answers.values())


def test_the_preset_keeps_most_dialogues_and_only_right_answers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["filter", str(folder), "--preset", "recall", "--out", str(tmp_path / "out")]) == 0
    kept = [decode(orjson.loads(line)) for line in (tmp_path / "out" / "kept.jsonl").open("rb")]
    assert 0.7 * N < len(kept) < N
    assert all(check.right for dialogue in kept for check in checks(dialogue))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    reasons = next(row["reasons"] for row in report["filters"] if row["name"] == "recall")
    assert set(reasons) <= {"wrong", "missing"}
    assert f"kept {len(kept)}" in capsys.readouterr().out
