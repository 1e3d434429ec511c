"""The sector self-instruct, played offline: three types of task, each new beside all earlier ones."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from material_files import killed_and_run_again
from sector_runs import PROMPTS, assert_whole, counted, play, stored

from dialogue.errors import UsageError
from dialogue.likeness import words
from dialogue.novelty import Bm25Index, rouge_l
from dialogue.records import Dialogue
from gen.api import plan, run
from gen.main import main
from prompts.bars import bars
from prompts.sector import load
from prompts.seed_tasks import tasks

N = 300
SEEDS = PROMPTS.read("sectors/self-instruct/seeds.jsonl")
SECTOR = load(PROMPTS, "self-instruct")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("self-instruct") / "run"


@pytest.fixture(scope="module")
def played(folder: Path) -> list[Dialogue]:
    return play("self-instruct", N, folder)


def in_order(folder: Path) -> list[dict[str, Any]]:
    """The lines of openers.jsonl: the order in which instructions were accepted."""
    return [json.loads(line) for line in (folder / "openers.jsonl").open(encoding="utf-8")]


def test_dialogues_are_whole_and_all_three_types_come_in_their_shares(played: list[Dialogue]) -> None:
    assert_whole(played, "self-instruct")
    found = Counter(dialogue.seed.kind for dialogue in played)
    for kind, weight in SECTOR.shares.items():
        assert abs(found[kind] - weight / 100 * N) <= 0.03 * N


def test_the_opener_is_the_instruction_as_typed_and_what_it_works_on_word_for_word(played: list[Dialogue]) -> None:
    for dialogue in played:
        extra, opener = dialogue.seed.extra, dialogue.messages[0].content
        assert (extra["input"] is None) == (dialogue.seed.kind == "open")
        if extra["input"]:
            assert opener.endswith(f"\n\n{extra['input']}")
        typed = opener.removesuffix(f"\n\n{extra['input']}")
        assert "\n\n" not in typed
        assert rouge_l(words(typed), words(str(extra["instruction"]))) > 0.6  # typing noise, and no more


def test_types_of_task_are_those_of_their_kind_and_none_dominates(played: list[Dialogue]) -> None:
    for kind in SECTOR.shares:
        known = PROMPTS.data(f"sectors/self-instruct/{kind}.toml")["kinds"]
        found = Counter(str(one.seed.extra["type"]) for one in played if one.seed.kind == kind)
        assert set(found) <= set(known)
        assert len(found) >= 8
        assert max(found.values()) <= 0.35 * found.total()


def test_three_different_seeds_of_the_kind_are_shown_and_all_seeds_in_time(played: list[Dialogue]) -> None:
    kind_of = {task.id: task.kind for task in tasks(SEEDS, "seeds", "any", "en", shown=True)}
    shown: set[str] = set()
    for dialogue in played:
        examples = dialogue.seed.extra["examples"]
        assert isinstance(examples, list)
        assert len(set(map(str, examples))) == 3
        assert {kind_of[str(id)] for id in examples} == {dialogue.seed.kind}
        shown |= set(map(str, examples))
    assert len(shown) >= 50


def test_no_instruction_reaches_the_threshold_beside_an_earlier_one_or_a_seed(
    played: list[Dialogue], folder: Path
) -> None:
    earlier = [words(task.instruction) for task in tasks(SEEDS, "seeds", "any", "en", shown=True)]
    lines = in_order(folder)
    assert len(lines) == N
    for line in lines:
        new = words(line["opener"])
        assert max(rouge_l(new, other) for other in earlier) < 0.7
        earlier.append(new)


def test_nothing_barred_comes_through(played: list[Dialogue]) -> None:
    rules = bars(PROMPTS, "sectors/self-instruct/blacklist.toml", "en")
    assert [one for one in played if rules.instruction_fault(str(one.seed.extra["instruction"]))] == []


def test_belles_shares_refuse_by_bm25(tmp_path: Path) -> None:
    found = play("self-instruct", 60, tmp_path / "run", "zh", shares="belle")
    assert_whole(found, "self-instruct")
    index = Bm25Index(18)
    index.extend(
        dict.fromkeys(task.instruction for kind in SECTOR.shares for task in tasks(SEEDS, "s", kind, "zh", shown=True))
    )
    for line in in_order(tmp_path / "run"):
        assert index.scores(line["opener"]).max() <= 18
        index.add(line["opener"])


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_it_is_played_in_chinese_as_well(language: str, tmp_path: Path) -> None:
    found = play("self-instruct", 60, tmp_path / "run", language)
    assert_whole(found, "self-instruct")
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in one.messages[0].content) for one in found)


def test_without_follow_up_rounds_it_gives_pairs(tmp_path: Path) -> None:
    found = play("self-instruct", 40, tmp_path / "run", rounds="1-1")
    assert {len(dialogue.messages) for dialogue in found} == {2}


def test_half_a_run_taken_up_again_is_the_run_that_never_stopped(played: list[Dialogue], tmp_path: Path) -> None:
    first = counted(play("self-instruct", 40, tmp_path / "run"))
    again = counted(play("self-instruct", 90, tmp_path / "run"))
    assert first.items() <= again.items() <= counted(played).items()


def test_a_killed_run_ends_as_one_that_never_was(tmp_path: Path) -> None:
    killed = killed_and_run_again(tmp_path, "openers.jsonl", 25, "--sector", "self-instruct", "--n", "60")
    whole = play("self-instruct", 60, tmp_path / "whole")
    assert (killed / "openers.jsonl").read_bytes() == (tmp_path / "whole" / "openers.jsonl").read_bytes()
    assert {one.id: one.seed.extra["examples"] for one in stored(killed)} == {
        one.id: one.seed.extra["examples"] for one in whole
    }


def test_a_file_of_ones_own_replaces_the_seeds(tmp_path: Path) -> None:
    rows = [{"id": f"own-{n}", "instruction": f"Tell the {n} tales of the harbour {n}.", "input": ""} for n in range(5)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = play("self-instruct", 12, tmp_path / "run", input=tmp_path / "own.jsonl")
    assert {str(id)[:4] for one in found for id in one.seed.extra["examples"]} == {"own-"}  # type: ignore[union-attr]
    (tmp_path / "bad.jsonl").write_text('{"task": 1}\n')
    with pytest.raises(UsageError, match=r"bad.jsonl:1: no instruction: expected it under instruction"):
        run(sector="self-instruct", n=3, input=tmp_path / "bad.jsonl", endpoint="builtin", out=tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_a_plan_and_all_prompts_are_shown_without_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(sector="self-instruct", n=1000, endpoint="builtin")
    assert "Task: " in found.prompts["opener"]
    assert found.topics.keys() == {"en/classification", "en/closed", "en/open"}
    for language in ("en", "zh", "zh-TW", "fr"):
        assert main(["sectors", "show", "self-instruct", "--language", language]) == 0
        assert capsys.readouterr().out.count("opener writer, list of") == 3
