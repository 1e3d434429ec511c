"""Whose turn a model writes: the assistant's, or the user's where it was taught that side (`train_on = user`).

A model of the user's side (PlatoLM's Socratic, arXiv 2308.11534; UserLM, arXiv 2510.06552) is asked as it was taught:
the dialogue so far ends with an answer, or has not begun, and what follows opens the user's turn.
"""

from collections.abc import Sequence
from typing import Literal

from dialogue.errors import UsageError
from trainer.settings import TrainSettings
from trainer.text.layout import Layout
from trainer.text.template import OWN

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


def check(layout: Layout, settings: TrainSettings, ending: Sequence[str]) -> None:
    """UsageError where a user's turn ends with nothing that could be taught; `ending`: templates in which it does."""
    if speaker_of(settings) == "user" and not layout.ends["user"].strip():
        name = "the tokenizer's own (own)" if layout.name == OWN else f"template {layout.name}"
        raise UsageError(
            f"train_on = user: {name} has no mark that ends the user's words, so the model would "
            f"never learn to stop; choose one that has: {', '.join(ending)}"
        )


def check_floor(last: str | None) -> None:
    """UsageError where it is not the turn of a model of the user's side; `last`: the role that spoke last."""
    if last is not None and last not in FLOORS["user"]:
        raise UsageError(
            "this model was taught the user's side (train_on = user) and writes the user's next message, so the last "
            f"one must be the assistant's, or nothing is said yet; it is of the role {last}"
        )
