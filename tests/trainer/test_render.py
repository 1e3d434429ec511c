"""Rendering: ids, labels and weights of dialogues, and their equality with the exported Jinja template."""

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import HOSTILE, ORDINARY, UNHURRIED, by_jinja, dialogues, fitted, plain, rendering, talk

from dialogue.reading import read
from dialogue.records import Dialogue, Message, Seed, encode
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


STANFORD = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)
STANFORD_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
"""Of stanford_alpaca/train.py; Alpaca-LoRA's have a line break behind the last colon."""
ASKED = [
    ("Translate to German.", "Good morning", "Guten Morgen"),
    ("Translate to German. ", " two\n\nparts ", "zwei Teile"),
    ("Translate to German.", "", "Welchen Text?"),
    ("Count.", "3", "4"),
]


@pytest.mark.parametrize(("template", "behind"), [("alpaca", ""), ("alpaca-lora", "\n")])
@pytest.mark.parametrize(("instruction", "input", "output"), ASKED)
def test_rows_with_an_input_are_asked_as_stanford_asked_them(
    template: str, behind: str, instruction: str, input: str, output: str, tmp_path: Path
) -> None:
    shape = STANFORD_WITH_INPUT if input else STANFORD
    asked = shape.format(instruction=instruction, input=input) + behind
    made = rendering(template)
    rows = {
        "alpaca": {"instruction": instruction, "input": input, "output": output},
        "dolly": {"instruction": instruction, "context": input, "response": output, "category": "qa"},
        "pairs": {"instruction": instruction, "input": input, "chosen": output, "rejected": "?"},
    }
    for name, row in rows.items():
        (tmp_path / f"{name}.jsonl").write_bytes(orjson.dumps(row) + b"\n")
        (dialogue,) = read(tmp_path / f"{name}.jsonl")
        (tmp_path / "as_messages.jsonl").write_bytes(encode(dialogue))
        for one in (dialogue, *read(tmp_path / "as_messages.jsonl")):
            text = made.tokenizer.decode(made.encode(one).input_ids)
            assert text == f"{asked}{output}</s>\n\n"
            prompt = made.prompt(made.messages(one)[:-1])
            assert made.encode(one).input_ids[: len(prompt)].tolist() == prompt
            assert prompt == made.tokenizer(asked, add_special_tokens=False)["input_ids"]


def test_the_input_of_a_row_with_a_history_is_that_of_its_last_instruction(tmp_path: Path) -> None:
    row = {"instruction": "And this.", "input": "Good night", "output": "c", "history": [["Good night", "b"]]}
    (tmp_path / "d.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    (dialogue,) = read(tmp_path / "d.jsonl")
    text = rendering("alpaca").tokenizer.decode(rendering("alpaca").encode(dialogue).input_ids)
    assert "### Instruction:\nGood night\n\n### Response:b" in text
    assert "### Instruction:\nAnd this.\n\n### Input:\nGood night\n\n### Response:c" in text


def test_words_that_only_happen_to_end_like_the_seed_are_no_input() -> None:
    dialogue = talk("What was in 2012", "x").model_copy(update={"seed": Seed(material="12")})
    assert rendering("alpaca").messages(dialogue) == dialogue.messages


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


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"place":"Łódź"}', '{"place":"Łódź"}'),
        ({"place": "Łódź", "days": 2}, '{"place": "Łódź", "days": 2}'),
        ("{}", "{}"),
        ("", '""'),
        ("look", '"look"'),
    ],
)
def test_arguments_that_are_a_text_of_an_object_are_written_as_the_object(arguments: object, written: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = (Message(role="user", content="a"), Message(role="assistant", content="", tool_calls=[call]))
    dialogue, made = Dialogue(id="d", messages=messages), rendering("chatml")
    ids = made.encode(dialogue).input_ids.tolist()
    assert f'<tool_call>\n{{"name": "f", "arguments": {written}}}\n</tool_call>' in made.tokenizer.decode(ids)
    assert by_jinja(made, dialogue)[0] == ids
