"""Calls to a judge: made once, journalled with the whole reply, read by the protocol; and old replies read anew."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from dialogue.chance import hash64, hex64
from dialogue.draft import read as draft_of
from dialogue.errors import ReplyFailed
from dialogue.exchange import refusal
from dialogue.records import Usage, plain
from evaluator.answering import who
from evaluator.calls import Call, Lookup
from evaluator.protocol import Judge, Reply
from evaluator.records import STATES, Judgment, State, Verdict
from generator.asking import Speaker
from generator.client.chat import Chat, Completion, Sampling
from generator.folder.replylog import ReplyLog
from prompts.loader import Prompts

ROLE = "judge"
BY_ENDPOINT = "refused, as the endpoint says"
"""Of a reply that is a refusal whatever its text."""
MOST_SAID = 80
"""Characters of a refusal that its line tells beside the whole reply."""
REFUSAL_CHARACTERS = 600
"""A judge that refuses says so at once; what is longer has reasons in it."""


class Asked(NamedTuple):
    """A call with the words that are sent."""

    call: Call
    messages: list[dict[str, str]]
    key: str
    lengths: tuple[int, ...]


class Judging:
    """The judge's desk: which calls are open, how one is made, what stands in the journal."""

    def __init__(self, log: ReplyLog, speaker: Speaker, prompts: Prompts, seed: int) -> None:
        self._log, self._speaker, self._prompts, self._seed = log, speaker, prompts, seed

    def put_in_words(self, call: Call, lookup: Lookup) -> Asked | None:
        """The call as it is sent; None where an answer that it should show is missing."""
        view = call.view(lookup)
        if view is None:
            return None
        messages = call.judge.messages(self._prompts, view)
        last = call.turn or len(call.item.turns)
        lengths = tuple(sum(map(len, answer.turns[:last])) for answer in view.answers)
        said = [part for message in messages for part in (message["role"], message["content"])]
        key = hex64(
            *("judge", call.judge.name, who(self._speaker), self.sampling(call.judge).model_dump_json()),
            repr(sorted(self._speaker.endpoint.extra_body.items())),
            *(self._seed, call.sample, call.repeat, *call.shown, *said),
        )
        return Asked(call, messages, key, lengths)

    def sampling(self, judge: Judge) -> Sampling:
        """The protocol's, with what the user has set over it."""
        over = self._speaker.sampling.model_dump(exclude_none=True)
        return judge.sampling.model_copy(update=over)

    def settled(self, asked: Asked) -> bool:
        """Whether the call has its answer: one that failed is made again, one without a verdict once, if it may be."""
        line = self._log.by_key.get(asked.key)
        return line is not None and line["state"] != "call_failed" and not self._once_more(line, asked.call.judge)

    def _once_more(self, line: Mapping[str, Any], judge: Judge) -> bool:
        """Whether the first reply is there and has no verdict: what is asked next is the verdict alone."""
        replied = line["state"] == "unparsed" or (line["state"] == "call_failed" and "raw" in line)
        return replied and judge.again is not None and line.get("attempt", 1) < 2

    def asker(self, chats: Mapping[str, Chat]) -> Callable[[Asked], Any]:
        """What a pool does with one call."""

        async def ask(asked: Asked) -> None:
            while not self.settled(asked):
                line = await self._ask(chats[ROLE], asked)
                self._log.add(line)
                if line["state"] == "call_failed":
                    return

        return ask

    async def _ask(self, chat: Chat, asked: Asked) -> dict[str, Any]:
        judge = asked.call.judge
        before = self._log.by_key.get(asked.key)
        messages, attempt = asked.messages, 1
        if before is not None and self._once_more(before, judge):
            attempt = 2
            messages = [
                *messages,
                {"role": "assistant", "content": before["raw"]},
                {"role": "user", "content": judge.again or ""},
            ]
        seed = hash64(asked.key, self._seed, asked.call.sample, asked.call.repeat, attempt)
        try:
            said = await chat.complete(
                messages,
                key=asked.key,
                priority=2 - attempt,
                seed=seed,
                schema=judge.schema,
                sampling=self.sampling(judge),
                top_logprobs=judge.top_logprobs,
            )
        except ReplyFailed as failure:
            kept = {"attempt": 1, "raw": before["raw"]} if attempt == 2 and before else {"attempt": attempt}
            return self._line(asked, "call_failed", f"{failure.reason}: {failure.detail}", **kept)
        state, detail, verdict = read(judge, said, len(asked.call.shown))
        more = {"seed": seed & 0x7FFF_FFFF, "attempt": attempt, **_told(said)}
        return self._line(asked, state, detail, verdict, **more)

    def _line(
        self, asked: Asked, state: State, detail: str | None, verdict: Verdict | None = None, **more: Any
    ) -> dict[str, Any]:
        call = asked.call
        found = {
            "key": asked.key,
            "role": ROLE,
            "protocol": call.judge.name,
            "lengths": asked.lengths,
            **_about(call),
            "judge": self._speaker.endpoint.model or self._speaker.endpoint.name,
            "prompt": self._prompts.used.get(call.judge.template),
            "state": state,
            "detail": detail,
            "verdict": verdict.model_dump() if verdict else None,
            **more,
        }
        return {name: value for name, value in found.items() if value is not None}

    def judgments(self, all_asked: Iterable[Asked]) -> list[Judgment]:
        """What stands in the journal on these calls, each as the call that asks: equal questions of two benchmarks
        share a reply, and a journal that is gone on with may name them otherwise."""
        found = []
        for asked in all_asked:
            line = self._log.by_key.get(asked.key)
            if line is not None:
                found.append(judgment({**line, **_about(asked.call)}))
        return found


def _about(call: Call) -> dict[str, Any]:
    return {
        "benchmark": call.item.benchmark,
        "item": call.item.id,
        "category": call.item.category,
        "shown": call.shown,
        "turn": call.turn,
        "order": call.order,
        "sample": call.sample,
        "repeat": call.repeat,
    }


def _told(said: Completion) -> dict[str, Any]:
    return {
        "raw": said.content,
        "named": said.model,
        "fingerprint": said.fingerprint,
        "format": said.format,
        "usage": plain(said.usage),
        "alternatives": [list(pair) for pair in said.alternatives] or None,
    }


def read(judge: Judge, said: Completion, shown: int) -> tuple[State, str | None, Verdict | None]:
    """What a reply is: a verdict, a refusal, or neither."""
    if said.refused or said.finish_reason == "content_filter":
        return "refused", BY_ENDPOINT, None
    return read_text(judge, Reply(said.content, said.alternatives, shown))


def read_text(judge: Judge, reply: Reply) -> tuple[State, str | None, Verdict | None]:
    """The same for a reply that is only text, as stored replies are."""
    try:
        return "parsed", None, judge.read(reply)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as why:  # Unreadable, or a reply no parser foresaw
        text = reply.text[:REFUSAL_CHARACTERS]
        refuses = len(reply.text) <= REFUSAL_CHARACTERS and refusal(draft_of(text, (), None, None)) is not None
        return ("refused", f"said: {text[:MOST_SAID]}", None) if refuses else ("unparsed", str(why), None)


def judgment(line: Mapping[str, Any]) -> Judgment:
    """A line of judgments.jsonl."""
    fields = {name: value for name, value in line.items() if name in Judgment.model_fields}
    return Judgment.model_validate({**fields, "usage": line.get("usage") or Usage()})


def sound(line: Mapping[str, Any]) -> bool:
    """Whether a line is one of a judgments' file."""
    return line.get("state") in STATES and isinstance(line.get("protocol"), str) and "shown" in line
