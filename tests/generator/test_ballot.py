"""One turn's answers: which are compared, in what order, and which is said."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.chance import share
from dialogue.errors import ReplyFailed
from dialogue.records import Message
from generator.ballot import Ballot
from generator.ratings import Rating

ASKED = [Message(role="user", content="Why?")]


def answer(content: str, finish_reason: str | None = "stop", **more: str) -> Message:
    return Message(role="assistant", content=content, finish_reason=finish_reason, **more)


def ballot(*answers: Message, key: str = "sc-1/1", wanted: int = 4, failures: int = 0) -> Ballot:
    made = Ballot(key, wanted)
    made.answers, made.failures = list(answers), failures
    return made


def rating(*numbers: int) -> Rating:
    names = ("helpful", "relevant", "accurate", "detailed")
    return Rating(critique="Fair.", ratings=dict(zip(names, numbers, strict=False)))


def decided(one: Ballot, worth: Mapping[str, tuple[int, ...]], history: list[Message] = ASKED) -> Message:
    shown = one.shown(history)
    return one.message(shown, [rating(*worth[each.content]) for each in shown] if len(shown) > 1 else (), "m")


def kept(message: Message) -> list[dict[str, Any]]:
    return [dict(one) for one in message.candidates or [] if isinstance(one, dict)]


texts = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8)
numbers = st.tuples(*[st.integers(1, 100)] * 4)


@settings(max_examples=200, deadline=None)
@given(texts, st.fixed_dictionaries(dict.fromkeys("abcdefgh", numbers)), st.text("xyz", max_size=3))
def test_the_answer_of_the_best_mean_is_said_and_all_that_differ_are_kept(
    said: list[str], worth: dict[str, tuple[int, ...]], key: str
) -> None:
    message = decided(ballot(*map(answer, said), key=key), worth)
    found = kept(message)
    assert sorted(one["content"] for one in found) == sorted(set(said))
    means = {name: sum(worth[name]) / 4 for name in said}
    assert means[message.content] == max(means.values())
    if len(found) > 1:
        assert all(one["score"] == round(means[one["content"]], 3) for one in found)
        best = [one["content"] for one in found if means[one["content"]] == means[message.content]]
        assert message.content == best[0]  # of two that are alike the one that was shown earlier


def test_the_order_of_showing_is_chance_and_does_not_decide() -> None:
    said = [answer(f"answer {number}") for number in range(4)]
    worth = {one.content: (int(100 * share(one.content)) + 1,) * 4 for one in said}
    firsts: Counter[str] = Counter()
    for dialogue in range(200):
        one = ballot(*said, key=f"sc-{dialogue}/1")
        firsts[one.shown(ASKED)[0].content] += 1
        assert [each.content for each in one.shown(ASKED)] == [each.content for each in one.shown(ASKED)]
        assert decided(one, worth).content == max(worth, key=lambda name: worth[name])
    assert len(firsts) == 4
    assert min(firsts.values()) > 30
    orders = {tuple(one.content for one in ballot(*said, key=f"sc-1/{turn}").shown(ASKED)) for turn in range(1, 40, 2)}
    assert len(orders) > 5  # another one at every turn


def test_a_text_counts_once_and_as_a_whole_answer_where_it_is_one() -> None:
    one = ballot(answer("a", "length"), answer("b"), answer("a"), answer("b"))
    assert {(each.content, each.finish_reason) for each in one.shown(ASKED)} == {("a", "stop"), ("b", "stop")}


def test_what_is_cut_or_refused_is_kept_without_numbers_and_not_said_while_there_are_others() -> None:
    one = ballot(answer("cut", "length"), answer("sorry", "refusal"), answer("a"), answer("b"))
    message = decided(one, {"a": (1, 1, 1, 1), "b": (2, 2, 2, 3)})
    assert (message.content, message.finish_reason) == ("b", "stop")
    assert {each["content"] for each in kept(message)[:2]} == {"a", "b"}
    assert kept(message)[2:] == [
        {"content": "cut", "model": "m", "finish_reason": "length"},
        {"content": "sorry", "model": "m", "finish_reason": "refusal"},
    ]


def test_where_all_are_cut_the_best_of_them_is_said() -> None:
    message = decided(
        ballot(answer("a", "length"), answer("b", "length")), {"a": (50, 50, 50, 50), "b": (40, 40, 40, 99)}
    )
    assert (message.content, message.finish_reason) == ("b", "length")


def test_one_answer_alone_stands_without_numbers() -> None:
    message = decided(ballot(*[answer("the same")] * 4), {})
    assert message == answer("the same").model_copy(update={"candidates": [{"content": "the same", "model": "m"}]})
    beside = decided(ballot(answer("cut", "length"), answer("whole")), {})
    assert beside.content == "whole"
    assert [one["content"] for one in kept(beside)] == ["whole", "cut"]


def test_thoughts_and_the_name_of_the_model_go_with_the_answer() -> None:
    one = ballot(answer("a", thoughts="so", model="m-2"), answer("b"))
    message = decided(one, {"a": (9, 9, 9, 9), "b": (8, 8, 8, 8)})
    assert (message.thoughts, message.model) == ("so", "m-2")
    found = {each["content"]: each for each in kept(message)}
    assert (found["a"]["model"], found["a"]["thoughts"]) == ("m-2", "so")
    assert found["b"]["model"] == "m"
    assert "thoughts" not in found["b"]


def test_what_the_dialogue_has_already_is_not_said_again() -> None:
    history = [*ASKED, answer("a"), Message(role="user", content="And then?")]
    one = ballot(answer("a"), answer("b"), key="sc-1/3")
    assert [each.content for each in one.shown(history)] == ["b"]
    only = ballot(*[answer("a")] * 4)
    assert only.shown(history) == []
    assert only.failure().reason == "repeat"


def test_answers_without_words_are_passed_over_and_two_and_nothing_else_are_enough() -> None:
    nothing = answer("", "content_filter")
    assert ballot(nothing).wants_more(ASKED)
    none = ballot(nothing, answer("", "reasoning_only"))
    assert not none.wants_more(ASKED)
    assert none.shown(ASKED) == []
    assert none.failure().reason == "reasoning_only"
    some = ballot(nothing, answer("a"), answer(" ", "bad_reply"))
    assert some.wants_more(ASKED)
    some.answers.append(answer("b"))
    assert not some.wants_more(ASKED)
    assert {each.content for each in some.shown(ASKED)} == {"a", "b"}


def test_a_new_try_asks_for_as_many_again() -> None:
    history = [*ASKED, answer("a"), Message(role="user", content="And then?")]
    for failures, most in ((0, 4), (1, 8), (2, 12)):
        count = 0
        one = ballot(failures=failures)
        while one.wants_more(history):
            one.answers.append(answer("a"))
            count += 1
        assert count == most
    assert not ballot(answer("a"), answer("b"), wanted=2, failures=3).wants_more(history)


def test_a_failure_says_what_came() -> None:
    with pytest.raises(ReplyFailed, match="none of 2 answers has words"):
        raise ballot(answer("", "bad_reply"), answer("", "bad_reply")).failure()
