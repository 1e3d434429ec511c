"""A dialogue as a model of the user's side learns it: a brief of the person above it, the end that they made behind it.

Both are messages like any other from here on, so masks, splits and audits know nothing of them.
"""

from functools import cache

from dialogue.ending import END
from dialogue.records import Dialogue, Message
from prompts.brief import brief
from prompts.loader import Prompts
from trainer.settings import TrainSettings


def as_learned(dialogue: Dialogue, settings: TrainSettings) -> Dialogue:
    """The dialogue with what the settings add to it; as it is where they add nothing."""
    messages = dialogue.messages
    if settings.brief:
        # What the assistant was told is no user's to see, so it makes room.
        told = brief(_prompts(), dialogue.seed)
        above = () if told is None else (Message(role="system", content=told),)
        messages = (*above, *(message for message in messages if message.role != "system"))
    if settings.endings and dialogue.stop == "user_stopped" and messages[-1:] and messages[-1].role == "assistant":
        messages = (*messages, Message(role="user", content=END))
    return dialogue if messages is dialogue.messages else dialogue.model_copy(update={"messages": messages})


@cache
def _prompts() -> Prompts:
    return Prompts()
