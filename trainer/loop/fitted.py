"""The tokenizer of a model from scratch."""

from itertools import islice

from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from trainer.batches.sources import Source, sides
from trainer.batches.store import dialogues
from trainer.settings import TrainSettings
from trainer.text.template import OWN
from trainer.text.tokenizer import fit


def fitted(settings: TrainSettings, sources: list[Source], most: int) -> PreTrainedTokenizerFast:
    """A tokenizer fitted to the first `most` dialogues of the data; UsageError where the template is `own`."""
    if settings.template == OWN:
        raise UsageError("template = own: a model from scratch has no template of its own; try chatml")
    data, _ = sides(sources)
    found = islice(dialogues(settings, data), most)
    texts = (message.content for dialogue in found for message in dialogue.messages)
    return fit(texts, settings.scratch.vocabulary, settings.template)
