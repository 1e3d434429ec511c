"""A chat template that writes the date (Llama 3, Granite, Mistral Small) keeps that of the day its training began.

Otherwise a training that is resumed tomorrow would read other tokens than it began with. What is kept is the template
as we export it, in which the date is plain text. The finished model bears the template as it came, which writes the
date of the day it is asked, as the base's did.
"""

from dialogue.jsonl import write_atomically
from trainer.nets.foreign import Tokenizer
from trainer.settings import TrainSettings
from trainer.text.render import renderer
from trainer.text.template import OWN

NAME = "template.jinja"
ASKS = "strftime_now"
"""How a template asks for the date."""


def keep(settings: TrainSettings, tokenizer: Tokenizer) -> None:
    """Writes today's template into the training's folder, where it writes dates and none is kept yet."""
    path = settings.out / NAME
    if settings.template == OWN and ASKS in str(tokenizer.chat_template) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [renderer(tokenizer, settings).jinja.encode()])


def kept(settings: TrainSettings) -> str | None:
    """The template that was kept; None where none was."""
    path = settings.out / NAME
    return path.read_text(encoding="utf-8") if settings.template == OWN and path.exists() else None
