"""What a training knows of itself: the loss on what was held out, and replies to it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.batches import order
from trainer.batches.collate import collate
from trainer.batches.order import Sizes
from trainer.batches.store import View
from trainer.loop.parallel import Here, summed
from trainer.loop.ready import attend
from trainer.nets.foreign import Model, first_line
from trainer.nets.learner import Learner
from trainer.serving.engine import Engine, Sampling
from trainer.text.render import Renderer
from trainer.text.speakers import FLOORS

MOST_NEW_TOKENS = 512


class Exact(NamedTuple):
    """Held-out turns answered greedily, and how many of the answers were the held-out ones, word for word."""

    exact: int
    n: int
    unanswered: int
    """Turns whose history leaves no room for a reply; counted as wrong."""

    @property
    def share(self) -> float:
        """Exact ones of all."""
        return self.exact / self.n if self.n else 0.0


class Sample(NamedTuple):
    """A reply beside the one that was held out."""

    id: str
    history: tuple[Message, ...]
    reply: str
    wanted: str
    finish_reason: str


def eval_loss(
    learner: Learner, view: View, sizes: Sizes, pad_id: int, here: Here, fixed: tuple[int, int] | None = None
) -> float:
    """The mean cross entropy of the taught tokens that were held out, over all ranks."""
    found = order.steps(view.lengths, sizes._replace(batch=None), 0, 0)
    micros = [micro for step in found for micro in step]
    real = len(micros)
    micros += micros[:1] * (-real % here.world)  # the ranks go through the network together or not at all
    totals = torch.zeros(2, dtype=torch.float64, device=here.device)
    learner.eval()
    with torch.no_grad():
        for number, micro in list(enumerate(micros))[here.rank :: here.world]:
            batch = collate(micro, view, pad_id, fixed=fixed).to(here.device)
            if number >= real:
                batch = batch.silent()
            totals += _pair(learner(batch), batch.weights)
    learner.train()
    lost, weight = summed(totals, here).tolist()
    return float(lost / weight) if weight else float("nan")


def _pair(loss: Tensor, weights: Tensor) -> Tensor:
    return torch.stack([loss.double(), weights.double().sum()])


def samples(model: Model, renderer: Renderer, dialogues: Iterable[Dialogue], count: int) -> list[Sample]:
    """Replies to the last turns of the first dialogues, drawn as the model's decoding says at temperature 0."""
    last = (turn for dialogue in dialogues for turn in list(_turns(dialogue, renderer))[-1:])
    turns = list(islice(last, count))
    found = _replies(model, renderer, turns)
    return [
        Sample(id, tuple(history), reply, wanted.content, finish)
        for (id, history, wanted), (reply, finish) in zip(turns, found, strict=True)
    ]


def exact_replies(model: Model, renderer: Renderer, dialogues: Iterator[Dialogue], count: int) -> Exact:
    """How many of so many held-out turns are answered word for word; every turn of a dialogue counts as one."""
    turns: list[_Turn] = []
    for dialogue in dialogues:
        turns += _turns(dialogue, renderer)
        if len(turns) >= count:
            break
    found = _replies(model, renderer, turns[:count])
    exact = sum(
        reply.strip() == wanted.content.strip() for (_, _, wanted), (reply, _) in zip(turns, found, strict=False)
    )
    return Exact(exact, len(found), sum(finish == "no room" for _, finish in found))


_Turn = tuple[str, Sequence[Message], Message]


def _turns(dialogue: Dialogue, renderer: Renderer) -> Iterator[_Turn]:
    """The turns that the model would write, behind something that it can be asked with."""
    for number, message in enumerate(dialogue.messages):
        before = dialogue.messages[number - 1].role if number else None
        if message.role == renderer.speaker and before in FLOORS[renderer.speaker]:
            yield dialogue.id, dialogue.messages[:number], message


def _replies(model: Model, renderer: Renderer, turns: Sequence[_Turn]) -> list[tuple[str, str]]:
    """Text and why it ended, for each turn; attention and mode of the model are as before afterwards.

    UsageError where the family is one that is taught and cannot be asked.
    """
    before: Any = model.config._attn_implementation
    model.eval()
    try:
        _attend(model, "sdpa")
        with _uncompiled(model):
            engine = Engine(model, renderer.tokenizer, stop_ids=renderer.stop_ids, stop_texts=renderer.stop_texts)
            sampling = Sampling(temperature=0.0, max_tokens=MOST_NEW_TOKENS)
            prompts = [renderer.prompt(history) for _, history, _ in turns]
            fits = [prompt for prompt in prompts if len(prompt) < engine.context]
            answered = iter(engine.complete(fits, sampling))
        out: list[tuple[str, str]] = []
        for prompt in prompts:
            if len(prompt) >= engine.context:
                out.append(("", "no room"))
                continue
            reply = next(answered)
            out.append((renderer.read(reply.ids), reply.finish_reason))
        return out
    except UsageError:
        raise
    except Exception as error:  # of a family's own code, or for want of memory: no training is to end by it
        kind = type(model).__name__
        raise UsageError(f"{kind}: gives no replies ({type(error).__name__}: {first_line(error)})") from error
    finally:
        _attend(model, before)
        model.train()


def _attend(model: Model, name: str) -> None:
    """Have the model attend so; a family that knows no such attention, or has none, as transformers would have it."""
    try:
        attend(model, name)
    except ValueError:
        attend(model, "eager")


def _uncompiled(model: Model) -> AbstractContextManager[object]:
    """A block in which compiled layers run as they are written.

    Each length of a reply would be compiled anew, for minutes, and after the eighth nothing more of these layers.
    """
    as_written: AbstractContextManager[object] = nullcontext()
    if any(part._compiled_call_impl is not None for part in model.modules()):
        as_written = torch.compiler.set_stance("force_eager")
    return as_written
