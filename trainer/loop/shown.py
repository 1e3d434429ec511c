"""What would be taught, painted, without training anything."""

from collections.abc import Callable, Iterator

from dialogue.errors import UsageError
from trainer.batches.sources import sources
from trainer.batches.store import dialogues
from trainer.loop.fitted import fitted, torn_lines
from trainer.nets.names import tokenizer_place
from trainer.nets.unstated import by_model
from trainer.settings import TrainSettings
from trainer.text import tokenizer as tokenizers
from trainer.text.audit import Audit
from trainer.text.examples import examples
from trainer.text.painted import legend, paint
from trainer.text.render import renderer

FITTED_TEXTS = 2_000
"""Dialogues that a tokenizer is fitted to for the occasion, where the model is from scratch."""


def shown(settings: TrainSettings, count: int, *, colour: bool, said: Callable[[str], None]) -> Iterator[str]:
    """The first examples of the data as text; what the colours mean, and the audit of what was looked at, is said.

    UsageError where the data holds nothing that could be taught.
    """
    settings = by_model(settings, said)
    found = sources(settings.data)
    if settings.model is None:
        tokenizer = fitted(settings, found, FITTED_TEXTS)
    else:
        tokenizer = tokenizers.load(tokenizer_place(settings.model), settings.template).tokenizer
    speech, audit = renderer(tokenizer, settings), Audit()
    for line in [*torn_lines(found), legend(colour=colour)]:
        said(line)
    left = count
    for dialogue in dialogues(settings, found):
        for example in examples(dialogue, speech, settings, audit)[:left]:
            left -= 1
            yield paint(example, tokenizer, colour=colour)
        if not left:
            break
    for line in audit.lines():
        said(line)
    if left == count:
        raise UsageError(f"{', '.join(str(source.path) for source in found)}: holds nothing to show")
