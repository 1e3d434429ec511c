"""Probes: a chat template rendered with placeholders, and what it writes between them."""

import re
from itertools import product
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerFast

from dialogue.records import Message, Role
from trainer.text.layout import Trim

ROLES: dict[str, Role] = {"s": "system", "u": "user", "a": "assistant"}
THOUGHT_FIELDS = ("reasoning_content", "thinking", "reasoning")
"""Names that templates have for thoughts."""


def _word(number: int) -> str:
    return f"Wqz{number}zqW"


def _thought(number: int) -> str:
    return f"Tqz{number}zqT"


class Probe:
    """One chat template, asked what it writes."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, template: str | None = None) -> None:
        """`template` is asked in place of the tokenizer's own."""
        self._tokenizer, self._template = tokenizer, template

    def messages(self, shape: str, *, with_thoughts: bool = False) -> list[Message]:
        """A dialogue of the shape (`sua`: system, user, assistant) whose words are placeholders."""
        return [
            Message(
                role=ROLES[sign],
                content=_word(number),
                thoughts=_thought(number) if with_thoughts and sign == "a" else None,
            )
            for number, sign in enumerate(shape)
        ]

    def render(self, messages: list[Message], *, prompt: bool = False) -> str:
        """The template's text of a dialogue, and the opening of an answer where `prompt`."""
        return self._text([self._fields(message) for message in messages], prompt)

    def between(self, shape: str, *, prompt: bool = False) -> list[str]:
        """What stands before, between and behind the words; ValueError where words are lost, doubled or moved."""
        return _cut(
            self.render(self.messages(shape), prompt=prompt), [_word(number) for number in range(len(shape))], shape
        )

    def can(self, shape: str) -> bool:
        """Whether the template writes such a dialogue at all."""
        try:
            self.between(shape)
        except (TemplateError, ValueError):
            return False
        return True

    def strips(self, shape: str, number: int, *, with_thoughts: bool = False, of_thoughts: bool = False) -> Trim:
        """What is stripped of the words of message `number`, or of its thoughts."""
        messages = self.messages(shape, with_thoughts=with_thoughts)
        name, word = ("thoughts", _thought(number)) if of_thoughts else ("content", _word(number))
        plain = self.render(messages)
        left, right = "", ""
        for space in ("\n", " "):
            padded = messages[number].model_copy(update={name: f"{space}{word}{space}"})
            text = self.render([*messages[:number], padded, *messages[number + 1 :]])
            kept = next(
                (pair for pair in product((space, ""), repeat=2) if plain.replace(word, word.join(pair)) == text), None
            )
            if kept is None:
                raise ValueError(f"it changes white space around a message's {name}")
            left, right = left + ("" if kept[0] else space), right + ("" if kept[1] else space)
        return Trim(*(None if stripped == "\n " else stripped for stripped in (left, right)))

    def around_thoughts(self) -> tuple[str, str]:
        """What stands between a user's words and an answer's thoughts, and between these and its words."""
        text = self.render(self.messages("ua", with_thoughts=True))
        try:
            _, before, after, _ = _cut(text, [_word(0), _thought(1), _word(1)], "ua with thoughts")
        except ValueError:
            raise ValueError("it has no place for thoughts (thoughts = none leaves them out)") from None
        return before, after

    def _fields(self, message: Message) -> dict[str, Any]:
        fields: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.thoughts is not None:
            fields |= dict.fromkeys(THOUGHT_FIELDS, message.thoughts)
        return fields

    def _text(self, fields: list[dict[str, Any]], prompt: bool) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                fields, chat_template=self._template, tokenize=False, add_generation_prompt=prompt
            )
            return str(text)
        except (TypeError, LookupError, AttributeError) as error:  # of the template's own code
            raise ValueError(f"it fails: {error}") from None


def without_prefill(prompt: str) -> str:
    """The generation prompt without a think mark, or an empty think block, that it writes for the model."""
    return re.sub(r"<think>\s*(?:</think>\s*)?$", "", prompt)


def without_empty_thoughts(text: str) -> str:
    """The text without the empty think blocks that templates give to answers without thoughts."""
    return re.sub(r"<think>\s*</think>\s*", "", text)


def _cut(text: str, words: list[str], shape: str) -> list[str]:
    literals: list[str] = []
    for word in words:
        if text.count(word) != 1:
            raise ValueError(f"of a dialogue {shape} it loses, doubles or moves a message")
        literal, _, text = text.partition(word)
        literals.append(literal)
    return [*literals, text]
