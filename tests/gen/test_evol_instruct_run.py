"""The sector evol-instruct, played offline: operations, generations, lineage, elimination."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from material_files import killed_and_run_again
from sector_runs import PROMPTS, assert_whole, counted, play, stored

from dialogue.likeness import jaccard, words
from dialogue.novelty import rouge_l
from dialogue.records import Dialogue
from gen.api import plan, run
from gen.main import main
from generator.openers.tasks import LEAST_NEW, TOO_NEAR, task_fault
from generator.openers.tree import Batch
from prompts.bars import bars
from prompts.sector import load
from prompts.seed_tasks import in_one_line, tasks

N = 300
GENERATIONS = ["first", "second", "third", "fourth"]
SECTOR = load(PROMPTS, "evol-instruct")
RULES = bars(PROMPTS, "sectors/evol-instruct/elimination.toml", "en")
STARTS = {
    task.line: task.id
    for task in tasks(PROMPTS.read("sectors/evol-instruct/starts.jsonl"), "s", "any", "en", shown=True)
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Dialogue]:
    return play("evol-instruct", N, tmp_path_factory.mktemp("evol") / "run")


def lineage(dialogue: Dialogue) -> list[dict[str, Any]]:
    found = dialogue.seed.extra["lineage"]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def test_dialogues_are_whole_and_come_of_four_generations(played: list[Dialogue]) -> None:
    assert_whole(played, "evol-instruct")
    found = Counter(dialogue.seed.kind for dialogue in played)
    for name, weight in SECTOR.shares.items():
        assert abs(found[name] - weight / 100 * N) <= 0.03 * N


def test_each_instruction_knows_its_generation_operation_parent_and_start(played: list[Dialogue]) -> None:
    for dialogue in played:
        extra, line = dialogue.seed.extra, lineage(dialogue)
        generation = 1 + GENERATIONS.index(str(dialogue.seed.kind))
        assert extra["generation"] == generation == len(line)
        assert [row["generation"] for row in line] == list(range(generation))
        assert STARTS[line[0]["instruction"]] == line[0]["id"]
        assert extra["parent"] == line[-1]["instruction"]
        assert all(row["operation"] in SECTOR_KINDS for row in line[1:])
        assert extra["operation"] in SECTOR_KINDS


SECTOR_KINDS = set(PROMPTS.data("sectors/evol-instruct/operations.toml")["kinds"])


def test_a_lineage_is_the_same_wherever_it_is_told(played: list[Dialogue]) -> None:
    """What one dialogue says of its parent, the parent's own dialogue says of itself."""
    made = {
        "\n\n".join(filter(None, (str(one.seed.extra["instruction"]), one.seed.extra["input"]))): one  # type: ignore[arg-type]
        for one in played
    }
    met = 0
    for dialogue in played:
        parent = made.get(str(dialogue.seed.extra["parent"]))
        if parent is not None:
            met += 1
            own = lineage(dialogue)
            assert own[:-1] == lineage(parent)
            assert own[-1]["operation"] == parent.seed.extra["operation"]
    assert met >= 30


def test_all_six_operations_are_used_about_equally(played: list[Dialogue]) -> None:
    found = Counter(str(dialogue.seed.extra["operation"]) for dialogue in played)
    assert set(found) == SECTOR_KINDS
    assert min(found.values()) >= 0.09 * N
    assert max(found.values()) <= 0.25 * N


def test_depth_adds_to_its_parent_and_breadth_leaves_it(played: list[Dialogue]) -> None:
    for dialogue in played:
        extra = dialogue.seed.extra
        instruction, parent = str(extra["instruction"]), str(extra["parent"])
        assert RULES.instruction_fault(instruction) is None
        if extra["operation"] == "breadth":
            assert rouge_l(words(instruction), words(parent)) < TOO_NEAR
        else:
            text = "\n\n".join(filter(None, (instruction, str(extra["input"] or ""))))
            assert RULES.new_words(text, parent) >= LEAST_NEW
        if extra["operation"] == "complicate":
            assert extra["input"]


def test_no_two_instructions_share_nine_in_ten_of_their_shingles(played: list[Dialogue]) -> None:
    found = [str(dialogue.seed.extra["instruction"]) for dialogue in played]
    assert all(jaccard(text, other, 3) < 0.9 for place, text in enumerate(found) for other in found[:place])


