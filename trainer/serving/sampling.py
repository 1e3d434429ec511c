"""The next token of many replies at once, each drawn by its own settings and its own chance.

Chance is counted, not consumed: the number that draws token `step` of choice `choice` is a hash of (seed, choice,
step). So a reply does not know what else was in the batch, when it joined, or on which device it ran. What is left is
rounding: a matrix product of 64 rows may differ from that of one row in its last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from pydantic import Field
from torch import Tensor

from dialogue.chance import hash64
from dialogue.errors import UsageError
from dialogue.records import Record

MOST_LOGPROBS = 20
NUCLEUS = 256
"""Tokens looked at first for top_p; a row whose nucleus is larger is sorted whole."""
COLD = 1e-5
"""A temperature below it takes the likeliest token: scores divided by less leave float32."""
LEAST_PENALTY = 0.01


class Sampling(Record):
    """How one reply is drawn."""

    temperature: float = Field(default=1.0, ge=0, le=100)
    """0, or less than COLD, takes the likeliest token."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    """0 looks at all tokens."""
    repetition_penalty: float = Field(default=1.0, ge=LEAST_PENALTY, le=100)
    """Divides the scores of tokens of prompt and reply (Keskar et al. 2019, arXiv 1909.05858)."""
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    """Taken off the scores of tokens that the reply holds already."""
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    """The same, for each time that it holds them."""
    max_tokens: int | None = Field(default=None, ge=1)
    """None: to the end of the context."""
    stop: tuple[str, ...] = ()
    """Texts before which the reply ends, besides the template's."""
    stop_ids: tuple[int, ...] = ()
    """Tokens with which it ends, besides the model's."""
    seed: int = 0
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)
    """None: no log-probabilities; 0: those of the drawn tokens alone."""

    @property
    def greedy(self) -> bool:
        """Whether chance has no say."""
        return self.temperature < COLD

    @property
    def penalised(self) -> bool:
        """Whether what was said before changes the scores."""
        return (self.repetition_penalty, self.presence_penalty, self.frequency_penalty) != (1.0, 0.0, 0.0)


@dataclass(slots=True)
class Said:
    """Which tokens a reply and its prompt hold."""

    prompt: frozenset[int]
    counts: dict[int, int] = field(default_factory=dict)
    """Tokens of the reply, and how often."""

    def add(self, token: int) -> None:
        """Count a drawn token."""
        self.counts[token] = self.counts.get(token, 0) + 1


@dataclass(frozen=True, slots=True)
class Turn:
    """One row's part in a step."""

    sampling: Sampling
    chance: float
    """A number in [0, 1)."""
    said: Said | None = None
    """None: no penalty asks for it."""


def chance(seed: int, choice: int, step: int) -> float:
    """A number in [0, 1 - 2**-40) that depends on nothing else."""
    return (hash64("draw", seed, choice, step) >> 24) / 2.0**40


def scores(logits: Tensor, turns: Sequence[Turn]) -> Tensor:
    """(B, V) float32: logits with penalties, before the temperature."""
    if all(turn.said is None for turn in turns):
        return logits.float()
    scored = logits.to(torch.float32, copy=True)
    for row, turn in enumerate(turns):
        if turn.said is not None:
            _penalise(scored[row], turn.sampling, turn.said)
    return scored


def _penalise(row: Tensor, sampling: Sampling, said: Said) -> None:
    if sampling.repetition_penalty != 1.0:
        seen = torch.tensor(sorted(said.prompt | said.counts.keys()), device=row.device)
        before = row[seen]
        penalty = sampling.repetition_penalty
        row[seen] = torch.where(before < 0, before * penalty, before / penalty)
    if said.counts and (sampling.presence_penalty or sampling.frequency_penalty):
        ids = torch.tensor(list(said.counts), device=row.device)
        times = torch.tensor(list(said.counts.values()), device=row.device, dtype=row.dtype)
        row[ids] -= sampling.presence_penalty + sampling.frequency_penalty * times


