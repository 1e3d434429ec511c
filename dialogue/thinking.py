"""Thoughts that stand within an answer's words, as reasoning models write them, apart from what is said."""

import re

from dialogue.records import Dialogue, Message

_THINKING = re.compile(r"\s*<(think|thinking)>(.*?)(?:</\1>|\Z)", re.DOTALL)
# Templates that open the tag in the prompt leave only its end in the reply, on a line of its own.
_THOUGHT_END = re.compile(r"(?:\A|\n)[ \t]*</(?:think|thinking)>[ \t]*(?:\n|\Z)")


def split_thoughts(text: str) -> tuple[str, str]:
    """Reasoning written into the answer itself, and the answer without it."""
    opened = _THINKING.match(text)
    if opened:
        return opened[2].strip(), text[opened.end() :].lstrip()
    closed = _THOUGHT_END.search(text)
    if closed and "<think" not in text:
        return text[: closed.start()].strip(), text[closed.end() :].lstrip()
    return "", text


def thinks_aloud(message: Message) -> bool:
    """Whether an answer has thoughts within its words and none apart; candidates are answers as they came."""
    if message.role != "assistant" or "think" not in message.content or message.thoughts or message.candidates:
        return False
    thoughts, said = split_thoughts(message.content)
    return bool(thoughts and said)


def apart(dialogue: Dialogue) -> Dialogue:
    """The dialogue with the thoughts within its answers as their `thoughts`; an answer that never comes stays."""
    if not any(map(thinks_aloud, dialogue.messages)):
        return dialogue
    return dialogue.model_copy(update={"messages": tuple(map(_apart, dialogue.messages))})


def _apart(message: Message) -> Message:
    if not thinks_aloud(message):
        return message
    thoughts, said = split_thoughts(message.content)
    return message.model_copy(update={"thoughts": thoughts, "content": said})
