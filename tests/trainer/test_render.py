"""Rendering: ids, labels and weights of dialogues, and their equality with the exported Jinja template."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import HOSTILE, ORDINARY, UNHURRIED, by_jinja, dialogues, fitted, plain, rendering, talk

from dialogue.records import Dialogue, Message, Seed
from trainer.text.example import IGNORE_INDEX
from trainer.text.segments import NoPlace
from trainer.text.template import names

EVERY = st.sampled_from(names())


def _ordinary_for(template: str, dialogue: Dialogue) -> bool:
    """Alpaca's answer stands directly behind a colon, with which punctuation would be merged."""
    return template != "alpaca" or all(m.content[:1].isalnum() for m in dialogue.messages if m.role == "assistant")


@UNHURRIED
@given(EVERY, dialogues(ORDINARY))
def test_the_exported_template_gives_the_same_ids_and_the_same_mask(template: str, dialogue: Dialogue) -> None:
    if not _ordinary_for(template, dialogue):
        return
    made = rendering(template)
    example = made.encode(dialogue)
    ids, mask = by_jinja(made, dialogue)
    assert example.input_ids.tolist() == ids
    assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask


@UNHURRIED
@given(EVERY, dialogues(HOSTILE))
def test_the_prompt_of_every_answer_is_a_token_prefix_of_the_training_text(template: str, dialogue: Dialogue) -> None:
    made = rendering(template)
    ids = made.encode(dialogue).input_ids.tolist()
    for number, message in enumerate(dialogue.messages):
        if message.role == "assistant":
            prompt = made.prompt(dialogue.messages[:number])
            assert ids[: len(prompt)] == prompt


@UNHURRIED
@given(EVERY, dialogues(ORDINARY))
def test_the_exported_template_opens_an_answer_with_our_prompt(template: str, dialogue: Dialogue) -> None:
    if not _ordinary_for(template, dialogue):
        return
    made = rendering(template)
    asked = dialogue.messages[:-1] if dialogue.messages[-1].role == "assistant" else dialogue.messages
    fields = plain(dialogue)[: len(asked)]
    out = made.tokenizer.apply_chat_template(fields, chat_template=made.jinja, add_generation_prompt=True)
    assert out["input_ids"] == made.prompt(asked)


@UNHURRIED
@given(EVERY, dialogues(HOSTILE))
def test_a_reply_is_read_back_as_it_was_written(template: str, dialogue: Dialogue) -> None:
    made = rendering(template)
    if dialogue.messages[-1].role != "assistant":
        return
    words = dialogue.messages[-1].content
    if any(mark in words for mark in (*made.stop_texts, "<think>", "<|Inner Thoughts|>", "<|MOSS|>", "\x00")):
        return
    start = len(made.prompt(dialogue.messages[:-1]))
    reply = made.reply(made.encode(dialogue).input_ids.tolist()[start:])
    assert (reply.text, reply.ended) == (words, True)


@pytest.mark.parametrize("template", names())
def test_labels_and_weights_stand_where_the_ids_are(template: str) -> None:
    example = rendering(template).encode(talk("Where is Warsaw?", "In Poland."))
    taught = example.labels != IGNORE_INDEX
    assert np.array_equal(example.labels[taught], example.input_ids[taught])
    assert np.array_equal(example.weights, taught.astype(np.float32))
    assert (example.input_ids.dtype, example.labels.dtype, example.weights.dtype) == (np.int32, np.int32, np.float32)


@UNHURRIED
@given(dialogues(HOSTILE), EVERY)
def test_words_never_become_control_tokens(dialogue: Dialogue, template: str) -> None:
    made = rendering(template)
    empty = dialogue.model_copy(
        update={"messages": tuple(m.model_copy(update={"content": ""}) for m in dialogue.messages)}
    )
    control = set(made.encoder.control.values())
    counts = [sum(id in control for id in made.encode(each).input_ids.tolist()) for each in (dialogue, empty)]
    assert counts[0] == counts[1]


