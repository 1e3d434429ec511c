"""Classes of dialogues by who answered in them, with a loss weight each (C-RLFT, OpenChat, arXiv 2309.11235)."""

from dialogue.errors import UsageError
from dialogue.records import Dialogue
from trainer.settings import TrainSettings

DEFAULT = "default"


def of(dialogue: Dialogue, settings: TrainSettings) -> str | None:
    """The class of a dialogue: of the first key that is part of the assistant model's name, whatever the case."""
    if not settings.classes:
        return None
    model = (dialogue.assistant_model or _named(dialogue) or "").casefold()
    for part, klass in settings.classes.items():
        if part != DEFAULT and part.casefold() in model:
            return klass
    return settings.classes.get(DEFAULT)


def _named(dialogue: Dialogue) -> str | None:
    return next((message.model for message in dialogue.messages if message.model), None)


def weight(dialogue: Dialogue, settings: TrainSettings) -> float:
    """The loss weight of the dialogue's class; 1 without one."""
    klass = of(dialogue, settings)
    return 1.0 if klass is None else settings.weights.get(klass, 1.0)


def best(settings: TrainSettings) -> str | None:
    """The class to answer as: the one with the greatest weight, the first of equals."""
    return max(settings.classes.values(), key=lambda klass: settings.weights.get(klass, 1.0), default=None)


def check(settings: TrainSettings) -> None:
    """UsageError where a weight belongs to no class or cannot be one."""
    for klass, value in settings.weights.items():
        if klass not in settings.classes.values():
            known = ", ".join(dict.fromkeys(settings.classes.values())) or "none"
            raise UsageError(f"weights.{klass} = {value}: no such class in `classes` (there are: {known})")
        if not value >= 0:
            raise UsageError(f"weights.{klass} = {value}: a loss weight is a number from 0 on")
