"""Dialogues of a file of prompts under way, many at a time: each question is asked behind the answer before it."""

from collections import deque
from collections.abc import Iterator, Sequence

from dialogue.chance import hash64
from dialogue.records import Dialogue, Failure, Message, Usage
from gen.prompt_files import Asked
from trainer.serving.engine import PromptTooLong, Reply, Sampling
from trainer.serving.loading import Loaded
from trainer.serving.voice import BadMessages


class Talk:
    """One dialogue under way."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.messages = asked.messages
        self.answers = 0
        self._usage = Usage()

    def take(self, reply: Reply, model: str) -> bool:
        """Take in an answer, and ask the question behind it; whether there was one."""
        said = Message(role="assistant", content=reply.text, finish_reason=reply.finish_reason, model=model)
        later = self.asked.later[self.answers : self.answers + 1]
        self.messages = (*self.messages, said, *(Message(role="user", content=question) for question in later))
        self.answers += 1
        self._usage += Usage(requests=1, prompt_tokens=reply.prompt_tokens, completion_tokens=len(reply.ids))
        return bool(later)

    def dialogue(self, model: str) -> Dialogue:
        """What was asked and answered."""
        told = {"sector": self.asked.sector, "seed": self.asked.seed, "usage": {"assistant": self._usage}}
        return Dialogue(id=self.asked.id, messages=self.messages, assistant_model=model, **told)


class Talks:
    """All of them; a new one is begun where none that is under way has a question ready."""

    def __init__(self, loaded: Loaded, sampling: Sampling, seed: int, asked: Sequence[Asked]) -> None:
        """A reply's chance is drawn from `seed`, the prompt's id and the number of answers before it."""
        self._loaded, self._sampling, self._seed = loaded, sampling, seed
        self._new = iter(asked)
        self._ready = deque[Talk]()
        self.failures: list[Failure] = []
        """What could not be answered, so far."""

    def finished(self) -> Iterator[Dialogue]:
        """Each dialogue, as its last answer comes."""
        self._begin()
        while self._ready:  # questions may become ready behind the end of what the engine was given
            for talk, reply in self._loaded.engine.replies(self._asks()):
                if talk.take(reply, self._loaded.name):
                    self._ready.append(talk)
                else:
                    yield talk.dialogue(self._loaded.name)

    def _begin(self) -> None:
        self._ready.extend(Talk(asked) for asked in [next(self._new, None)] if asked)

    def _asks(self) -> Iterator[tuple[Talk, list[int], Sampling]]:
        while self._ready:
            talk = self._ready.popleft()
            if not self._ready:
                self._begin()
            try:
                ids = self._loaded.voice.prompt(talk.messages)
                self._loaded.engine.check(ids)
            except (PromptTooLong, BadMessages) as error:
                self._fail(talk, str(error))
                continue
            parts = ("answer", self._seed, talk.asked.id, *([talk.answers] if talk.answers else []))
            yield talk, ids, self._sampling.model_copy(update={"seed": hash64(*parts) >> 1})

    def _fail(self, talk: Talk, why: str) -> None:
        asked = talk.asked
        told = {"id": asked.id, "sector": asked.sector, "seed": asked.seed, "messages": talk.messages}
        self.failures.append(Failure(stage="answer", reason="bad_request", detail=why, **told))
