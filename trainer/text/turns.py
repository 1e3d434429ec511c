"""One example for each round, with as much history as fits: for templates that drop earlier thoughts.

Qwen3's template writes only the thoughts since the user last spoke. So the text of a dialogue is not what the model
reads when it answers an earlier turn, unless each round is an example of its own: history without thoughts, and only
the last round learned.
"""

from collections.abc import Sequence

from dialogue.records import Dialogue
from trainer.settings import TrainSettings
from trainer.text.example import Example
from trainer.text.masks import Rounds, learned, rounds, unlearned
from trainer.text.overflow import Pieces, cut_to, part, refuse_if_asked
from trainer.text.render import Renderer


def by_turn(dialogue: Dialogue, renderer: Renderer, settings: TrainSettings) -> Pieces:
    """An example for each round that holds what is learned; with `train_on = last` for the last of them alone."""
    spans = rounds(dialogue.messages)
    made = [_turn(dialogue, spans[: n + 1], renderer, settings) for n in _learned(dialogue, spans, settings)]
    if not made:
        return Pieces([renderer.encode(dialogue)])
    examples, cut, dropped, repeated = zip(*made, strict=True)
    return Pieces([example for some in examples for example in some], sum(cut), sum(dropped), sum(repeated))


def last_turn(dialogue: Dialogue, whole: Example, renderer: Renderer, settings: TrainSettings) -> Pieces:
    """The one round that is learned, with as much history as fits: the dialogue is too long."""
    refuse_if_asked(dialogue, whole, settings)
    spans = rounds(dialogue.messages)
    answered = _learned(dialogue, spans, settings)
    if not answered:
        return Pieces([whole])
    made = _turn(dialogue, spans[: answered[0] + 1], renderer, settings)
    return made._replace(repeated=0, dropped=len(whole.input_ids) - len(made.examples[0].input_ids))


def one_turn(dialogue: Dialogue, settings: TrainSettings) -> bool:
    """Whether one round alone is learned, and others are there for it: the last one, or a prompt's completion."""
    if settings.train_on == "last":
        return True
    prompted = any(map(unlearned, dialogue.messages))
    return prompted and len(_learned(dialogue, rounds(dialogue.messages), settings)) == 1


def _learned(dialogue: Dialogue, spans: Sequence[Rounds], settings: TrainSettings) -> list[int]:
    """Numbers of the rounds in which somebody speaks who is learned from."""
    taught = learned(dialogue.messages, settings)
    return [number for number, span in enumerate(spans) if any(taught[slice(*span)])]


def _turn(dialogue: Dialogue, spans: Sequence[Rounds], renderer: Renderer, settings: TrainSettings) -> Pieces:
    """The last of the rounds, and as many before it as `max_length` leaves room for."""
    limit, first = settings.max_length, 0
    alone = len(spans) == 1
    shown = part(dialogue, spans)
    whole = example = _last_learned(shown, renderer, alone)
    refuse_if_asked(dialogue, whole, settings)
    while len(example.input_ids) > limit and first < len(spans) - 1:
        first += 1
        shown = part(dialogue, spans[first:])
        example = _last_learned(shown, renderer, alone)
    cut = cut_to(limit, shown, example, renderer)
    repeated = 0 if alone else min(_before_last(shown, renderer), len(cut.input_ids))
    return Pieces([cut], int(cut is not example), len(whole.input_ids) - len(cut.input_ids), repeated)


def _last_learned(dialogue: Dialogue, renderer: Renderer, first: bool) -> Example:
    """The dialogue with its last round learned; of the `first` one what stands before it may be learned as well."""
    last = rounds(renderer.messages(dialogue))[-1]
    learned = Rounds(0, last.end) if first else last
    return renderer.assemble([(dialogue.id, renderer.segments(dialogue, learned))])[0]


def _before_last(dialogue: Dialogue, renderer: Renderer) -> int:
    """Tokens before the last round: read before, in other examples."""
    start = 2 * rounds(renderer.messages(dialogue))[-1].start
    row = [segment for segment in renderer.segments(dialogue) if segment.place < start]
    return len(renderer.assemble([("", row)])[0].input_ids)
