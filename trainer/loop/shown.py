"""What would be taught, painted, without training anything."""

from collections.abc import Callable, Iterator

from dialogue.errors import UsageError
from trainer.batches.held_out import Known
from trainer.batches.sources import Source, read_by, sides, sources, told
from trainer.batches.store import encoded, learned, named, nothing_held, of_validation, rows
from trainer.loop.fitted import fitted
from trainer.nets.foreign import Tokenizer
from trainer.nets.names import tokenizer_place
from trainer.nets.unstated import by_model
from trainer.settings import TrainSettings
from trainer.stages import roots, stages
from trainer.text import tokenizer as tokenizers
from trainer.text.audit import Audit
from trainer.text.examples import examples_of
from trainer.text.painted import legend, paint
from trainer.text.render import Renderer, renderer

FITTED_TEXTS = 2_000
"""Dialogues that a tokenizer is fitted to for the occasion, where the model is from scratch."""


def shown(
    settings: TrainSettings, count: int, *, marks: tuple[str, str] | None, said: Callable[[str], None]
) -> Iterator[str]:
    """The first examples of the data as text; what the paint means, and the audit of what was looked at, is said.

    `marks` stand around what is taught; None: it is told by colour.

    Of a chain so many of each stage, cut into the tokens of the model that it starts from. UsageError where the data of
    one holds nothing that could be taught.
    """
    settings = by_model(settings, said)
    chain = stages(settings)
    for number, (stage, root) in enumerate(zip(chain, roots(chain), strict=True)):
        found = read_by(stage)
        if settings.stages:
            said(f"stage {settings.stages[number]['name']}: {named(sides(found)[0])}")
        if root is None:
            tokenizer = fitted(stage, sources(chain[0].data), FITTED_TEXTS)
        else:
            tokenizer = tokenizers.load(tokenizer_place(root), stage.template).tokenizer
        for line in [*told(found), *([legend(marks)] if number == 0 else [])]:
            said(line)
        yield from _painted(stage, found, tokenizer, count, marks, said)


def _painted(
    settings: TrainSettings,
    found: list[Source],
    tokenizer: Tokenizer,
    count: int,
    marks: tuple[str, str] | None,
    said: Callable[[str], None],
) -> Iterator[str]:
    speech, audit, known = renderer(tokenizer, settings), Audit(), Known()
    data, files = sides(found)
    held = _held(settings, files, speech, known)
    left = count
    for placed in rows(settings, data):
        row, dialogue = learned(settings, known.leave_out([placed], audit))
        for made in examples_of(dialogue, speech, settings, audit, row):
            for example in made[:left]:
                left -= 1
                yield paint(example, tokenizer, marks)
        if not left:
            break
    for line in [*audit.lines(), *held]:
        said(line)
    if left == count:
        raise UsageError(f"{named(data)}: holds nothing to show")


def _held(settings: TrainSettings, files: list[Source], speech: Renderer, known: Known) -> list[str]:
    """The audit of the files for validation, which are read whole: what stands in them is not learned."""
    audit = Audit()
    for _ in encoded(settings, speech, files, audit, known.meet):
        pass
    if files and not audit.examples:
        raise nothing_held(files, audit)
    return list(of_validation(audit.lines())) if files else []
