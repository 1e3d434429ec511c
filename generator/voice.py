"""One dialogue's way to its endpoints, on which no reply that was paid for is asked for a second time.

Most turns are one reply, which is journalled with the turn. A reply that becomes no turn, because it shows a fault or
has nothing in it, is journalled as it came before the next one is asked for. A dialogue that is taken up between the
two is given it back in the place of the request that brought it: what follows from it, the fault, the note that names
it and the seed of the next request, is worked out again and comes to the same.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from dialogue.records import Usage
from generator.client.chat import Chat, Completion, Sampling
from generator.client.retry import Nothing

Reply = Completion | Nothing


class Voice:
    """One role's way to its endpoint, for one dialogue."""

    def __init__(self, chat: Chat, kept: deque[Reply], keep: Callable[[Reply, str | None], None]) -> None:
        """`kept` are the replies to the present turn that the journal has; each is taken from it once.

        `keep` journals a reply that becomes no turn, with the check that it failed.
        """
        self.model = chat.model
        self._chat = chat
        self._kept = kept
        self._keep = keep
        self._recalled: Completion | None = None

    def complete(
        self,
        messages: list[dict[str, str]],
        *,
        key: str,
        priority: int,
        seed: int,
        schema: dict[str, Any] | None = None,
        sampling: Sampling | None = None,
        silence: bool = False,
    ) -> Awaitable[Completion]:
        """As `Chat.complete`; one that the journal has comes from there, at no cost, as that is counted already."""
        after = self._recall() if self._kept else None
        if isinstance(after, Completion):
            return _ready(after)
        return self._chat.complete(
            messages,
            key=key,
            priority=priority,
            seed=seed,
            schema=schema,
            sampling=sampling,
            after=after,
            hear=self._hear,
            silence=silence,
        )

    def _recall(self) -> Reply | None:
        """The answer that the journal has, or the last reply that held none. Raises ReplyFailed where no other came."""
        reply: Reply | None = None
        while self._kept:
            reply = self._kept.popleft()
            if isinstance(reply, Completion):
                self._recalled = reply
                break
            if reply.last:
                raise reply.failure()
        return reply

    def refuse(self, completion: Completion, check: str | None) -> None:
        """Keep a reply that becomes no turn, and the name of the check that it failed, where it was one."""
        if completion is not self._recalled:
            self._keep(completion, check)

    def _hear(self, nothing: Nothing) -> None:
        self._keep(nothing, None)


async def _ready(completion: Completion) -> Completion:
    return completion


def written(reply: Reply) -> dict[str, Any]:
    """A reply as the journal has it, without what it cost."""
    if isinstance(reply, Nothing):
        return {"attempt": reply.attempt, "reason": reply.reason, "detail": reply.detail}
    return {
        "content": reply.content,
        "thoughts": reply.thoughts,
        "finish_reason": reply.finish_reason,
        "refused": reply.refused,
        "model": reply.model,
    }


def recalled(fields: Mapping[str, Any]) -> Reply:
    """The reply that was `written`, as if it had cost nothing: its line says what it has cost."""
    if "attempt" in fields:
        return Nothing(**fields, usage=Usage())
    return Completion(**fields, fingerprint=None, usage=Usage())


def pending(events: Sequence[Mapping[str, Any]]) -> deque[Reply]:
    """The replies to the turn that a dialogue stands at: those after its last turn, and its last failure."""
    kept: deque[Reply] = deque()
    for event in events:
        if event["k"] == "reply":
            kept.append(recalled(event["reply"]))
        else:
            kept.clear()
    return kept
