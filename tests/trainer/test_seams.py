"""Seams: words and the line breaks around them are encoded as every server encodes the exported template."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from merging import merging
from spoken import ORDINARY, UNHURRIED, by_jinja, dialogues, plain, rendering, settings, talk, taught_text
from tokenizers import AddedToken

from dialogue.records import Dialogue
from trainer.text.example import IGNORE_INDEX
from trainer.text.render import Renderer, renderer
from trainer.text.template import find, names
from trainer.text.tokenizer import prepare

PHI3 = """{%- for m in messages -%}{{- '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}"""
EVERY = st.sampled_from(names())


@cache
def _made(template: str) -> Renderer:
    tokenizer = merging()
    prepare(tokenizer, template)
    return renderer(tokenizer, settings(template))


def _phi3() -> Renderer:
    tokenizer = merging()
    marks = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
    tokenizer.add_tokens([AddedToken(mark, special=True, rstrip=True) for mark in marks], special_tokens=True)
    tokenizer.chat_template = PHI3
    prepare(tokenizer, "own")
    return rendering("own", tokenizer)


@pytest.mark.parametrize("template", names())
def test_a_full_stop_before_line_breaks_is_merged_with_them_as_in_a_running_text(template: str) -> None:
    made = _made(template)
    assert made.tokenizer.tokenize("turns.\n\n")[-1] == ".ĊĊ"
    for dialogue in (talk("It turns.", "Why?", "It turns!\n", "潮汐。"), talk("", "a", "\n", "b", system="Be brief.")):
        ids, mask = by_jinja(made, dialogue)
        example = made.encode(dialogue)
        assert example.input_ids.tolist() == ids
        assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask


@UNHURRIED
@given(EVERY, dialogues(ORDINARY))
def test_ids_and_masks_are_those_of_the_exported_template(template: str, dialogue: Dialogue) -> None:
    """Except behind the generation prompt: an answer that begins with a line break, or with a mark behind a colon."""
    if any(not m.content[:1].isalnum() for m in dialogue.messages if m.role == "assistant"):
        return
    made = _made(template)
    ids, mask = by_jinja(made, dialogue)
    example = made.encode(dialogue)
    assert example.input_ids.tolist() == ids
    assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask
    for number, message in enumerate(dialogue.messages):
        if message.role == "assistant":
            prompt = made.prompt(dialogue.messages[:number])
            assert ids[: len(prompt)] == prompt


@pytest.mark.parametrize("template", names())
def test_seams_do_not_depend_on_what_is_learned(template: str) -> None:
    dialogue = talk("It turns.", "Why?\n", "It turns.\n\n", "Yes.", system="Be brief.")
    tokenizer = _made(template).tokenizer
    choices = ["assistant", "last", "all"]
    choices += ["user"] if find(template).user.end else []  # others cannot teach where a user's words end
    rows = [rendering(template, tokenizer, train_on=choice).encode(dialogue).input_ids for choice in choices]
    assert all(np.array_equal(row, rows[0]) for row in rows)


def test_what_stands_behind_an_answer_is_not_learned_with_it() -> None:
    assert taught_text(_made("belle"), talk("It turns.", "Why?\n", "So.", "b")) == "Why?\n</s>·b</s>"
    assert taught_text(_made("baize"), talk("q", "a.", "r", "b")) == " a.\n[|Human|]· b\n[|Human|]"


@pytest.mark.parametrize("words", ["a", " a", "\n a.\n", "\n\n", "", "\u2028a", "潮。\n"])
def test_white_space_that_a_token_swallows_is_left_out_of_words_too(words: str) -> None:
    made = _phi3()
    for dialogue in (talk(words, "b", "c", "d"), talk("a", words, "c", words), talk("a", "b", system=words)):
        ids = made.encode(dialogue).input_ids.tolist()
        assert ids == made.tokenizer.apply_chat_template(plain(dialogue), tokenize=True)["input_ids"]
        assert by_jinja(made, dialogue)[0] == ids
