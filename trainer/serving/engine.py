"""Many replies at a time: a reply joins and leaves between two steps, each step gives every reply its next token.

    engine = Engine(model, tokenizer)
    replies = engine.complete([[1, 5, 9], [1, 7]], Sampling(temperature=0))

Used so by a training's samples, by `gen chat` and, step by step in a thread of its own, by `gen serve`. Continuous
batching as in Orca (Yu et al., OSDI 2022), on rows instead of pages. A reply depends on weights, prompt and sampling
only; greedy ones equal `model.generate` token for token.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from torch import Tensor

from trainer.serving.answer import Answer, Piece, Reply, TokenChance
from trainer.serving.limits import context_of, end_ids, free_bytes
from trainer.serving.network import PASS_TOKENS, answering, network
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
    ) -> None:
        """`context`: positions of the model (None: as its config says). `cache_tokens`: rows times columns of keys
        and values at most (None: as memory allows). Stops are the template's; the model's own end tokens always end.
        """
        self.context = context or context_of(model, tokenizer)
        self.max_batch = max_batch
        self.tokenizer = tokenizer
        self._model = model
        self._stop_texts = tuple(stop_texts)
        self._ends = frozenset(stop_ids) | end_ids(model, tokenizer)
        self._network = network(model)
        size = self._network.token_bytes()
        self._memory = cache_tokens or (free_bytes(model) // size if size else 1 << 62)
        self._waiting: deque[Answer] = deque()
        self._active: list[Answer] = []
        """Their places are the rows of the network's cache."""

    @property
    def busy(self) -> bool:
        """Whether a step has anything to do."""
        return bool(self._waiting or self._active)

    @property
    def separate(self) -> bool:
        """Whether this model's replies have to be worked on one by one."""
        return not self._network.token_bytes()

    def submit(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        choice: int = 0,
        on_piece: Callable[[Piece], None] | None = None,
    ) -> Answer:
        """A reply that the next steps work on. Raises PromptTooLong. `on_piece` hears of every token."""
        room = self.context - len(prompt)
        if room < 1 or not prompt:
            raise PromptTooLong(
                f"the prompt has {len(prompt):,} tokens and the model's context holds {self.context:,}, the reply "
                "included; shorten the messages"
            )
        stops = (*self._stop_texts, *sampling.stop)
        answer = Answer(
            tuple(prompt),
            sampling,
            choice,
            min(room, sampling.max_tokens or room),
            self._ends | frozenset(sampling.stop_ids),
            Text(self.tokenizer, stops) if stops or on_piece else None,
            Said(frozenset(prompt)) if sampling.penalised else None,
            on_piece,
        )
        self._waiting.append(answer)
        return answer

    def cancel(self, answer: Answer) -> None:
        """Work on it no more; its row is free for the next."""
        if answer in self._active:
            self._leave(answer)
        elif answer in self._waiting:
            self._waiting.remove(answer)

    def step(self) -> list[Answer]:
        """Let what fits join, and give every reply under way one token; returns those that ended by it."""
        with answering(self._model):
            ended = self._join()
            if self._active:
                self._reserve()
                last = [answer.ids[-1:] for answer in self._active]
                logits = self._network.logits(0, last, [answer.length - 1 for answer in self._active])
                ended += self._advance(self._active, logits)
        return ended

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
                    yield keys.pop(answer), answer.reply(self.tokenizer)
        finally:
            for answer in keys:
                self.cancel(answer)

    def _join(self) -> list[Answer]:
        """Read the prompts of those that fit, in order of arrival; returns those whose first token was their last."""
        width, joining = 0, list[Answer]()
        while self._waiting and self._fits(answer := self._waiting[0], [*self._active, *joining]):
            width = max(width, len(answer.prompt))
            if joining and width * (len(joining) + 1) > PASS_TOKENS:
                break
            joining.append(self._waiting.popleft())
        return self._read(joining) if joining else []

    def _read(self, joining: list[Answer]) -> list[Answer]:
        """Prompts into rows, and the first token of each. Choices of one prompt, and equal prompts, are read once."""
        place = {prompt: row for row, prompt in enumerate(dict.fromkeys(answer.prompt for answer in joining))}
        joining.sort(key=lambda answer: place[answer.prompt])
        first, longest = len(self._active), max(map(len, place))
        self._active += joining
        self._reserve()
        for begin in range(0, longest, PASS_TOKENS):  # only a prompt that joins alone may be longer than one pass
            pieces = [prompt[begin : begin + PASS_TOKENS] for prompt in place]
            logits = self._network.logits(first, pieces, [begin] * len(pieces))
        for row in reversed(range(len(joining))):  # backwards: a double may take the row of a prompt that was copied
            prompt = joining[row].prompt
            if place[prompt] != row:
                self._network.copy(first + place[prompt], first + row, len(prompt))
        return self._advance(joining, logits[[place[answer.prompt] for answer in joining]])

    def _rows(self, needed: int) -> int:
        """Rows to have room for: doubled as the batch grows, so that rooms are seldom moved."""
        return min(self.max_batch, 1 << (needed - 1).bit_length())

    def _reserve(self) -> None:
        columns = max(answer.length for answer in self._active)
        self._network.reserve(self._rows(len(self._active)), columns, self._memory)

    def _fits(self, answer: Answer, beside: list[Answer]) -> bool:
        """Whether it may join: a row is free, and all that are under way can end within the memory there is."""
        if not beside:
            return True
        columns = max(one.room for one in (*beside, answer))
        return len(beside) < self.max_batch and self._rows(len(beside) + 1) * columns <= self._memory

    def _advance(self, answers: Sequence[Answer], logits: Tensor) -> list[Answer]:
        """Draw a token for each and hand out what came of it; returns those that ended."""
        turns = [answer.turn() for answer in answers]
        tokens = draw(scores(logits, turns), turns)
        chances = self._chances(answers, logits, tokens)
        for row, (answer, token) in enumerate(zip(answers, tokens, strict=True)):
            answer.take(token, chances.get(row))
        ended = [answer for answer in answers if answer.finish_reason is not None]
        for answer in ended:
            self._leave(answer)
        return ended

    def _chances(self, answers: Sequence[Answer], logits: Tensor, tokens: Sequence[int]) -> dict[int, TokenChance]:
        tops = {row: one.sampling.top_logprobs for row, one in enumerate(answers)}
        wanted = {row: top for row, top in tops.items() if top is not None}
        if not wanted:
            return {}
        found = logprobs(logits[list(wanted)], [tokens[row] for row in wanted], list(wanted.values()))
        return {row: TokenChance(*pairs[0], tuple(pairs[1:])) for row, pairs in zip(wanted, found, strict=True)}

    def _leave(self, answer: Answer) -> None:
        """Free its row; the last row moves into the gap."""
        row, mover = self._active.index(answer), self._active[-1]
        if mover is not answer:
            self._network.copy(len(self._active) - 1, row, mover.length)
            self._active[row] = mover
        self._active.pop()
