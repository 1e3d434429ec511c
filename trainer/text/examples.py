"""Examples of a dialogue: thoughts, overflow and weights as the settings say, each loss counted in the audit."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from dialogue.conversion.row import Row
from dialogue.ending import END
from dialogue.errors import UsageError
from dialogue.records import Dialogue
from dialogue.thinking import thinks_aloud
from trainer.settings import TrainSettings
from trainer.text.audit import Audit
from trainer.text.example import Example
from trainer.text.masks import NoScore, speechless, unlearned
from trainer.text.overflow import Pieces, pieces
from trainer.text.render import Renderer
from trainer.text.segments import NoPlace, Segment, said
from trainer.text.turns import by_turn, last_turn, one_turn

EMPTY = "nothing to learn"
"""The reason for refusing a dialogue without a single learned token."""
EMPTY_PIECE = "nothing to learn in a piece of it"
"""The same of a piece, where others of the dialogue are learned from."""
FOR_TEMPLATES: dict[str, tuple[type, ...]] = {
    "tools": (list, str),
    "functions": (list, str),
    "chat_template_kwargs": (dict, str),
    "system_prompt": (str,),
}
"""Columns of a row that a chat template would read, and that ours are not told of; `tools` of a run is an object."""
_NOTHING: tuple[object, ...] = (None, [], {}, "", "[]", "{}")
"""What such a column says nothing by; LLaMA-Factory's are texts of JSON."""
Segments = list[Segment]


class Spoken(NamedTuple):
    """A dialogue, and the row of a file that it is from where that is known."""

    dialogue: Dialogue
    row: Row | None

    @property
    def where(self) -> str:
        """Its place and id, for a person."""
        return self.dialogue.id if self.row is None else f"{self.row.place} ({self.dialogue.id})"

    def told(self, error: UsageError) -> str:
        """What is wrong with it, its place first."""
        return str(error) if self.row is None else f"{self.row.place}: {error}"


def examples(dialogue: Dialogue, renderer: Renderer, settings: TrainSettings, audit: Audit) -> list[Example]:
    """What there is to learn from one dialogue; empty where it is refused, with the reason in the audit."""
    return examples_of([dialogue], renderer, settings, audit)[0]


def examples_of(
    dialogues: Sequence[Dialogue],
    renderer: Renderer,
    settings: TrainSettings,
    audit: Audit,
    places: Sequence[Row] = (),
) -> list[list[Example]]:
    """The same for many, whose words go through the tokenizer together: the fast way.

    `places`: the row of each, which the audit names beside the id where a dialogue is refused.
    """
    spoken = [Spoken(*pair) for pair in zip_longest(dialogues, places)]
    rows = [_row(one, renderer, settings, audit) for one in spoken]
    whole = renderer.assemble(
        [(one.dialogue.id, row) for one, row in zip(spoken, rows, strict=True) if row is not None]
    )
    rendered = iter(whole)
    return [
        _of(one, next(rendered), renderer, settings, audit) if row is not None else []
        for one, row in zip(spoken, rows, strict=True)
    ]


def _row(one: Spoken, renderer: Renderer, settings: TrainSettings, audit: Audit) -> Segments | None:
    """The dialogue's segments; None, with the reason counted, where the template or the weights refuse it."""
    _noted(one.dialogue, renderer, settings, audit)
    if (reason := speechless(one.dialogue.messages, settings)) is not None:
        audit.refuse(reason, one.where)
        return None
    try:
        return renderer.segments(one.dialogue)
    except NoPlace as error:
        audit.refuse(error.reason, one.where)
    except NoScore as error:
        audit.refuse(f"no score {error}", one.where)
    except UsageError as error:
        raise UsageError(one.told(error)) from None
    return None


def _noted(dialogue: Dialogue, renderer: Renderer, settings: TrainSettings, audit: Audit) -> None:
    """What there is to say of a dialogue whether it is learned from or not."""
    audit.dialogues += 1
    messages = dialogue.messages
    audit.special_typed += any(renderer.encoder.typed(words) for message in messages for words in said(message))
    if settings.train_on != "user":
        audit.unlearned += sum(map(unlearned, messages))
    audit.aloud += sum(map(thinks_aloud, messages))
    if settings.thoughts == "none":
        audit.unthought += sum(message.role == "assistant" and bool(message.thoughts) for message in messages)
    audit.unbriefed += settings.brief and all(message.role != "system" for message in messages[:1])
    audit.unended += settings.endings and all(message.content != END for message in messages[-1:])
    extra = dialogue.seed.extra
    audit.unread.update(
        name
        for name, kinds in FOR_TEMPLATES.items()
        if extra.get(name) not in _NOTHING and isinstance(extra[name], kinds)
    )


def _of(one: Spoken, whole: Example, renderer: Renderer, settings: TrainSettings, audit: Audit) -> list[Example]:
    """Examples of a dialogue that can be rendered."""
    try:
        made = _made(one.dialogue, whole, renderer, settings)
    except UsageError as error:
        raise UsageError(one.told(error)) from None
    audit.split += len(made.examples) > 1 and settings.thoughts != "per_turn"
    return _counted(one, made, audit)


def _made(dialogue: Dialogue, whole: Example, renderer: Renderer, settings: TrainSettings) -> Pieces:
    if settings.thoughts == "per_turn":
        return by_turn(dialogue, renderer, settings)
    if len(whole.input_ids) > settings.max_length and one_turn(dialogue, settings):
        return last_turn(dialogue, whole, renderer, settings)
    return pieces(dialogue, whole, renderer, settings)


def _counted(one: Spoken, made: Pieces, audit: Audit) -> list[Example]:
    audit.cut += made.cut
    audit.dropped_tokens += made.dropped
    audit.repeated_tokens += made.repeated
    kept = [example for example in made.examples if example.taught]
    for example in made.examples:
        if not (taught := example.taught):
            audit.refused_tokens += len(example.input_ids)
            if kept:
                audit.refuse(EMPTY_PIECE, one.where)
            continue
        audit.examples += 1
        audit.tokens += len(example.input_ids)
        audit.longest = max(audit.longest, len(example.input_ids))
        audit.taught += taught
        audit.weight += float(example.weights[1:].sum(dtype=np.float64))
    if not kept:
        audit.refuse(EMPTY, one.where)
    return kept
