"""Examples of a dialogue: thoughts, overflow and weights as the settings say, each loss counted in the audit."""

from collections.abc import Sequence

import numpy as np

from dialogue.records import Dialogue
from trainer.settings import TrainSettings
from trainer.text.audit import Audit
from trainer.text.example import Example
from trainer.text.masks import NoScore
from trainer.text.overflow import Pieces, pieces
from trainer.text.render import Renderer
from trainer.text.segments import NoPlace, Segment, said
from trainer.text.turns import by_turn, last_turn

EMPTY = "nothing to learn"
"""The reason for refusing a dialogue without a single learned token."""
EMPTY_PIECE = "nothing to learn in a piece of it"
"""The same of a piece, where others of the dialogue are learned from."""
Row = list[Segment]


def examples(dialogue: Dialogue, renderer: Renderer, settings: TrainSettings, audit: Audit) -> list[Example]:
    """What there is to learn from one dialogue; empty where it is refused, with the reason in the audit."""
    return examples_of([dialogue], renderer, settings, audit)[0]


def examples_of(
    dialogues: Sequence[Dialogue], renderer: Renderer, settings: TrainSettings, audit: Audit
) -> list[list[Example]]:
    """The same for many, whose words go through the tokenizer together: the fast way."""
    rows = [_row(dialogue, renderer, audit) for dialogue in dialogues]
    whole = renderer.assemble(
        [(dialogue.id, row) for dialogue, row in zip(dialogues, rows, strict=True) if row is not None]
    )
    rendered = iter(whole)
    return [
        _of(dialogue, next(rendered), renderer, settings, audit) if row is not None else []
        for dialogue, row in zip(dialogues, rows, strict=True)
    ]


def _row(dialogue: Dialogue, renderer: Renderer, audit: Audit) -> Row | None:
    """The dialogue's segments; None, with the reason counted, where the template or the weights refuse it."""
    audit.dialogues += 1
    audit.special_typed += any(
        renderer.encoder.typed(words) for message in dialogue.messages for words in said(message)
    )
    try:
        return renderer.segments(dialogue)
    except NoPlace as error:
        audit.refuse(error.reason, dialogue.id)
    except NoScore as error:
        audit.refuse(f"no score {error}", dialogue.id)
    return None


def _of(dialogue: Dialogue, whole: Example, renderer: Renderer, settings: TrainSettings, audit: Audit) -> list[Example]:
    """Examples of a dialogue that can be rendered."""
    if settings.thoughts == "per_turn":
        made = by_turn(dialogue, renderer, settings)
    elif settings.train_on == "last" and len(whole.input_ids) > settings.max_length:
        made = last_turn(dialogue, whole, renderer, settings)
    else:
        made = pieces(dialogue, whole, renderer, settings)
        audit.split += len(made.examples) > 1
    return _counted(dialogue, made, audit)


def _counted(dialogue: Dialogue, made: Pieces, audit: Audit) -> list[Example]:
    audit.cut += made.cut
    audit.dropped_tokens += made.dropped
    audit.repeated_tokens += made.repeated
    kept = [example for example in made.examples if example.taught]
    for example in made.examples:
        if not (taught := example.taught):
            audit.refused_tokens += len(example.input_ids)
            if kept:
                audit.refuse(EMPTY_PIECE, dialogue.id)
            continue
        audit.examples += 1
        audit.tokens += len(example.input_ids)
        audit.longest = max(audit.longest, len(example.input_ids))
        audit.taught += taught
        audit.weight += float(example.weights[1:].sum(dtype=np.float64))
    if not kept:
        audit.refuse(EMPTY, dialogue.id)
    return kept
