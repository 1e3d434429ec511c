"""OpenChat's token files: [token ids, what is supervised] for each example, as its V1 trainer reads them.

Tokens and masks are the trainer's own, so that what another trainer learns from them is what `gen train` would.
"""

from dataclasses import dataclass
from pathlib import Path

import orjson

from dialogue.fields import OURS
from dialogue.records import Dialogue

NAME = "openchat_tokens"


@dataclass(frozen=True, slots=True)
class Template:
    """How dialogues become tokens."""

    tokenizer: str
    """Folder or hub id of a tokenizer or a model."""
    name: str = "openchat"
    max_length: int = 2048


class TokenWriter:
    """Writes dialogues as tokens; has what a layout has for writing."""

    def __init__(self, template: Template) -> None:
        from trainer.nets.names import tokenizer_place
        from trainer.settings import TrainSettings
        from trainer.text import tokenizer as tokenizers
        from trainer.text.render import renderer

        self._settings = TrainSettings(
            data=(), out=Path("."), model=template.tokenizer, template=template.name, max_length=template.max_length
        )
        alone = any((Path(template.tokenizer) / file).is_file() for file in tokenizers.FILES)
        place = template.tokenizer if alone else tokenizer_place(template.tokenizer)
        tokenizer = tokenizers.load(place, template.name).tokenizer
        self._renderer = renderer(tokenizer, self._settings)

    def to_line(self, dialogue: Dialogue) -> bytes:
        """A line for each example, more than one where the dialogue is longer than the context. ValueError without."""
        from trainer.text.audit import Audit
        from trainer.text.example import IGNORE_INDEX
        from trainer.text.examples import examples

        audit = Audit()
        found = examples(dialogue, self._renderer, self._settings, audit)
        if not found:
            raise ValueError("; ".join(audit.refused) or "nothing in it would be taught")
        lines = [[one.input_ids.tolist(), (one.labels != IGNORE_INDEX).tolist()] for one in found]
        return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)

    def losses(self, dialogue: Dialogue) -> list[str]:
        """What tokens cannot hold of a dialogue."""
        return [f"{OURS}, weights of turns"]