def test_added_tokens_that_are_not_special_are_no_tokens_in_words_either() -> None:
    tokenizer = fitted("chatml", 421)
    tokenizer.add_tokens(["<tool>", "Warsaw"])
    made = rendering(tokenizer=tokenizer)
    ids = made.encode(talk("<tool>", "<|custom|> Warsaw")).input_ids.tolist()
    assert tokenizer.convert_tokens_to_ids("<tool>") in ids  # no mark of this template: what it always was
    assert tokenizer.convert_tokens_to_ids("Warsaw") in ids
    tokenizer.add_tokens(["<|custom|>"])
    ids = rendering(tokenizer=tokenizer).encode(talk("a", "<|custom|>")).input_ids.tolist()
    assert tokenizer.convert_tokens_to_ids("<|custom|>") not in ids


def test_many_dialogues_give_what_each_gives_alone() -> None:
    made = rendering()
    talks = [talk("Where?", "There.", id="a"), talk("Why?", "There.", id="b"), talk("", "", id="c")]
    for together, alone in zip(made.encode_many(talks), map(made.encode, talks), strict=True):
        assert together.id == alone.id
        assert all(np.array_equal(a, b) for a, b in zip(together[1:], alone[1:], strict=True))


def test_a_message_without_a_place_is_named() -> None:
    dialogue = Dialogue(id="d", messages=(Message(role="user", content="a"), Message(role="tool", content="b")))
    with pytest.raises(NoPlace, match=r"template vicuna has no place for tool messages after user \(messages\[1\]\)"):
        rendering("vicuna").encode(dialogue)


def test_alpaca_tells_an_instruction_from_its_material() -> None:
    material = "Warsaw lies on the Vistula."
    dialogue = talk(f"Translate this.\n\n{material}", "Varsovie ...").model_copy(
        update={"seed": Seed(material=material)}
    )
    made = rendering("alpaca")
    text = made.tokenizer.decode(made.encode(dialogue).input_ids)
    assert "paired with an input" in text
    assert f"### Instruction:\nTranslate this.\n\n### Input:\n{material}\n\n### Response:Varsovie" in text
    apart = dialogue.model_copy(update={"messages": made.messages(dialogue)})
    assert by_jinja(made, apart)[0] == made.encode(dialogue).input_ids.tolist()


TOOL_USE = Dialogue(
    id="d",
    messages=(
        Message(role="system", content="Search: enabled."),
        Message(role="user", content="Where is it?"),
        Message(
            role="assistant",
            content="",
            thoughts="I have to look.",
            tool_calls=['Search("it")', {"raw": 'Solve("x = 1")'}, {"name": "find"}],
        ),
        Message(role="tool", content="<|1|>: in Warsaw"),
        Message(role="assistant", content="In Warsaw.", thoughts="Found."),
        Message(role="user", content="Thanks?"),
        Message(role="assistant", content="Yes."),
    ),
)


@pytest.mark.parametrize("thoughts", ["keep", "none"])
@pytest.mark.parametrize("template", ["chatml", "moss"])
def test_thoughts_calls_and_results_are_written_alike_by_us_and_by_jinja(template: str, thoughts: str) -> None:
    made = rendering(template, thoughts=thoughts)
    example = made.encode(TOOL_USE)
    ids, mask = by_jinja(made, TOOL_USE)
    assert example.input_ids.tolist() == ids
    assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask
    assert ("I have to look." in made.tokenizer.decode(ids)) == (thoughts == "keep")


def test_thoughts_are_read_apart_from_the_text() -> None:
    for template in ("chatml", "moss"):
        made = rendering(template, thoughts="keep")
        start = len(made.prompt(TOOL_USE.messages[:4]))
        end = len(made.prompt(TOOL_USE.messages[:5]))
        reply = made.reply(made.encode(TOOL_USE).input_ids.tolist()[start:end])
        assert (reply.text, reply.thoughts, reply.ended) == ("In Warsaw.", "Found.", True)
