"""A reply under way, what each token adds to it, and what it is in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from trainer.serving.sampling import Said, Sampling, Turn, chance
from trainer.serving.text import Text, decode

Finish = Literal["stop", "length"]
MARGIN = 64
"""Positions kept free for a reply that joins, so that it is not set back at once."""


class TokenChance(NamedTuple):
    """A drawn token, and the likeliest ones in its place."""

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...]


class Reply(NamedTuple):
    """One finished reply."""

    ids: tuple[int, ...]
    """All tokens drawn, the end token included where one came."""
    text: str
    """Without end marks and stop texts."""
    finish_reason: Finish
    prompt_tokens: int
    logprobs: tuple[TokenChance, ...] | None = None


class Piece(NamedTuple):
    """What one token added to a reply."""

    text: str
    """May be empty: the token is part of a character, or of what may become a stop text."""
    logprobs: tuple[TokenChance, ...] = ()
    finish_reason: Finish | None = None


@dataclass(slots=True, eq=False)
class Answer:
    """A reply under way."""

    prompt: tuple[int, ...]
    sampling: Sampling
    choice: int
    limit: int
    """Tokens it may have."""
    ends: frozenset[int]
    text: Text | None
    """None: nobody watches and no text ends it; decoded once, at its end."""
    said: Said | None
    on_piece: Callable[[Piece], None] | None = None
    number: int = 0
    """Its place in the order of arrival."""
    ids: list[int] = field(default_factory=list)
    logprobs: list[TokenChance] = field(default_factory=list)
    finish_reason: Finish | None = None

    @property
    def length(self) -> int:
        """Positions of prompt and tokens drawn so far."""
        return len(self.prompt) + len(self.ids)

    @property
    def read(self) -> tuple[int, ...]:
        """What has to be read where it joins: the prompt, and the tokens drawn before it was set back."""
        return (*self.prompt, *self.ids) if self.ids else self.prompt

    @property
    def room(self) -> int:
        """Positions that it may come to need before long; to its end it may never come."""
        return min(len(self.prompt) + self.limit, self.length + MARGIN)

    def turn(self) -> Turn:
        """Its part in the next step."""
        number = chance(self.sampling.seed, self.choice, len(self.ids)) if not self.sampling.greedy else 0.0
        return Turn(self.sampling, number, self.said)

    def take(self, token: int, found: TokenChance | None) -> None:
        """Add a token, and end the reply where it is the last."""
        self.ids.append(token)
        if self.said is not None:
            self.said.add(token)
        if found is not None:
            self.logprobs.append(found)
        news = self._read(token)
        if self.on_piece is not None:
            self.on_piece(Piece(news, () if found is None else (found,), self.finish_reason))

    def _read(self, token: int) -> str:
        """The text that has become certain; sets `finish_reason` where the reply ends."""
        news, text = "", self.text
        if token in self.ends:
            self.finish_reason = "stop"
        else:
            news = text.add(token) if text else ""
            self.finish_reason = "length" if len(self.ids) >= self.limit else None
        if text and self.finish_reason:
            news += text.end()
        if text and text.stopped:
            self.finish_reason = "stop"
        return news

    def reply(self, tokenizer: Any, lead: str = "") -> Reply:
        """The finished reply."""
        assert self.finish_reason is not None
        ids = self.ids[:-1] if self.ids[-1] in self.ends else self.ids
        text = decode(tokenizer, ids, lead) if self.text is None else self.text.whole
        chances = tuple(self.logprobs) if self.sampling.top_logprobs is not None else None
        return Reply(tuple(self.ids), text, self.finish_reason, len(self.prompt), chances)
