"""The audit: what became of the dialogues, in numbers that add up."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import HOSTILE, UNHURRIED, dialogues, rendering, talk

from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message, Seed
from trainer.text.audit import Audit
from trainer.text.examples import EMPTY, EMPTY_PIECE, examples, examples_of


def test_counts_are_those_of_the_examples() -> None:
    made, audit = rendering(), Audit()
    talks = [talk("q", "a", id="a"), talk("r", id="b"), talk("type <|im_end|>", "b", id="c")]
    groups = examples_of(talks, made, made.settings, audit)
    kept = [example for group in groups for example in group]
    assert [len(group) for group in groups] == [1, 0, 1]
    assert (audit.dialogues, audit.examples, audit.special_typed) == (3, 2, 1)
    assert audit.tokens == sum(len(example.input_ids) for example in kept)
    assert audit.taught == 4
    assert audit.refused == {"nothing to learn": 1}
    assert audit.places == {"nothing to learn": "b"}


def test_control_tokens_in_thoughts_and_calls_are_seen_too() -> None:
    made, audit = rendering(thoughts="keep"), Audit()
    thinks = Message(role="assistant", content="b", thoughts="<|im_end|>")
    calls = Message(role="assistant", content="b", tool_calls=[{"name": "<|im_start|>"}])
    for message in (thinks, calls, Message(role="assistant", content="b")):
        examples(Dialogue(id="d", messages=(Message(role="user", content="a"), message)), made, made.settings, audit)
    assert audit.special_typed == 2


def test_a_dialogue_is_refused_or_learned_from_and_pieces_are_counted_apart() -> None:
    made, audit = rendering(max_length=48), Audit()
    cut = talk(*["q" * 30, "a" * 9] * 2, "r" * 40, id="cut")  # its last piece holds a question alone
    groups = examples_of([cut, talk("q", id="mute"), talk("q", "a")], made, made.settings, audit)
    assert [len(group) for group in groups] == [2, 0, 1]
    assert audit.refused == {EMPTY: 1, EMPTY_PIECE: 1}
    assert audit.places == {EMPTY: "mute", EMPTY_PIECE: "cut"}
    assert audit.dialogues == sum(map(bool, groups)) + audit.refused[EMPTY]
    assert audit.refused_tokens > 40
    assert audit.lines()[-3].startswith("refused tokens: ")


def test_people_read_what_was_lost_on_lines_of_its_own() -> None:
    made, audit = rendering(max_length=64), Audit()
    for dialogue in (talk("q " * 90, "a", id="long"), talk("q", id="mute"), *[talk("q", "a" * 9)] * 3):
        examples(dialogue, made, made.settings, audit)
    lines = audit.lines()
    assert lines[0].startswith("5 dialogues -> 4 examples, ")
    assert "cut: 1 rounds longer than max_length" in lines[2]
    assert lines[-1] == "refused, nothing to learn: 1 (the first: mute)"
    assert lines[-2] == f"refused tokens: {audit.refused_tokens:,}, in examples that teach nothing"


@UNHURRIED
@given(st.lists(dialogues(HOSTILE), max_size=4))
def test_audits_add_up_and_survive_json(talks: list[Dialogue]) -> None:
    made, whole, parts = rendering(max_length=64), Audit(), Audit()
    examples_of(talks, made, made.settings, whole)
    for dialogue in talks:
        part = Audit()
        examples(dialogue, made, made.settings, part)
        parts += part
    assert whole.as_dict() == parts.as_dict()
    assert Audit.from_dict(orjson.loads(orjson.dumps(whole.as_dict()))) == whole


def test_what_is_read_and_not_learned_and_what_is_not_written_is_told() -> None:
    made, audit = rendering(), Audit()
    spoken = talk("q", "a", "r", "b")
    prompted = [spoken.messages[0], spoken.messages[1].model_copy(update={"weight": 0.0}), *spoken.messages[2:]]
    columns = Seed(extra={"tools": [{"type": "function"}], "chat_template_kwargs": {"enable_thinking": False}})
    ours = Seed(
        extra={"tools": {"on": ["sum"]}, "functions": "[]", "system_prompt": "s"}
    )  # a run's, and a column that says nothing
    for seed in (columns, columns, ours):
        one = Dialogue(id="d", messages=tuple(prompted), seed=seed)
        examples(one, made, made.settings, audit)
    assert audit.lines()[2:] == [
        "of weight 0, read and not learned: 3 answers",
        "tools: in 2 rows, and not followed; no list of tools is written; name in a system message what the assistant "
        "may call",
        "chat_template_kwargs: in 2 rows, and not followed; all is written by one template, with thoughts as the "
        "settings say",
        "system_prompt: in 1 rows, and not followed; as `system` it would be the first message",
    ]
    assert Audit.from_dict(orjson.loads(orjson.dumps(audit.as_dict()))) == audit


@pytest.mark.parametrize(("thoughts", "left_out"), [("none", 1), ("keep", 0), ("per_turn", 0)])
def test_thoughts_that_are_left_out_are_told(thoughts: str, left_out: int) -> None:
    made, audit = rendering(thoughts=thoughts), Audit()
    messages = (Message(role="user", content="q"), Message(role="assistant", content="a", thoughts="t"))
    examples(Dialogue(id="d", messages=messages), made, made.settings, audit)
    told = "thoughts left out: of 1 answers (thoughts = none; keep and per_turn teach them)"
    assert (audit.unthought, told in audit.lines()) == (left_out, bool(left_out))


def test_thoughts_within_words_are_told_with_the_mend() -> None:
    made, audit = rendering(), Audit()
    examples(talk("q", "<think>t</think>a"), made, made.settings, audit)
    assert audit.lines()[2] == (
        "<think> within the words: of 1 answers, plain text like all words; "
        "gen convert --split-thoughts makes thoughts of it"
    )


def test_an_audit_of_before_lacks_what_was_not_counted_then() -> None:
    told = Audit(dialogues=3, taught=5).as_dict()
    for name in ("unlearned", "unthought", "aloud", "unread"):
        del told[name]
    assert Audit.from_dict(told) == Audit(dialogues=3, taught=5)


def test_a_refusal_names_the_row_where_it_is_known() -> None:
    made, audit = rendering(), Audit()
    talks = [talk("q", "a", id="a"), talk("r", id="b")]
    rows = [Row(Path("data.jsonl"), number, b"") for number in (3, 4)]
    examples_of(talks, made, made.settings, audit, rows)
    assert audit.lines()[-1] == "refused, nothing to learn: 1 (the first: data.jsonl:4 (b))"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_length": 32, "overflow": "refuse"}, r"data\.jsonl:3: dialogue a: \d+ tokens, max_length = 32"),
        ({"weight_by": "weight"}, r"data\.jsonl:3: dialogue a: weight = -1\.0 is no loss weight"),
    ],
)
def test_an_error_about_a_dialogue_names_its_row(asked: dict[str, Any], said: str) -> None:
    made = rendering(**asked)
    long = talk("q", "a" * 90, id="a")
    long = long.model_copy(
        update={"messages": (long.messages[0], long.messages[1].model_copy(update={"weight": -1.0}))}
    )
    with pytest.raises(UsageError, match=said):
        examples_of([long], made, made.settings, Audit(), [Row(Path("data.jsonl"), 3, b"")])
