"""One example for each round, with as much history as fits: what is learned in it, and how it is counted."""

import pytest
from spoken import rendering, talk

from dialogue.records import Dialogue, Message
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX, Example
from trainer.text.examples import examples
from trainer.text.render import Renderer

ENDED_BY_THE_USER = talk("q", "a", "r", "b", "s", system="Be.")


def _turns(dialogue: Dialogue, **more: object) -> tuple[list[Example], Audit, Renderer]:
    made, audit = rendering(thoughts="per_turn", **more), Audit()
    return examples(dialogue, made, made.settings, audit), audit, made


@pytest.mark.parametrize(
    ("train_on", "taught"),
    [
        ("assistant", ["a<|im_end|>", "b<|im_end|>"]),
        ("last", ["b<|im_end|>"]),
        ("user", ["q<|im_end|>", "r<|im_end|>", "s<|im_end|>"]),
    ],
)
def test_each_round_that_holds_what_is_learned_is_an_example(train_on: str, taught: list[str]) -> None:
    made, audit, tools = _turns(ENDED_BY_THE_USER, train_on=train_on)
    assert [tools.tokenizer.decode(one.labels[one.labels != IGNORE_INDEX]) for one in made] == taught
    assert audit.refused == {}


def test_all_is_every_token_once() -> None:
    made, audit, tools = _turns(ENDED_BY_THE_USER, train_on="all")
    taught = [token for one in made for token in one.labels[one.labels != IGNORE_INDEX].tolist()]
    whole = tools.encode(ENDED_BY_THE_USER).input_ids.tolist()
    closes = tools.encoder.literal("\n")  # behind a round, in its own example and before the next one
    assert len(taught) - 2 * len(closes) == len(whole)
    assert audit.tokens - audit.repeated_tokens - 2 * len(closes) == len(whole)


def test_history_and_system_message_of_later_turns_are_told_as_read_again() -> None:
    made, audit, tools = _turns(talk("q", "a", "r", "b", system="Be."))
    first = tools.encode(talk("q", "a", system="Be."))
    assert len(made) == 2
    assert len(made[0].input_ids) == len(first.input_ids)
    assert audit.repeated_tokens == len(first.input_ids) - len(tools.encoder.literal("\n"))


def test_a_round_with_history_that_does_not_fit_loses_the_oldest_rounds() -> None:
    made, audit, tools = _turns(talk(*["1" * 20, "2" * 20] * 3, system="Be."), max_length=80)
    assert [len(one.input_ids) <= 80 for one in made] == [True] * 3
    assert tools.tokenizer.decode(made[-1].input_ids).startswith("<|im_start|>system\nBe.<|im_end|>")
    assert audit.dropped_tokens > 0
    assert audit.cut == 0


def test_thoughts_of_the_turn_alone_are_written() -> None:
    talks = talk("q", "a", "r", "b").messages
    thinking = tuple(
        m.model_copy(update={"thoughts": "of " + m.content}) if m.role == "assistant" else m for m in talks
    )
    made, _, tools = _turns(Dialogue(id="d", messages=thinking))
    texts = [tools.tokenizer.decode(one.input_ids) for one in made]
    assert ["of a" in text for text in texts] == [True, False]
    assert "of b" in texts[1]


def test_a_user_who_is_learned_from_needs_no_answer() -> None:
    one = Dialogue(id="d", messages=(Message(role="user", content="q"),))
    made, audit, _ = _turns(one, train_on="user")
    assert (len(made), audit.refused) == (1, {})
