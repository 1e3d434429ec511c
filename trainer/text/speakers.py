"""Whose turn a model writes: the assistant's, or the user's where it was taught that side (`train_on = user`).

A model of the user's side (PlatoLM's Socratic, arXiv 2308.11534; UserLM, arXiv 2510.06552) is asked as it was taught:
the dialogue so far ends with an answer, or has not begun, and what follows opens the user's turn.
"""

from typing import Literal

from dialogue.errors import UsageError
from trainer.settings import TrainSettings
from trainer.text.template import FOLDER, OWN, find, names, read

Speaker = Literal["assistant", "user"]

KINDS: dict[Speaker, frozenset[str]] = {
    "assistant": frozenset({"assistant"}),
    "user": frozenset({"user", "instruction", "input"}),
}
"""Kinds of message (trainer/text/layout.py) that are a speaker's."""
SPARE: dict[Speaker, tuple[str, ...]] = {
    "assistant": ("user", "tool", "system"),
    "user": ("assistant", "tool", "system"),
}
"""Whose words are cut, and in which order, before what a model of this speaker learns loses its end."""

FLOORS: dict[Speaker, tuple[str, ...]] = {
    "assistant": ("system", "user", "assistant", "tool"),
    "user": ("assistant", "system"),
}
"""Roles behind whose message it can be the speaker's turn."""


def speaker_of(settings: TrainSettings) -> Speaker:
    """Whose turns the model will write."""
    return "user" if settings.train_on == "user" else "assistant"


def check_template(settings: TrainSettings) -> None:
    """`check`, as far as the template's file alone can tell: before there is a tokenizer."""
    if speaker_of(settings) == "user" and settings.template != OWN:
        template = find(settings.template)
        check(settings, template.name, template.user.end)


def check(settings: TrainSettings, name: str, end: str) -> None:
    """UsageError where the `end` of a user's turn, in the template of that name, is nothing that could be taught."""
    if speaker_of(settings) == "user" and not end.strip():
        ending = ", ".join(one for one in names() if read(FOLDER / f"{one}.toml").user.end)
        about = "the tokenizer's own template (own)" if name == OWN else f"template {name}"
        raise UsageError(
            f"train_on = user: {about} has no mark that ends the user's words, so the model would never learn to "
            f"stop; choose one that has: {ending}"
        )


def check_floor(last: str | None) -> None:
    """UsageError where it is not the turn of a model of the user's side; `last`: the role that spoke last."""
    if last is not None and last not in FLOORS["user"]:
        raise UsageError(
            "this model was taught the user's side (train_on = user) and writes the user's next message, so the last "
            f"one must be the assistant's, or nothing is said yet; it is of the role {last}"
        )
