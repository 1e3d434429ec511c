"""What would be taught, painted, without training anything."""

from collections.abc import Callable, Iterator

from dialogue.errors import UsageError
from trainer.batches.sources import sources
from trainer.batches.store import dialogues
from trainer.nets.names import tokenizer_place
from trainer.nets.unstated import by_model
from trainer.settings import TrainSettings
from trainer.text import tokenizer as tokenizers
from trainer.text.audit import Audit
from trainer.text.examples import examples
from trainer.text.painted import paint
from trainer.text.render import renderer

FITTED_TEXTS = 2_000
"""Dialogues that a tokenizer is fitted to for the occasion, where the model is from scratch."""


def shown(settings: TrainSettings, count: int, *, colour: bool, said: Callable[[str], None]) -> Iterator[str]:
    """The first examples of the data as text; the audit of what was looked at for them is said."""
    settings = by_model(settings, said)
    found = sources(settings.data)
    if settings.model is None:
        if settings.template == "own":
            raise UsageError("template = own: a model from scratch has no template of its own; try chatml")
        some = (dialogue for _, dialogue in zip(range(FITTED_TEXTS), dialogues(settings, found), strict=False))
        texts = (message.content for dialogue in some for message in dialogue.messages)
        tokenizer = tokenizers.fit(texts, settings.scratch.vocabulary, settings.template)
    else:
        tokenizer = tokenizers.load(tokenizer_place(settings.model), settings.template).tokenizer
    speech, audit = renderer(tokenizer, settings), Audit()
    left = count
    for dialogue in dialogues(settings, found):
        for example in examples(dialogue, speech, settings, audit)[:left]:
            left -= 1
            yield paint(example, tokenizer, colour=colour)
        if not left:
            break
    for line in audit.lines():
        said(line)
