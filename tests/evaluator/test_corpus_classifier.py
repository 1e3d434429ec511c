"""Real and generated users are told apart by their words, not by their length."""

import random
import sys

import pytest

from evaluator.corpus.classifier import Spoken, grams, matched, ready, told_apart

PLAIN = ["so", "how", "does", "the", "tide", "reach", "harbour", "when", "wind", "is", "still", "over", "bay"]
POLITE = ["could", "you", "kindly", "provide", "a", "comprehensive", "overview", "of", "various", "aspects"]


def users(words: list[str], seed: int, n: int = 120, longest: int = 12) -> list[Spoken]:
    """Two turns of each of n users, of words in any order."""
    draw = random.Random(seed)
    lengths = [draw.randint(4, longest) for _ in range(2 * n)]
    return [Spoken(" ".join(draw.choices(words, k=k)), f"{seed}-{place // 2}") for place, k in enumerate(lengths)]


def test_users_of_one_kind_are_not_told_apart_and_those_of_two_kinds_are() -> None:
    same = told_apart(users(PLAIN, 1), users(PLAIN, 2), 0).auc
    assert same.value == pytest.approx(0.5, abs=0.12)
    assert same.low is not None
    assert same.high is not None
    assert same.low < 0.5 < same.high
    other = told_apart(users(POLITE, 1), users(PLAIN, 2), 0)
    assert other.auc.value == pytest.approx(1, abs=0.01)
    assert "comprehensive" in other.generated
    assert "harbour" in other.real


def test_length_tells_nothing() -> None:
    auc = told_apart(users(PLAIN, 1, longest=40), users(PLAIN, 2, longest=8), 0).auc
    assert auc.value == pytest.approx(0.5, abs=0.15)


def test_both_sides_are_as_many_in_each_class_of_length() -> None:
    ours, theirs = matched(users(PLAIN, 1, longest=40), users(POLITE, 2, longest=8), 0)
    assert len(ours) == len(theirs) > 0
    assert sorted(len(one.text.split()) for one in ours)[-1] <= 9
    assert matched([Spoken("", "a")], [Spoken("", "b")], 0) == ([], [])


def test_too_few_are_not_judged() -> None:
    few = told_apart(users(PLAIN, 1, n=5), users(POLITE, 2, n=50), 0).auc
    assert few.value is None
    assert few.why is not None
    assert "dialogues of one side" in few.why
    assert told_apart([], users(POLITE, 2), 0).auc.value is None


def test_words_and_pairs_of_chinese_are_characters() -> None:
    assert grams("为什么 Why") == ["为", "什", "么", "why", "为 什", "什 么", "么 why"]


def test_a_missing_package_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match="sklearn"):
        ready()
