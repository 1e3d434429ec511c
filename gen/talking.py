"""A conversation with a model as a Python function."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from trainer.serving.conversation import Conversation
from trainer.serving.loading import opened
from trainer.serving.sampling import Sampling


def changes(given: Mapping[str, object]) -> dict[str, object]:
    """What changes how replies are drawn, checked as a request's would be; None leaves it as the model has it."""
    given = {name: value for name, value in given.items() if value is not None}
    try:
        read = Sampling.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"--{one_line(error).replace('_', '-', 1)}") from None
    return {name: getattr(read, name) for name in given}


def chat(
    model: str | Path,
    *,
    system: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    **drawn: object,
) -> Conversation:
    """A conversation with a model: `"".join(it.ask("Hello"))` is its reply. `drawn`: temperature, top_p, top_k ..."""
    changed = changes(drawn)
    loaded = opened(model, device=device, dtype=dtype)
    return Conversation(loaded, loaded.sampling.model_copy(update=changed), system=system, seed=seed)
