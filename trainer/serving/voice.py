"""Messages as the ids of a prompt, in the model's own manner, whatever a user typed into them.

A model that we trained is asked as it was trained: by its renderer. Any other by its tokenizer's chat template, word
for word as transformers renders it; only where somebody typed the text of a control token is that one spot cut out of
the rendered text and encoded as plain characters.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from jinja2 import TemplateError
from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import Message, one_line
from trainer.nets.names import OWN as OWN_FACTS
from trainer.settings import TrainSettings
from trainer.text.encoder import Encoder
from trainer.text.probes import Probe
from trainer.text.render import Renderer, renderer
from trainer.text.speakers import Speaker
from trainer.text.template import OWN


class BadMessages(ValueError):
    """Messages that the model's template cannot write down."""


class Manner(Protocol):
    """What turns messages into a prompt."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids up to where its turn begins."""


class Voice(NamedTuple):
    """How a model is asked, and how its replies end."""

    manner: Manner
    stop_ids: tuple[int, ...] = ()
    stop_texts: tuple[str, ...] = ()
    lead: str = ""
    """A space before each reply that belongs to the template."""
    speaker: Speaker = "assistant"
    """Whose turns it writes."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the dialogue and the opening of its turn. Raises BadMessages."""
        try:
            return self.manner.prompt(messages)
        except (UsageError, TemplateError, ValueError) as error:
            raise BadMessages(f"the model's template cannot write these messages: {error}") from None


class OwnTemplate:
    """The tokenizer's chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._encoder = Encoder(tokenizer, str(tokenizer.chat_template))

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The template's ids; control tokens that somebody typed are encoded as text. ValueError where it has none."""
        if not messages:
            raise ValueError("there are none; begin with a system message that tells it who it is")
        mark = uuid4().hex  # cannot be guessed, so it cannot be typed
        typed: list[str] = []

        def sealed(words: str) -> str:
            pieces = self._encoder.cut(words)
            for number in range(1, len(pieces), 2):
                typed.append(pieces[number])
                pieces[number] = f"{mark}{len(typed) - 1};"
            return "".join(pieces)

        turns = [{"role": one.role, "content": sealed(one.content)} for one in messages]
        text: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        if not typed:
            whole: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
            return whole
        pieces = re.split(f"{mark}(\\d+);", text)
        written = self._tokenizer(pieces[::2], add_special_tokens=False)["input_ids"]
        plain = [*self._encoder.words([typed[int(number)] for number in pieces[1::2]]), []]
        return [id for pair in zip(written, plain, strict=True) for ids in pair for id in ids]


class OwnManner:
    """A model that was taught in its tokenizer's own template: asked as it was taught, or else as that template has it.

    The template may take what our layout has no place for (a user twice in a row, tools' results).
    """

    def __init__(self, by: Renderer) -> None:
        self._by, self._whole = by, OwnTemplate(by.tokenizer)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The renderer's ids, or the template's."""
        try:
            return self._by.prompt(messages)
        except UsageError:
            return self._whole.prompt(messages)


def voice(tokenizer: Any, place: str, facts: Mapping[str, Any]) -> Voice:
    """The voice of the model at `place` (as `names.resolve` gives it), of which `duologue.json` says `facts`.

    Raises UsageError where it has no template.
    """
    if facts.get("settings"):
        settings = _settings(place, facts)
        with suppress(*([UsageError] if settings.template == OWN and tokenizer.chat_template else [])):
            return speaking(renderer(tokenizer, settings))  # else the template that was saved says the same
    if not tokenizer.chat_template:
        raise UsageError(f"model {place}: its tokenizer has no chat template, so it cannot be asked; train it on one")
    return Voice(OwnTemplate(tokenizer), speaker=opened_by(tokenizer))


def opened_by(tokenizer: Any) -> Speaker:
    """Whose turn the generation prompt of a tokenizer's template opens behind an answer: of UserLM's the user's."""
    probe = Probe(tokenizer)
    try:
        plain, asked, said = probe.between("ua")[-1], probe.between("ua", prompt=True)[-1], probe.between("uau")[2]
    except (TemplateError, ValueError):
        return "assistant"
    return "user" if asked != plain and asked == said else "assistant"


def speaking(by: Renderer) -> Voice:
    """The voice of a model in training, or trained, by its renderer."""
    space = by.tokenizer(" x", add_special_tokens=False)["input_ids"]
    lead = " " if by.read(space) == "x" else ""
    return Voice(OwnManner(by) if by.verbatim else by, by.stop_ids, by.stop_texts, lead, by.speaker)


def _settings(place: str, facts: Mapping[str, Any]) -> TrainSettings:
    """The training's settings, with the template that lies beside the model."""
    try:
        settings = TrainSettings.model_validate(facts["settings"])
    except ValidationError as error:
        about = f"model {place}: {OWN_FACTS}: settings.{one_line(error)}"
        raise UsageError(f"{about}; written by another version of duologue, or by hand") from None
    beside = Path(place) / "template.toml"
    return settings.model_copy(update={"template": str(beside)}) if beside.exists() else settings
