"""`gen chat` as Python functions: a conversation that one goes on with, and a file of prompts answered."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from gen.answering import Summary, answer_file
from gen.prompt_files import read_prompts
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


def answers(
    model: str | Path,
    prompts: str | Path,
    out: str | Path,
    *,
    system: str | None = None,
    seed: int = 0,
    device: str | None = None,
    dtype: str | None = None,
    max_batch: int = 64,
    **drawn: object,
) -> Summary:
    """Answer what is not answered yet of a file of prompts, which is read first, as `gen chat --prompts` does."""
    changed, asked = changes(drawn), list(read_prompts(Path(prompts), system))
    loaded = opened(model, device=device, dtype=dtype, max_batch=max_batch)
    if loaded.voice.speaker == "user":
        raise UsageError(
            f"--prompts {prompts}: {loaded.name} was taught the user's side (train_on = user) and answers nothing; "
            f"talk to it without --prompts, or let it play the user: gen run --trained-user local:{model}"
        )
    sampling = loaded.sampling.model_copy(update=changed)
    return answer_file(loaded, str(model), asked, Path(out), sampling, system=system, seed=seed)
