"""Small models of the user's side: random ones that babble, as a training writes them."""

from pathlib import Path

import small_models

from trainer.loop import checkpoint
from trainer.serving.loading import Loaded, opened
from trainer.text.render import Renderer, renderer


def trained_user(folder: Path, template: str = "chatml", **changes: object) -> tuple[Renderer, Loaded]:
    """A checkpoint in `folder`/out, opened, and the renderer of its training."""
    tokenizer = small_models.tokenizer(template)
    asked = small_models.asked(folder, template=template, train_on="user", **changes)
    made = renderer(tokenizer, asked)
    model = small_models.llama(len(tokenizer), initializer_range=0.4, max_position_embeddings=512)
    checkpoint.save(folder / "out" / "model", model, tokenizer, made, asked, "# card\n")
    return made, opened(folder / "out")
