"""Dialogues longer than `max_length`: pieces that fit, nothing lost unsaid."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import HOSTILE, UNHURRIED, dialogues, fitted, rendering, settings, talk

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX, Example
from trainer.text.examples import EMPTY, examples
from trainer.text.render import Renderer, renderer
from trainer.text.template import names


def _split(dialogue: Dialogue, max_length: int, **more: object) -> tuple[list[Example], Audit, Renderer]:
    chosen = settings(max_length=max_length, **more)
    made, audit = renderer(fitted(), chosen), Audit()
    return examples(dialogue, made, chosen, audit), audit, made


def _of_tokens(*lengths: int, system: str | None = None) -> Dialogue:
    """A dialogue of rounds with so many tokens each; a digit is one token."""
    marks = len(rendering().encode(talk("", "")).input_ids)
    words = [word for length in lengths for word in ("1" * (length // 2), "2" * (length - length // 2 - marks))]
    return talk(*words, system=system)


def test_rounds_of_1000_and_1200_tokens_give_two_pieces_at_2048() -> None:
    made, audit, _ = _split(_of_tokens(1000, 1200), 2048)
    assert [len(example.input_ids) for example in made] == [1000, 1200]
    assert (audit.split, audit.cut, audit.dropped_tokens, audit.examples) == (1, 0, 0, 2)


def test_the_system_message_stands_in_each_piece() -> None:
    made, audit, tools = _split(_of_tokens(100, 100, 100, system="Be brief."), 140)
    texts = [tools.tokenizer.decode(example.input_ids) for example in made]
    assert len(texts) == 3
    assert all(text.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n") for text in texts)
    assert audit.repeated_tokens == 2 * len(tools.encode(talk(system="Be brief.")).input_ids)


def test_a_round_too_long_alone_keeps_its_answer_and_loses_the_front_of_the_question() -> None:
    made, audit, tools = _split(talk("first " * 100 + "last", "an answer"), 64)
    text = tools.tokenizer.decode(made[0].input_ids)
    assert len(made[0].input_ids) == 64
    assert "last<|im_end|>\n<|im_start|>assistant\nan answer<|im_end|>" in text
    assert audit.cut == 1
    assert audit.dropped_tokens == len(tools.encode(talk("first " * 100 + "last", "an answer")).input_ids) - 64


def test_an_answer_too_long_alone_loses_its_end_and_teaches_none() -> None:
    made, audit, tools = _split(talk("q", "2" * 200), 64)
    end = tools.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert len(made[0].input_ids) == 64
    assert end not in made[0].labels
    assert audit.cut == 1


def test_refuse_names_the_dialogue_its_tokens_and_the_limit() -> None:
    with pytest.raises(UsageError, match=r"dialogue d: 1,000 tokens, max_length = 512; raise it"):
        _split(_of_tokens(1000), 512, overflow="refuse")


def test_only_the_last_answer_is_learned_in_a_long_dialogue_too() -> None:
    made, audit, tools = _split(_of_tokens(100, 100, 100), 220, train_on="last")
    assert len(made) == 1
    whole = tools.encode(_of_tokens(100, 100, 100))
    assert np.array_equal(made[0].input_ids, whole.input_ids[-200:])
    assert audit.dropped_tokens == 100


def test_the_last_answer_is_learned_where_the_user_has_the_last_word_too() -> None:
    rounds = _of_tokens(100, 100, 100)
    dialogue = rounds.model_copy(update={"messages": (*rounds.messages, *talk("3" * 50).messages)})
    made, audit, tools = _split(dialogue, 220, train_on="last")
    assert np.array_equal(made[0].input_ids, tools.encode(rounds).input_ids[-200:])
    assert made[0].taught > 2
    assert audit.tokens == len(tools.encode(dialogue).input_ids) - audit.dropped_tokens
    assert audit.refused == {}


def test_all_that_is_not_the_answer_goes_before_a_part_of_the_answer_does() -> None:
    messages = (
        Message(role="system", content="0" * 90),
        Message(role="user", content="1" * 60),
        Message(role="user", content="2" * 50),
        Message(role="assistant", content="an answer"),
    )
    made, audit, tools = _split(Dialogue(id="d", messages=messages), 64)
    text = tools.tokenizer.decode(made[0].input_ids)
    assert text.endswith("<|im_start|>assistant\nan answer<|im_end|>\n")
    assert text.count("0") > 5  # the system's words are the last to go
    assert "1" not in text
    assert "2" not in text
    assert (len(made[0].input_ids), audit.cut) == (64, 1)


def test_what_a_tool_said_is_cut_before_the_answer_that_uses_it() -> None:
    messages = (
        Message(role="user", content="q"),
        Message(role="assistant", content="", tool_calls=["look()"]),
        Message(role="tool", content="7" * 200),
        Message(role="assistant", content="an answer"),
    )
    made, _, tools = _split(Dialogue(id="d", messages=messages), 96)
    text = tools.tokenizer.decode(made[0].input_ids)
    assert "look()" in text
    assert text.endswith("an answer<|im_end|>\n")


@UNHURRIED
@given(st.sampled_from(names()), dialogues(HOSTILE), st.integers(48, 160))
def test_tokens_add_up_in_every_template(template: str, dialogue: Dialogue, limit: int) -> None:
    chosen = settings(template, max_length=limit)
    made, audit = renderer(fitted(template), chosen), Audit()
    found = examples(dialogue, made, chosen, audit)
    if any("no place" in reason for reason in audit.refused):
        return
    whole = len(made.encode(dialogue).input_ids)
    assert audit.tokens == sum(len(example.input_ids) for example in found)
    assert audit.tokens + audit.refused_tokens == whole + audit.repeated_tokens - audit.dropped_tokens
    assert bool(found) == (EMPTY not in audit.refused)


@UNHURRIED
@given(dialogues(HOSTILE), st.integers(24, 120))
def test_pieces_fit_and_teach_all_that_the_dialogue_teaches_but_what_is_counted(dialogue: Dialogue, limit: int) -> None:
    made, audit, tools = _split(dialogue, limit)
    whole = tools.encode(dialogue)
    assert all(len(example.input_ids) <= limit for example in made)
    taught = [example.labels[example.labels != IGNORE_INDEX].tolist() for example in made]
    if not audit.cut:
        assert list(chain(*taught)) == whole.labels[whole.labels != IGNORE_INDEX].tolist()
    assert audit.tokens == sum(len(example.input_ids) for example in made)
    read = len(whole.input_ids) + audit.repeated_tokens - audit.dropped_tokens
    assert audit.tokens + audit.refused_tokens == read
