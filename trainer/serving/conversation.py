"""A conversation with a model: replies that stream, and a history that always fits.

With a model of the user's side the person is the assistant: the model opens the dialogue, the person answers.
"""

import secrets
from collections.abc import Iterator

from dialogue.chance import hash64
from dialogue.records import Message
from trainer.serving.answer import Piece
from trainer.serving.engine import PromptTooLong, Sampling
from trainer.serving.loading import Loaded
from trainer.serving.voice import BadMessages
from trainer.text.speakers import Speaker

REPLY_SHARE = 4
"""One part in so many of the context is kept free for a reply of no stated length."""


class Conversation:
    """Messages so far; the oldest rounds are forgotten where they no longer fit."""

    def __init__(
        self, loaded: Loaded, sampling: Sampling, *, system: str | None = None, seed: int | None = None
    ) -> None:
        """`seed` None: another conversation each time."""
        self.system = system
        self.messages: list[Message] = []
        """All of it, forgotten rounds included; the system message apart."""
        self.forgotten = 0
        """Messages at the beginning that the model is not shown any more."""
        self._loaded, self._sampling = loaded, sampling
        self.speaker = loaded.voice.speaker
        """Whose turns the model writes."""
        self._person: Speaker = "user" if self.speaker == "assistant" else "assistant"
        self._seed = secrets.randbits(63) if seed is None else seed

    @property
    def name(self) -> str:
        """What the model is called."""
        return self._loaded.name

    @property
    def context(self) -> int:
        """Tokens that prompt and reply may have together."""
        return self._loaded.engine.context

    def reset(self) -> None:
        """Begin anew; the system message stays."""
        self.messages, self.forgotten = [], 0

    def ask(self, text: str) -> Iterator[str]:
        """The reply piece by piece. Raises PromptTooLong where the text alone is too long, BadMessages where the
        template cannot hold it; the conversation is then as it was.

        An answer that is broken off, as by Ctrl-C, stays as far as it came.
        """
        self.messages.append(Message(role=self._person, content=text))
        yield from self._reply()

    def open(self) -> Iterator[str]:
        """The first message piece by piece, of a model of the user's side. Raises as `ask`."""
        yield from self._reply()

    def _reply(self) -> Iterator[str]:
        engine, pieces, said = self._loaded.engine, list[Piece](), ""
        try:
            prompt = self._fitted()
        except (PromptTooLong, BadMessages):
            del self.messages[-1:]
            raise
        seed = hash64("turn", self._seed, len(self.messages)) >> 1
        sampling = self._sampling.model_copy(update={"seed": seed})
        answer = engine.submit(prompt, sampling, on_piece=pieces.append)
        try:
            while answer.finish_reason is None:
                engine.step()
                news = "".join(piece.text for piece in pieces)
                pieces.clear()
                said += news
                if news:
                    yield news
        finally:
            engine.cancel(answer)
            reason = answer.finish_reason or "length"
            self.messages.append(Message(role=self.speaker, content=said, finish_reason=reason))

    def shown(self) -> list[Message]:
        """What the model is shown."""
        return self.whole(self.forgotten)

    def whole(self, first: int = 0) -> list[Message]:
        """The system message and everything that was said, from the message with this number on."""
        system = [Message(role="system", content=self.system)] if self.system else []
        return [*system, *self.messages[first:]]

    def _fitted(self) -> list[int]:
        """The prompt, after forgetting as many of the oldest rounds as it takes."""
        engine = self._loaded.engine
        wanted = self._sampling.max_tokens or engine.context // REPLY_SHARE
        free, first = min(wanted, engine.context // 2), self.forgotten
        while True:
            prompt = self._loaded.voice.prompt(self.whole(first))
            if len(prompt) + free <= engine.context or first + 2 >= len(self.messages):
                engine.check(prompt)
                self.forgotten = first
                return prompt
            first += 2
