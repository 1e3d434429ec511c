"""The sector school-math from one command to the next: played offline, wrong answers kept apart, resumed, filtered."""

import re
import shutil
from collections import Counter
from pathlib import Path

import orjson
import pytest
from sector_runs import acts, assert_whole, listed, stored

from dialogue.records import Dialogue, Failure
from dialogue.solutions import Problem, marks
from gen.api import run
from gen.main import main
from generator.marking import answer_of

N = 240


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("school") / "run"
    run(sector="school-math", n=N, endpoint="builtin", language="en:3,zh:1,zh-TW:1", out=out)
    return out


@pytest.fixture(scope="module")
def played(folder: Path) -> list[Dialogue]:
    return stored(folder)


@pytest.fixture(scope="module")
def failed(folder: Path) -> list[Failure]:
    return [Failure.model_validate_json(line) for line in (folder / "failures.jsonl").open("rb")]


def problem(dialogue: Dialogue | Failure) -> Problem:
    return Problem.model_validate(dialogue.seed.extra["problem"])


def last_stated(text: str) -> str:
    return re.findall(r"^(?:Answer: |答案：)(.+)$", text, re.MULTILINE)[-1]


def test_every_dialogue_is_kept_or_kept_apart(played: list[Dialogue], failed: list[Failure]) -> None:
    assert len(played) + len(failed) == N
    assert 0.6 * N < len(played) < 0.95 * N
    assert_whole(played, "school-math")


def test_every_kept_answer_is_the_computed_one(played: list[Dialogue]) -> None:
    for dialogue in played:
        found = problem(dialogue)
        tool = "Solve" if dialogue.seed.kind == "equation" else "Calculate"
        assert answer_of(tool, found.argument) == found.answer == last_stated(dialogue.messages[1].content)
        assert not list(marks(dialogue))
        assert set(found.figures) <= set(re.findall(r"[0-9.]*[0-9]", dialogue.messages[0].content))


def test_a_changed_figure_is_worked_out_anew(played: list[Dialogue]) -> None:
    changed = 0
    for dialogue in played:
        found = problem(dialogue)
        for act in listed(dialogue):
            if act.get("release"):
                place = 2 * int(act["number"]) - 1
                assert act["release"] == found.then.fact
                assert found.then.figures[0] in dialogue.messages[place - 1].content
                assert last_stated(dialogue.messages[place].content) == found.then.answer
                changed += 1
    assert changed >= 0.95 * len(played)


def test_a_wrong_answer_is_kept_apart_with_the_reason_and_its_text(failed: list[Failure]) -> None:
    assert failed
    for failure in failed:
        assert failure.reason == "wrong_answer"
        last, found = failure.messages[-1], problem(failure)
        assert last.role == "assistant"
        match = re.fullmatch(r"stated (\S+), computed (\S+)", failure.detail)
        assert match
        said, computed = match.groups()
        assert said == last_stated(last.content) != computed
        assert computed in (found.answer, found.then.answer)


@pytest.mark.parametrize(("share", "kept"), [(0.0, 60), (1.0, 0)])
def test_all_planted_wrong_answers_are_caught_and_nothing_else_is(tmp_path: Path, share: float, kept: int) -> None:
    (tmp_path / "run.toml").write_text(
        f'[endpoint.main]\nbase_url = "builtin"\nmodel = "builtin"\nwrong_share = {share}\n', encoding="utf-8"
    )
    summary = run(config=tmp_path / "run.toml", sector="school-math", n=60, out=tmp_path / "run")
    assert (summary["dialogues"], summary["failed"]) == (kept, 60 - kept)


def test_kinds_and_acts_have_their_shares_and_none_makes_another_problem(
    played: list[Dialogue], failed: list[Failure]
) -> None:
    kinds = Counter(str(one.seed.kind) for one in (*played, *failed))
    assert 0.37 * N < kinds["arithmetic"] < 0.43 * N
    assert 0.17 * N < kinds["percent"] < 0.23 * N
    assert 0.37 * N < kinds["equation"] < 0.43 * N
    found = acts(played)
    assert set(found) == {"deepen", "widen", "reveal", "refine", "doubt", "clarify", "rephrase", "react"}
    assert found["reveal"] > found["refine"]
    assert found["deepen"] + found["widen"] > 0.3 * found.total()


def test_no_guide_is_kept_and_no_user_solves(played: list[Dialogue]) -> None:
    for dialogue in played:
        assert dialogue.messages[0].role == "user"
        assert not any("Answer:" in m.content or "答案：" in m.content for m in dialogue.messages if m.role == "user")


def test_a_run_cut_anywhere_goes_on_to_the_same_dialogues_and_failures(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    run(sector="school-math", n=20, endpoint="builtin", out=whole, seed=3)
    wanted = outcome(whole)
    assert all(wanted), "some are kept and some fail"
    journal = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    turns = [line for line in journal if orjson.loads(line)["k"] == "turn"]
    for place in range(0, len(turns), 12):
        cut = tmp_path / f"cut-{place}"
        cut.mkdir()
        for name in ("run.json", "openers.jsonl", "lists.jsonl"):
            shutil.copy(whole / name, cut)
        (cut / "journal.jsonl").write_bytes(b"".join(turns[:place]))
        run(sector="school-math", n=20, endpoint="builtin", out=cut, seed=3)
        assert outcome(cut) == wanted


def test_what_failed_is_asked_for_anew_where_that_is_wanted(tmp_path: Path) -> None:
    words = {"sector": "school-math", "n": 20, "endpoint": "builtin", "out": tmp_path / "run", "seed": 3}
    first = run(**words)
    again = run(**words, retry_failed=True)
    assert first["failed"] > again["failed"]
    assert not any(list(marks(dialogue)) for dialogue in stored(tmp_path / "run"))


def test_the_filter_finds_an_answer_that_was_edited_since(folder: Path, tmp_path: Path) -> None:
    rows = [orjson.loads(line) for line in (folder / "dialogues.jsonl").open("rb")]
    said = rows[0]["messages"][1]
    said["content"] = said["content"].replace(last_stated(said["content"]), "987654")
    (tmp_path / "edited.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    out = tmp_path / "out"
    assert main(["filter", str(tmp_path / "edited.jsonl"), "--preset", "math", "--out", str(out)]) == 0
    report = orjson.loads((out / "report.json").read_bytes())
    assert next(row["reasons"] for row in report["filters"] if row["name"] == "solutions") == {"wrong": 1}


def outcome(out: Path) -> tuple[list[str], list[str]]:
    kept = [dialogue.id + "|".join(m.content for m in dialogue.messages) for dialogue in stored(out)]
    failures = [Failure.model_validate_json(line) for line in (out / "failures.jsonl").open("rb")]
    return kept, sorted(f"{one.id} {one.detail} {one.messages[-1].content}" for one in failures)
