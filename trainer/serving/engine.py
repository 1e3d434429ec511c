"""Many replies at a time: a reply joins and leaves between two steps, each step gives every reply its next token.

    engine = Engine(model, tokenizer)
    replies = engine.complete([[1, 5, 9], [1, 7]], Sampling(temperature=0))

Used so by a training's samples, by `gen chat` and, step by step in a thread of its own, by `gen serve`. Continuous
batching as in Orca (Yu et al., OSDI 2022), on rows instead of pages. A reply depends on weights, prompt and sampling
only; greedy ones equal `model.generate` token for token.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

from torch import Tensor

from trainer.serving.answer import Answer, Piece, Reply, TokenChance
from trainer.serving.limits import context_of, end_ids
from trainer.serving.network import PASS_TOKENS, PIECE_TOKENS, answering
from trainer.serving.rows import Rows
from trainer.serving.sampling import Said, Sampling, draw, logprobs, scores
from trainer.serving.text import Text

__all__ = ["Answer", "Engine", "Piece", "PromptTooLong", "Reply", "Sampling", "TokenChance"]

Key = TypeVar("Key", bound=Hashable)


class PromptTooLong(ValueError):
    """A prompt that leaves no room for a reply."""


class Engine:
    """Steps replies through one model. Not for several threads at once."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        max_batch: int = 64,
        context: int | None = None,
        cache_tokens: int | None = None,
        stop_ids: Iterable[int] = (),
        stop_texts: Iterable[str] = (),
        lead: str = "",
    ) -> None:
        """`context`: positions of the model (None: as its config says). `cache_tokens`: rows times columns of keys
        and values at most (None: as memory allows). Stops and the lead (a space before the text) are the template's,
        as a `Voice` has them; the model's own end tokens always end.
        """
        self.context = context or context_of(model, tokenizer)
        self.max_batch = max_batch
        self.tokenizer = tokenizer
        self._model, self._lead = model, lead
        self._stop_texts = tuple(stop_texts)
        self._ends = frozenset(stop_ids) | end_ids(model, tokenizer)
        self._rows = Rows(model, max_batch, cache_tokens)
        self._waiting: deque[Answer] = deque()
        self._arrivals = count()

    @property
    def busy(self) -> bool:
        """Whether a step has anything to do."""
        return bool(self._waiting or self._rows.active or self._rows.reading)

    @property
    def separate(self) -> bool:
        """Whether this model's replies have to be worked on one by one."""
        return self._rows.separate

    def check(self, prompt: Sequence[int]) -> None:
        """Raise PromptTooLong where a prompt leaves no room for a reply."""
        if not 0 < len(prompt) < self.context:
            raise PromptTooLong(
                f"the prompt has {len(prompt):,} tokens and the model's context holds {self.context:,}, the reply "
                "included; shorten the messages"
            )

    def submit(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        choice: int = 0,
        on_piece: Callable[[Piece], None] | None = None,
    ) -> Answer:
        """A reply that the next steps work on. Raises PromptTooLong. `on_piece` hears of every token."""
        self.check(prompt)
        room = self.context - len(prompt)
        stops = (*self._stop_texts, *sampling.stop)
        answer = Answer(
            tuple(prompt),
            sampling,
            choice,
            min(room, sampling.max_tokens or room),
            self._ends | frozenset(sampling.stop_ids),
            Text(self.tokenizer, stops, self._lead) if stops or on_piece else None,
            Said(frozenset(prompt)) if sampling.penalised else None,
            on_piece,
            next(self._arrivals),
        )
        self._waiting.append(answer)
        return answer

    def cancel(self, answer: Answer) -> None:
        """Work on it no more; its row is free for the next."""
        if answer in self._rows.active or answer in self._rows.reading:
            self._rows.leave(answer)
        elif answer in self._waiting:
            self._waiting.remove(answer)

    def step(self) -> list[Answer]:
        """Let what fits join, and give every reply under way one token; returns those that ended by it.

        Where memory does not hold the next token of all, those that came last are set back: they wait, and what they
        have said is read again with their prompts.
        """
        with answering(self._model):
            ended = self._join()
            while (last := self._rows.crowded()) is not None:
                self._rows.leave(last)
                self._waiting.appendleft(last)
            ended += self._read_on()
            if self._rows.active:
                ended += self._advance(list(self._rows.active), self._rows.step())
        return ended

    def reply(self, answer: Answer) -> Reply:
        """What an answer has become that ended."""
        return answer.reply(self.tokenizer, self._lead)

    def complete(self, prompts: Sequence[Sequence[int]], sampling: Sampling | Sequence[Sampling]) -> list[Reply]:
        """A reply to each prompt, in order; one sampling for all, or one for each. Raises PromptTooLong."""
        samplings = [sampling] * len(prompts) if isinstance(sampling, Sampling) else list(sampling)
        asks = ((number, *ask) for number, ask in enumerate(zip(prompts, samplings, strict=True)))
        found = dict(self.replies(asks))
        return [found[number] for number in range(len(prompts))]

    def replies(self, asks: Iterable[tuple[Key, Sequence[int], Sampling]]) -> Iterator[tuple[Key, Reply]]:
        """(key, reply) as each ends; prompts are pulled as rows become free, so there may be any number of them."""
        source, keys = iter(asks), dict[Answer, Key]()
        more = True
        try:
            while more or keys:
                while more and len(keys) < 2 * self.max_batch:  # as many wait as are under way: they are read together
                    ask = next(source, None)
                    more = ask is not None
                    if ask is not None:
                        keys[self.submit(ask[1], ask[2])] = ask[0]
                for answer in self.step() if keys else ():
                    yield keys.pop(answer), self.reply(answer)
        finally:
            for answer in keys:
                self.cancel(answer)

    def _join(self) -> list[Answer]:
        """Read the prompts of those that fit, in order of arrival; returns those whose first token was their last."""
        joining = _joining(self._waiting, self._rows)
        return self._advance(joining, self._rows.join(joining)) if joining else []

    def _read_on(self) -> list[Answer]:
        """Read a piece of the long prompt that is being read; returns those whose first token was their last."""
        group = list(self._rows.reading)
        logits = self._rows.read_on() if group else None
        return [] if logits is None else self._advance(group, logits)

    def _advance(self, answers: Sequence[Answer], logits: Tensor) -> list[Answer]:
        """Draw a token for each and hand out what came of it; returns those that ended."""
        turns = [answer.turn() for answer in answers]
        tokens = draw(scores(logits, turns), turns)
        chances = _chances(answers, logits, tokens)
        for row, (answer, token) in enumerate(zip(answers, tokens, strict=True)):
            answer.take(token, chances.get(row))
        ended = [answer for answer in answers if answer.finish_reason is not None]
        for answer in ended:
            self._rows.leave(answer)
        return ended