def probabilities(scored: Tensor, samplings: Sequence[Sampling]) -> Tensor:
    """(B, V) float32: what each row is drawn from; temperature, then top_k, then top_p, as transformers has them.

    Tokens that tie with the last one kept are kept too, so that no order among equals decides. No row may be greedy.
    """

    def column(values: list[float]) -> Tensor:
        return torch.tensor(values, device=scored.device, dtype=torch.float32)[:, None]

    scored = scored / column([sampling.temperature for sampling in samplings])
    ks = [sampling.top_k if 0 < sampling.top_k < scored.shape[-1] else 0 for sampling in samplings]
    if any(ks):
        best = scored.topk(max(ks)).values
        least = best.gather(1, torch.tensor([max(k - 1, 0) for k in ks], device=scored.device)[:, None])
        cut = torch.where(column([float(k) for k in ks]) > 0, least, -torch.inf)
        scored = scored.masked_fill(scored < cut, -torch.inf)
    found = scored.softmax(-1)
    if any(sampling.top_p < 1 for sampling in samplings):
        found = found * (found >= _cut(found, column([sampling.top_p for sampling in samplings])))
        found = found / found.sum(-1, keepdim=True)
    return found


def _cut(found: Tensor, top_p: Tensor) -> Tensor:
    """(B, 1): the least probability inside each row's nucleus, 0 where all of it is wanted."""
    best = found.topk(min(NUCLEUS, found.shape[-1])).values
    if bool((best.sum(-1, keepdim=True) < top_p)[top_p < 1].any()):
        best = found.sort(descending=True).values
    before = best.cumsum(-1) - best
    inside = (before < top_p).sum(-1, keepdim=True).clamp(min=1)  # a top_p may be 0 in float32
    return torch.where(top_p < 1, best.gather(1, inside - 1), 0.0)


def draw(scored: Tensor, turns: Sequence[Turn]) -> list[int]:
    """The next token of each row: the likeliest where it is greedy, else by its chance.

    Raises UsageError where the scores are no numbers.
    """
    found: list[int] = scored.argmax(-1).tolist()
    sound = not bool(scored[:, 0].isnan().any())  # what went wrong before the head is in all its columns
    rows = [row for row, turn in enumerate(turns) if not turn.sampling.greedy]
    if rows:
        chosen = scored if len(rows) == len(turns) else scored[rows]
        # One number finds its place on the probabilities laid end to end: no order but the vocabulary's has a say.
        ends = probabilities(chosen, [turns[row].sampling for row in rows]).double().cumsum(-1)
        chances = torch.tensor([turns[row].chance for row in rows], device=scored.device, dtype=torch.float64)
        places = torch.searchsorted(ends, (chances[:, None] * ends[:, -1:]), right=True)[:, 0]
        for row, token in zip(rows, places.tolist(), strict=True):
            found[row] = token
    if not sound or max(found) >= scored.shape[-1]:
        raise UsageError(
            "the model's scores are not numbers (NaN): its weights are damaged, or its dtype is too small for them; "
            "--dtype float32 tells which"
        )
    return found


def logprobs(logits: Tensor, chosen: Sequence[int], tops: Sequence[int]) -> list[list[tuple[int, float]]]:
    """Of each row (token, ln p) of the chosen token, then of the `tops` likeliest; before penalties and temperature."""
    logged = logits.float().log_softmax(-1)
    own = logged.gather(1, torch.tensor(list(chosen), device=logits.device)[:, None])[:, 0].tolist()
    best = logged.topk(min(max(tops), logged.shape[-1])) if max(tops) else None
    found = []
    for row, token in enumerate(chosen):
        pairs = [(token, own[row])]
        if best is not None:
            ids, values = best.indices[row, : tops[row]].tolist(), best.values[row, : tops[row]].tolist()
            pairs += zip(ids, values, strict=True)
        found.append(pairs)
    return found
