"""A model of the user's side: asked exactly as it was taught, in every template that ends a user's words by a mark."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_users import trained_user
from spoken import HOSTILE, ORDINARY, UNHURRIED, by_jinja, dialogues, fitted, plain, rendering, settings, talk
from test_own_template import GEMMA, LLAMA2, QWEN2, QWEN3, _with

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.serving.voice import BadMessages
from trainer.text.example import IGNORE_INDEX
from trainer.text.render import Renderer, renderer
from trainer.text.template import names

SERVED = ("chatml", "marks", "moss", "openchat", "opencoderplus", "ultralm")
ENDLESS = ("alpaca", "alpaca-lora", "baize", "belle", "vicuna")
OWN = {"qwen2": QWEN2, "qwen3": QWEN3, "gemma": GEMMA}


def _user(template: str) -> Renderer:
    """A renderer of the user's side, by the name of a template of ours or of a tokenizer's own."""
    if template in OWN:
        return rendering("own", _with(OWN[template]), train_on="user")
    return rendering(template, train_on="user")


def _turns(dialogue: Dialogue) -> list[int]:
    return [number for number, message in enumerate(dialogue.messages) if message.role == "user"]


def test_every_template_is_either_served_or_refused() -> None:
    assert sorted(SERVED + ENDLESS) == names()


@pytest.mark.parametrize("template", [*SERVED, *OWN])
@given(data=st.data())
@UNHURRIED
def test_the_prompt_and_the_turn_are_the_ids_that_were_taught(template: str, data: st.DataObject) -> None:
    made = _user(template)
    dialogue = data.draw(dialogues(HOSTILE, system=template != "gemma"))
    example = made.encode(dialogue)
    ids, taught = example.input_ids.tolist(), example.labels != IGNORE_INDEX
    for number in _turns(dialogue):
        prompt = made.prompt(dialogue.messages[:number])
        assert ids[: len(prompt)] == prompt
        turn = next((at for at in range(len(prompt), len(ids)) if not taught[at]), len(ids))
        assert turn > len(prompt), "the turn follows the prompt, and is taught"
        assert ids[turn - 1] in made.stop_ids, "its end is taught, and ends a reply"
        assert not set(ids[len(prompt) : turn - 1]) & set(made.stop_ids), "nothing before its end ends it"


@pytest.mark.parametrize("template", SERVED)
@given(dialogue=dialogues(ORDINARY))
@UNHURRIED
def test_a_turn_is_read_as_it_was_written(template: str, dialogue: Dialogue) -> None:
    made = _user(template)
    ids = made.encode(dialogue).input_ids.tolist()
    for number in _turns(dialogue):
        reply = made.reply(ids[len(made.prompt(dialogue.messages[:number])) :])
        assert reply.text == dialogue.messages[number].content
        assert reply.ended
        assert reply.thoughts is None


@pytest.mark.parametrize("template", ENDLESS)
def test_a_template_without_an_end_of_the_users_words_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match=rf"train_on = user: template {template} has no mark .* chatml, marks, moss"):
        renderer(fitted(template), settings(template, train_on="user"))
    assert renderer(fitted(template), settings(template, train_on="all")).speaker == "assistant"
    with pytest.raises(UsageError, match=r"the tokenizer.s own template .own. has no mark"):
        rendering("own", _with(LLAMA2), train_on="user")


@pytest.mark.parametrize("template", [*SERVED, *OWN])
def test_the_exported_template_opens_the_users_turn_and_marks_it(template: str) -> None:
    made, dialogue = _user(template), talk("Where?", "There.", "When?", "Now.")
    ids, mask = by_jinja(made, dialogue)
    example = made.encode(dialogue)
    assert example.input_ids.tolist() == ids
    assert (example.labels != IGNORE_INDEX).astype(int).tolist() == mask
    for length in (2, 4):
        shown = plain(dialogue)[:length]
        asked = made.tokenizer.apply_chat_template(
            shown, chat_template=made.jinja, add_generation_prompt=True, tokenize=False
        )
        prompt = made.prompt(dialogue.messages[:length])
        assert made.tokenizer(asked, add_special_tokens=False)["input_ids"] == prompt


@pytest.mark.parametrize("template", ["qwen2", "qwen3", "gemma"])
def test_an_own_template_that_was_given_on_is_taken_apart_again(template: str) -> None:
    made = _user(template)
    assert not made.verbatim, "the tokenizer's own cannot open a user's turn"
    again = rendering("own", _with(made.jinja), train_on="user")
    history = talk("Where?", "There.").messages
    assert again.prompt(history) == made.prompt(history)
    assert (
        again.encode(talk("a", "b", "c", "d")).labels.tolist() == made.encode(talk("a", "b", "c", "d")).labels.tolist()
    )


@pytest.mark.parametrize("template", SERVED)
def test_a_folder_of_ours_is_asked_for_the_users_turn(template: str, tmp_path: Path) -> None:
    made, loaded = trained_user(tmp_path, template)
    history = talk("Where do I live?", "In Warsaw.").messages
    assert loaded.voice.speaker == "user"
    assert loaded.voice.stop_ids == made.stop_ids
    assert loaded.voice.prompt(history) == made.prompt(history)
    assert loaded.voice.prompt([]) == made.prompt([])
    with pytest.raises(BadMessages, match=r"taught the user's side .* it is of the role user"):
        loaded.voice.prompt([*history, Message(role="user", content="And now?")])
