"""Filters on what the record says: where, score, blocked_words."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import talk

from dialogue.records import Message, Seed
from filters.blocked_words import BlockedWords
from filters.engine.base import Drop
from filters.score import Score
from filters.where import Where

DIALOGUE = talk(
    "hello", "hi", id="a", sector="world-questions", stop="user_stopped", scores={"quality": 7, "deep": {"er": 0.5}},
    seed=Seed(language="en", extra={"source": {"name": "x"}, "flag": True}),
)  # fmt: skip


def reason(outcome: object) -> str | None:
    return outcome.reason if isinstance(outcome, Drop) else None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"field": "sector", "one_of": ["world-questions", "creation"]}, None),
        ({"field": "sector", "one_of": ["creation"]}, "other"),
        ({"field": "stop", "none_of": ["user_stopped"]}, "excluded"),
        ({"field": "seed.language", "one_of": ["en"]}, None),
        ({"field": "seed.extra.source.name", "one_of": ["x"]}, None),
        ({"field": "seed.extra.flag", "one_of": [True]}, None),
        ({"field": "seed.extra.flag", "least": 0}, "least"),
        ({"field": "seed.extra.absent", "one_of": ["x"]}, "absent"),
        ({"field": "seed.extra.absent", "none_of": ["x"]}, None),
        ({"field": "seed.persona", "exists": True}, "absent"),
        ({"field": "seed.persona", "exists": False}, None),
        ({"field": "sector", "exists": False}, "present"),
        ({"field": "scores.quality", "least": 7, "most": 7}, None),
        ({"field": "scores.quality", "least": 7.5}, "least"),
        ({"field": "scores.deep.er", "most": 0.4}, "most"),
        ({"field": "messages.-1.role", "one_of": ["assistant"]}, None),
        ({"field": "messages.5.role", "one_of": ["assistant"]}, "absent"),
    ],
)
def test_where(condition: dict[str, object], expected: str | None) -> None:
    outcome = Where.model_validate(condition).apply(DIALOGUE)
    assert reason(outcome) == expected
    assert isinstance(outcome, Drop) or outcome is DIALOGUE


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ({"field": "sectr", "one_of": ["x"]}, "did you mean sector"),
        ({"field": "seed.lang", "one_of": ["x"]}, "did you mean language"),
        ({"field": "messages.last.role", "one_of": ["x"]}, "messages.-1"),
        ({"field": "messages.0.rle", "exists": True}, "did you mean role"),
        ({"field": "sector"}, "no condition"),
        ({"field": "sector", "exists": False, "one_of": ["x"]}, "exists = false"),
    ],
)
def test_a_path_that_no_record_has_is_refused(condition: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Where.model_validate(condition)


def test_a_missing_score_is_never_a_zero() -> None:
    quality = Score(name="quality", least_score=7)
    assert quality.apply(DIALOGUE) is DIALOGUE
    assert reason(Score(name="quality", least_score=8).apply(DIALOGUE)) == "score"
    assert reason(Score(name="other", most_score=8).apply(DIALOGUE)) == "missing"
    assert Score(name="other", least_score=8, missing="keep").apply(DIALOGUE) is DIALOGUE
    for odd in ("9", True, None, [9]):
        scored = DIALOGUE.model_copy(update={"scores": {"quality": odd}})
        assert reason(quality.apply(scored)) == "missing"
    (verdict,) = quality.verdicts([DIALOGUE])
    assert verdict.measures == {"score": 7.0}


def test_scores_of_turns() -> None:
    def answer(score: float | None) -> Message:
        return Message(role="assistant", content="b", scores=None if score is None else {"quality": score})

    user = Message(role="user", content="a")
    scored = DIALOGUE.model_copy(update={"messages": (user, answer(9), user, answer(4))})
    assert reason(Score(name="quality", level="worst_turn", least_score=5).apply(scored)) == "score"
    assert Score(name="quality", level="mean_turn", least_score=6.5).apply(scored) is scored
    half = DIALOGUE.model_copy(update={"messages": (user, answer(9), user, answer(None))})
    assert reason(Score(name="quality", level="mean_turn", least_score=5).apply(half)) == "missing"


@pytest.mark.parametrize(
    ("text", "word", "blocked"),
    [
        ("Ask OpenAI about it", "openai", True),
        ("openair concert", "openai", False),
        ("an open  air\nconcert", "open air", True),
        ("C++ is old", "c++", True),
        ("我用百度搜索", "百度", True),
        ("Straße", "strasse", False),
        ("nothing", "openai", False),
    ],
)
def test_blocked_words_are_whole_words(text: str, word: str, blocked: bool) -> None:
    outcome = BlockedWords(words=(word,)).apply(talk("hello", text))
    assert (reason(outcome) == "blocked") is blocked


def test_the_list_may_stand_in_a_file_and_whose_turns_count_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# names\n\nacme\n", encoding="utf-8")
    listed = BlockedWords(file=str(path))
    assert reason(listed.apply(talk("ACME!", "hi"))) == "blocked"
    assert reason(listed.model_copy(update={"roles": ("assistant",)}).apply(talk("ACME!", "hi"))) is None
    assert listed.fingerprint() != BlockedWords(words=("other",)).fingerprint()
    with pytest.raises(ValidationError, match="no words"):
        BlockedWords()
    with pytest.raises(ValidationError, match="absent"):
        BlockedWords(file=str(tmp_path / "absent"))


@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_blocked_words_never_raise(text: str, word: str) -> None:
    outcome = BlockedWords(words=(word,)).apply(talk(text, f" {word} "))
    assert reason(outcome) == "blocked"