def _joining(waiting: deque[Answer], rows: Rows) -> list[Answer]:
    """Taken from those who wait: all that fit and can be read in one pass; a long prompt is begun besides."""
    width, joining = 0, list[Answer]()
    while waiting and rows.fits(answer := waiting[0], joining):
        if answer.length > PIECE_TOKENS:
            if joining or rows.reading:
                break  # in their turn: one long prompt at a time
            rows.begin(_choices(waiting, rows))
            continue
        width = max(width, answer.length)
        if joining and width * (len(joining) + 1) > PASS_TOKENS:
            break
        joining.append(waiting.popleft())
    return joining


def _choices(waiting: deque[Answer], rows: Rows) -> list[Answer]:
    """Taken from those who wait: the first, and those behind it of the same prompt, as many as fit."""
    group = [waiting.popleft()]
    while waiting and waiting[0].read == group[0].read and rows.fits(waiting[0], group):
        group.append(waiting.popleft())
    return group


def _chances(answers: Sequence[Answer], logits: Tensor, tokens: Sequence[int]) -> dict[int, TokenChance]:
    """Log-probabilities by row, for those who asked."""
    tops = {row: answer.sampling.top_logprobs for row, answer in enumerate(answers)}
    wanted = {row: top for row, top in tops.items() if top is not None}
    if not wanted:
        return {}
    found = logprobs(logits[list(wanted)], [tokens[row] for row in wanted], list(wanted.values()))
    return {row: TokenChance(*pairs[0], tuple(pairs[1:])) for row, pairs in zip(wanted, found, strict=True)}