@pytest.mark.parametrize(
    ("text", "column_of", "fault"),
    [
        ("Describe how a sundial works.", "deepen", "no_gain"),
        ("Describe how a sundial works, please, and how it is.", "constrain", "no_gain"),
        ("Describe to a blind gardener how a sundial works without naming angles.", "constrain", None),
        ("Describe how the sundial works.", "breadth", "no_gain"),
        ("Which stars did sailors steer by on moonless nights?", "breadth", None),
        ("Describe how a sundial works, as the given prompt says, for a gardener in winter.", "deepen", "blacklist"),
        ("#Rewritten Prompt#: describe a sundial for gardeners near the pole.", "deepen", "blacklist"),
        ("Is it so?", "deepen", "empty"),
        ("??!", "breadth", "empty"),
    ],
)
def test_what_gained_nothing_or_copies_the_request_is_eliminated(text: str, column_of: str, fault: str | None) -> None:
    level = SECTOR.level("first")
    path = (("Start instruction", "Describe how a sundial works."),)
    for number in range(200):
        batch = Batch(level, "en", number, 1, path, ())
        if operation(batch) == column_of:
            assert task_fault(PROMPTS, SECTOR, batch, 0, 0, text) == fault
            return
    raise AssertionError(f"{column_of} was never drawn")


def operation(batch: Batch) -> str:
    from prompts.wants import kinds_of, wants

    return kinds_of(wants(PROMPTS, "sectors/evol-instruct/operations.toml", "en"), 1, 0, batch.key)[0]


def test_an_answer_of_regret_ends_its_dialogue_and_is_kept_as_a_failure(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("Tell me of the moon and the tides.\n" * 1, encoding="utf-8")
    overlay = tmp_path / "prompts" / "sectors" / "evol-instruct"
    overlay.mkdir(parents=True)
    table = PROMPTS.read("sectors/evol-instruct/elimination.toml")
    (overlay / "elimination.toml").write_text(table.replace('sorry = ["sorry", ', 'sorry = ["the", "a", "sorry", '))
    table = (overlay / "elimination.toml").read_text().replace("sorry_words = 80", "sorry_words = 8000")
    (overlay / "elimination.toml").write_text(table)
    run(
        sector="evol-instruct",
        openers=tmp_path / "own.txt",
        prompts=tmp_path / "prompts",
        endpoint="builtin",
        out=tmp_path / "run",
    )
    failure = orjson.loads((tmp_path / "run" / "failures.jsonl").read_bytes())
    assert failure["reason"] == "refusal"
    assert failure["detail"].startswith("eliminated, sorry: ")
    assert stored(tmp_path / "run") == []


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_it_is_played_in_chinese_as_well(language: str, tmp_path: Path) -> None:
    run(sector="evol-instruct", n=60, endpoint="builtin", out=tmp_path / "run", language=language)
    found = stored(tmp_path / "run")
    lost = [orjson.loads(line) for line in (tmp_path / "run" / "failures.jsonl").open("rb")]
    assert len(found) + len(lost) == 60
    assert len(lost) <= 4
    assert all(
        failure["detail"].startswith("eliminated, sorry: ") for failure in lost
    )  # disclaimers that builtin plants
    assert_whole(found, "evol-instruct")
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in one.messages[0].content) for one in found)


def test_half_a_run_taken_up_again_is_the_run_that_never_stopped(played: list[Dialogue], tmp_path: Path) -> None:
    first = counted(play("evol-instruct", 40, tmp_path / "run"))
    again = counted(play("evol-instruct", 90, tmp_path / "run"))
    assert first.items() <= again.items() <= counted(played).items()


def test_a_killed_run_ends_as_one_that_never_was(tmp_path: Path) -> None:
    killed = killed_and_run_again(tmp_path, "openers.jsonl", 25, "--sector", "evol-instruct", "--n", "60")
    whole = play("evol-instruct", 60, tmp_path / "whole")
    assert (killed / "openers.jsonl").read_bytes() == (tmp_path / "whole" / "openers.jsonl").read_bytes()
    assert {one.id: lineage(one) for one in stored(killed)} == {one.id: lineage(one) for one in whole}


def test_instructions_of_ones_own_replace_the_starts(tmp_path: Path) -> None:
    lines = [f"Explain the trade of the {trade}." for trade in ("cooper", "glazier", "wheelwright", "thatcher")]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    found = play("evol-instruct", 20, tmp_path / "run", input=tmp_path / "own.txt")
    assert {lineage(one)[0]["instruction"] for one in found} <= set(lines)


def test_a_plan_counts_the_generations_above_and_prompts_show_the_line_down(capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(sector="evol-instruct", n=2000, endpoint="builtin")
    assert found.topics.keys() == {f"en/{name}" for name in GENERATIONS}
    assert found.topics["en/first"] >= 60
    for language in ("en", "zh", "zh-TW", "fr"):
        assert main(["sectors", "show", "evol-instruct", "--language", language]) == 0
        out = capsys.readouterr().out
        assert out.count("Start instruction: ") == 4
    assert in_one_line("Do it.\n\n1 a\n2 b") == "Do it. | 1 a / 2 b"
    assert json.dumps(found.topics)
