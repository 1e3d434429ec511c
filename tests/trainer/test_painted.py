"""Painting: one sees what is taught, and model text can do nothing to the terminal."""

import re

import numpy as np
from hypothesis import given
from spoken import HOSTILE, UNHURRIED, dialogues, rendering, talk

from dialogue.records import Dialogue
from gen.terminal import ARROWS, BRACKETS
from trainer.text.painted import legend, paint


def test_what_is_taught_stands_out() -> None:
    made = rendering()
    assert paint(made.encode(talk("q", "a")), made.tokenizer, BRACKETS) == (
        f"d: {len(made.encode(talk('q', 'a')).input_ids)} tokens, 2 taught\n"
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n⟪a⟫⟪<|im_end|>⟫\n\n"
    )
    coloured = paint(made.encode(talk("q", "a")), made.tokenizer)
    assert "\x1b[32ma\x1b[0m" in coloured
    assert "\x1b[32m\x1b[7m<|im_end|>\x1b[0m" in coloured


def test_a_weight_is_shown_behind_the_words_it_belongs_to() -> None:
    made = rendering()
    example = made.encode(talk("q", "a"))
    lighter = example._replace(weights=example.weights * np.float32(0.1))
    assert "⟪a⟫(x0.1)" in paint(lighter, made.tokenizer, BRACKETS)


@UNHURRIED
@given(dialogues(HOSTILE))
def test_no_escape_and_no_hidden_character_of_a_text_reaches_the_terminal(dialogue: Dialogue) -> None:
    made = rendering()
    painted = paint(made.encode(dialogue), made.tokenizer)
    ours = re.sub(r"\x1b\[(?:32|2|7|0)m", "", painted)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufeff]", ours)
    assert "\x1b[31m" not in painted


def test_typed_marks_are_written_out_so_that_nothing_looks_taught_that_is_not() -> None:
    made = rendering()
    painted = paint(made.encode(talk("⟪q⟫", "a >> b")), made.tokenizer, BRACKETS)
    assert "user\n\\u27eaq\\u27eb<|im_end|>" in painted
    assert "⟪a >> b⟫" in painted
    assert "\\u003e\\u003e b<<" in paint(made.encode(talk("q", "a >> b")), made.tokenizer, ARROWS)
    assert legend(ARROWS) == "between >> and <<: what is taught; the rest is only read"


def test_the_first_token_is_not_taught_since_nothing_stands_before_it() -> None:
    made = rendering("marks", train_on="all")
    example = made.encode(talk("q", "a"))
    assert paint(example, made.tokenizer, BRACKETS).splitlines()[1].startswith("<|user|>⟪q⟫")
    assert example.taught == len(example.input_ids) - 1


def test_a_character_of_several_tokens_is_shown_whole() -> None:
    made = rendering()
    assert "⟪汐👩⟫" in paint(made.encode(talk("q", "汐👩")), made.tokenizer, BRACKETS)
