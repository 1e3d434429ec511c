"""How long answers are expected to be."""

from pathlib import Path

import pytest

from gen.api import plan
from generator.estimate import Estimate
from generator.side import ANSWER_TOKENS, answer_tokens, mean_answer_tokens
from prompts.loader import Prompts
from prompts.sector import load

PROMPTS = Prompts()


@pytest.mark.parametrize(
    ("sector", "shares", "tokens"),
    [
        ("world-questions", None, ANSWER_TOKENS),
        ("recall", None, 40),
        ("creation", None, 400),
        ("self-chat", "transcript", 70),
        ("self-chat", "turns", ANSWER_TOKENS),
        ("self-chat", "both", (70 + ANSWER_TOKENS) // 2),
        ("continue", None, ANSWER_TOKENS),
    ],
)
def test_a_sector_says_how_long_its_answers_are(sector: str, shares: str | None, tokens: int) -> None:
    assert mean_answer_tokens(load(PROMPTS, sector, shares)) == tokens


def test_a_level_may_say_otherwise_than_its_sector() -> None:
    found = load(PROMPTS, "self-chat", "both")
    assert (answer_tokens(found, "transcript"), answer_tokens(found, "turns")) == (70, ANSWER_TOKENS)


def test_a_plan_counts_what_a_users_own_sector_says(tmp_path: Path) -> None:
    own = tmp_path / "sectors" / "recall" / "sector.toml"
    own.parent.mkdir(parents=True)
    shipped = PROMPTS.read("sectors/recall/sector.toml")
    own.write_text(shipped.replace("answer_tokens = 40 ", "answer_tokens = 400 "), encoding="utf-8")
    asked = {"sector": "recall", "n": 20, "endpoint": "builtin", "out": tmp_path / "run"}
    short, long = plan(**asked), plan(**asked, prompts=tmp_path)
    assert isinstance(long, Estimate)
    assert long.answer_tokens == 400
    answers = [one.by_role["assistant"]["completion_tokens"] for one in (short, long) if isinstance(one, Estimate)]
    assert answers[1] == 10 * answers[0]


def test_what_is_played_turn_by_turn_has_whole_answers_whatever_its_kind_is(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("".join(f"Why is rock number {number} so heavy?\n" for number in range(20)))
    asked = {"sector": "self-chat", "n": 20, "endpoint": "builtin", "out": tmp_path / "run"}
    own = plan(**asked, openers=file)
    assert isinstance(own, Estimate)
    assert own.answer_tokens == ANSWER_TOKENS
    answers = own.by_role["assistant"]
    assert answers["completion_tokens"] == answers["requests"] * ANSWER_TOKENS
    seeds = plan(**asked, input=file, shares="both")
    assert isinstance(seeds, Estimate)
    talks = seeds.by_role["assistant"]
    # Half of them take one request each; of the others every answer is one, and as long as answers are.
    assert talks["completion_tokens"] > (talks["requests"] - 20) * ANSWER_TOKENS
