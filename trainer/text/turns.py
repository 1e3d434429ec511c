"""One example for each round, with as much history as fits: for templates that drop earlier thoughts.

Qwen3's template writes only the thoughts since the user last spoke. So the text of a dialogue is not what the model
reads when it answers an earlier turn, unless each round is an example of its own: history without thoughts, and only
the last round learned.
"""

from collections.abc import Sequence

from dialogue.records import Dialogue
from trainer.settings import TrainSettings
from trainer.text.example import Example
from trainer.text.masks import Rounds, rounds
from trainer.text.overflow import Pieces, cut_to, part, refuse_if_asked
from trainer.text.render import Renderer


def by_turn(dialogue: Dialogue, renderer: Renderer, settings: TrainSettings) -> Pieces:
    """An example for each round that has an answer; with `train_on = last` for the last of them alone."""
    spans = rounds(dialogue.messages)
    answered = [
        n for n, span in enumerate(spans) if any(m.role == "assistant" for m in dialogue.messages[slice(*span)])
    ]
    made = [_turn(dialogue, spans[: n + 1], renderer, settings) for n in answered]
    if settings.train_on == "last":
        made = made[-1:]
    if not made:
        return Pieces([renderer.encode(dialogue)])
    examples, cut, dropped, repeated = zip(*made, strict=True)
    return Pieces([example for some in examples for example in some], sum(cut), sum(dropped), sum(repeated))


def last_turn(dialogue: Dialogue, whole: Example, renderer: Renderer, settings: TrainSettings) -> Pieces:
    """The last round with as much history as fits: the dialogue is too long and only its end is learned."""
    refuse_if_asked(dialogue, whole, settings)
    return _turn(dialogue, rounds(dialogue.messages), renderer, settings)._replace(repeated=0)


def _turn(dialogue: Dialogue, spans: Sequence[Rounds], renderer: Renderer, settings: TrainSettings) -> Pieces:
    """The last of the rounds, and as many before it as `max_length` leaves room for."""
    limit, first = settings.max_length, 0
    shown = part(dialogue, spans)
    whole = example = _last_learned(shown, renderer)
    refuse_if_asked(dialogue, whole, settings)
    while len(example.input_ids) > limit and first < len(spans) - 1:
        first += 1
        shown = part(dialogue, spans[first:])
        example = _last_learned(shown, renderer)
    cut = cut_to(limit, shown, example, renderer)
    alone = len(_last_learned(part(dialogue, spans[-1:]), renderer).input_ids)
    repeated = max(0, len(cut.input_ids) - alone)
    return Pieces([cut], int(cut is not example), len(whole.input_ids) - len(cut.input_ids), repeated)


def _last_learned(dialogue: Dialogue, renderer: Renderer) -> Example:
    last = rounds(renderer.messages(dialogue))[-1]
    return renderer.assemble([(dialogue.id, renderer.segments(dialogue, last))])[0]
