"""What is taught to a model of the user's side besides the dialogue: who the person is, and where they end it."""

from pathlib import Path

import pytest
from spoken import rendering, settings, talk

from dialogue.ending import END
from dialogue.records import Dialogue, Seed
from trainer.batches.sources import sources
from trainer.batches.store import build, dialogues
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX, Example
from trainer.text.examples import examples
from trainer.text.render import Renderer
from trainer.text.user_side import as_learned

SEED = Seed(
    topic="Tides",
    persona="a nurse",
    extra={
        "goal": {"line": "to know when to swim", "facts": [{"text": "lives at the sea", "state": "held"}]},
        "persona": {"id": "x"},
    },
)
TOLD = (
    "You are a person who writes to an assistant: a nurse.\nTopic: Tides.\nYou want: to know when to swim.\n"
    "Not said in it: lives at the sea."
)


def _dialogue(*words: str, stop: str | None = "user_stopped", **more: object) -> Dialogue:
    return talk(*words, **more).model_copy(update={"seed": SEED, "stop": stop})


def _taught(made: Renderer, example: Example) -> str:
    return str(made.tokenizer.decode(example.labels[example.labels != IGNORE_INDEX]))


def _made(**more: object) -> Renderer:
    return rendering("marks", train_on="user", brief=True, endings=True, **more)


def test_the_brief_takes_the_place_of_the_assistants_system_message() -> None:
    made = _made()
    seen = as_learned(_dialogue("Why?", "So.", system="You are helpful."), made.settings)
    assert [(one.role, one.content) for one in seen.messages] == [
        ("system", TOLD),
        ("user", "Why?"),
        ("assistant", "So."),
        ("user", END),
    ]
    example = made.encode(seen)
    assert _taught(made, example) == f"Why?<|end|>{END}<|end|>"
    assert made.encode(seen).input_ids.tolist()[: len(made.prompt(seen.messages[:3]))] == made.prompt(seen.messages[:3])


def test_a_record_that_tells_nothing_goes_without_and_one_cut_by_its_rounds_has_no_end() -> None:
    chosen = _made().settings
    bare = talk("Why?", "So.", system="You are helpful.")
    assert [one.role for one in as_learned(bare, chosen).messages] == ["user", "assistant"]
    cut = _dialogue("Why?", "So.", stop="max_turns")
    assert as_learned(cut, chosen).messages[-1].content == "So."
    unanswered = _dialogue("Why?", "So.", "And?")
    assert as_learned(unanswered, chosen).messages[-1].content == "And?"
    plain = settings("marks", train_on="user")
    assert as_learned(_dialogue("Why?", "So."), plain) == _dialogue("Why?", "So.")


@pytest.mark.parametrize("thoughts", ["none", "per_turn"])
def test_an_end_is_never_taught_without_the_round_that_it_ends(thoughts: str) -> None:
    made = _made(max_length=110, thoughts=thoughts)
    words = [f"Why does it turn {n} times?" if n % 2 == 0 else f"It turns {n} times a day." for n in range(12)]
    seen, audit = as_learned(_dialogue(*words), made.settings), Audit()
    found = [_taught(made, one) for one in examples(seen, made, made.settings, audit)]
    assert len(found) > 1
    assert [text.count(END) for text in found] == [0] * (len(found) - 1) + [1]
    assert found[-1].endswith(f"times?<|end|>{END}<|end|>")
    assert audit.refused == {}


@pytest.mark.parametrize(("name", "side"), [("brief", "assistant"), ("endings", "all"), ("brief", "last")])
def test_they_are_for_the_users_side_alone(name: str, side: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} = true, train_on = {side}: is for a model of the user's side"):
        settings("marks", train_on=side, **{name: True})


def test_a_store_holds_them_and_so_do_the_dialogues_held_out(tmp_path: Path) -> None:
    from dialogue.records import encode

    file = tmp_path / "d.jsonl"
    rows = [_dialogue("Why?", "So.", id=f"d{number}") for number in range(40)]
    file.write_bytes(b"".join(map(encode, rows)))
    chosen = settings("marks", train_on="user", brief=True, endings=True, validation=5)
    made = _made()
    store = build(chosen, made, tmp_path / "store", sources([file]))
    held = list(store.held_dialogues())
    assert len(held) == 5
    assert all(one.messages[0].content == TOLD and one.messages[-1].content == END for one in held)
    assert all(_taught(made, store[int(place)]) == f"Why?<|end|>{END}<|end|>" for place in store.learned)
    assert len(list(dialogues(chosen, sources([file])))) == 40


def test_of_a_round_too_long_for_the_users_side_the_answer_is_cut() -> None:
    made, audit = rendering("marks", train_on="user", max_length=24), Audit()
    found = examples(talk("Why does it turn?", "It turns because of the moon. " * 9), made, made.settings, audit)
    assert [_taught(made, one) for one in found] == ["Why does it turn?<|end|>"]
    assert audit.cut == 1


def test_what_gets_no_brief_and_teaches_no_end_is_counted_and_said() -> None:
    made, audit = _made(), Audit()
    for one in (_dialogue("Why?", "So."), _dialogue("Why?", "So.", stop="max_turns"), talk("Why?", "So.")):
        examples(as_learned(one, made.settings), made, made.settings, audit)
    assert (audit.unbriefed, audit.unended) == (1, 2)
    assert "without a brief: 1 dialogues, whose seed tells nothing of the person" in audit.lines()
    assert "no end taught: of 2 dialogues, which their user did not end (stop)" in audit.lines()
    both, plain = Audit.from_dict(audit.as_dict()), rendering("marks", train_on="user")
    both += audit
    assert (both.unbriefed, both.unended) == (2, 4)
    examples(talk("Why?", "So."), plain, plain.settings, bare := Audit())
    assert (bare.unbriefed, bare.unended) == (0, 0)
