"""Answers of systems to items: asked turn by turn, journalled turn by turn, and put together again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from dialogue.chance import hash64, hex64
from dialogue.errors import ReplyFailed
from dialogue.records import Usage, plain
from evaluator.records import Answer, Item
from evaluator.score import Protocol
from generator.asking import Speaker
from generator.client.chat import Chat, Completion, Sampling
from generator.folder.replylog import ReplyLog

Place = tuple[str, str, str, int, str]
"""Benchmark, item, system, sample, and what was asked."""


class Wanted(NamedTuple):
    """One answer that a protocol needs."""

    system: str
    item: Item
    turns: tuple[str, ...]
    sampling: Sampling | None
    sample: int
    asked: str

    @property
    def place(self) -> Place:
        """Where its answer is found."""
        return (self.item.benchmark, self.item.id, self.system, self.sample, self.asked)


def wanted(protocol: Protocol, items: Iterable[Item], systems: Iterable[str], samples: int = 1) -> Iterator[Wanted]:
    """The answers that a protocol needs, system by system."""
    items = list(items)
    for system in systems:
        for item in items:
            for sample in range(samples):
                asked = protocol.asked(item)
                yield Wanted(system, item, protocol.ask(item), protocol.answer_sampling(item), sample, asked)


def who(speaker: Speaker) -> str:
    """What stands for a speaker in keys: its model's name, and where it has none its addresses."""
    return speaker.endpoint.model or " ".join(speaker.endpoint.base_url)


def role(system: str) -> str:
    """The meter's name for a system."""
    return f"answers of {system}"


class Answering:
    """Asks systems, and keeps what they say."""

    def __init__(self, log: ReplyLog, speakers: Mapping[str, Speaker], seed: int) -> None:
        self._log, self._speakers, self._seed = log, speakers, seed

    def open(self, all_wanted: Iterable[Wanted]) -> list[Wanted]:
        """Those whose answer is not there yet, each once."""
        seen: dict[Place, Wanted] = {one.place: one for one in all_wanted if one.system in self._speakers}
        return [one for one in seen.values() if not self.settled(one)]

    def settled(self, one: Wanted) -> bool:
        """Whether every turn has been answered."""
        return len(self.answer(one).turns) == len(one.turns)

    def answer(self, one: Wanted) -> Answer:
        """The answer as far as it has come."""
        turns: list[str] = []
        finish: list[str | None] = []
        named = failed = None
        for line in self._lines(one):
            if line is None or line["state"] != "ok":
                failed = "not asked" if line is None else str(line["reason"])
                break
            turns.append(line["content"])
            finish.append(line.get("finish_reason"))
            named = line.get("named") or named
        return Answer(
            benchmark=one.item.benchmark,
            item=one.item.id,
            system=one.system,
            sample=one.sample,
            turns=tuple(turns),
            finish=tuple(finish),
            named=named,
            failed=failed,
        )

    def _lines(self, one: Wanted) -> Iterator[dict[str, Any] | None]:
        """The line of each turn, None where it was not asked; nothing after one without an answer."""
        messages = _opening(one)
        for turn in one.turns:
            messages.append({"role": "user", "content": turn})
            line = self._log.by_key.get(self._key(one, messages))
            yield line
            if line is None or line["state"] != "ok":
                return
            messages.append({"role": "assistant", "content": line["content"]})

    def _key(self, one: Wanted, messages: list[dict[str, str]]) -> str:
        speaker = self._speakers[one.system]
        sampling = self._sampling(one)
        extra = repr(sorted(speaker.endpoint.extra_body.items()))
        said = [part for message in messages for part in (message["role"], message["content"])]
        return hex64(
            "answer", one.system, who(speaker), extra, sampling.model_dump_json(), self._seed, one.sample, *said
        )

    def _sampling(self, one: Wanted) -> Sampling:
        """The user's, with what the protocol says of this item over it."""
        own = self._speakers[one.system].sampling
        return own.model_copy(update=one.sampling.model_dump(exclude_none=True)) if one.sampling else own

    def asker(self, chats: Mapping[str, Chat]) -> "Callable[[Wanted], Any]":
        """What a pool does with one wanted answer: ask the turns that are missing, until one fails."""

        async def ask(one: Wanted) -> None:
            messages = _opening(one)
            for number, turn in enumerate(one.turns, 1):
                messages.append({"role": "user", "content": turn})
                key = self._key(one, messages)
                line = self._log.by_key.get(key)
                if line is None or line["state"] != "ok":
                    line = await self._turn(chats[role(one.system)], one, number, messages, key)
                if line["state"] != "ok":
                    return
                messages.append({"role": "assistant", "content": line["content"]})

        return ask

    async def _turn(
        self, chat: Chat, one: Wanted, number: int, messages: list[dict[str, str]], key: str
    ) -> dict[str, Any]:
        seed = hash64("answer", self._seed, one.item.cluster, one.sample, number)
        about = {
            "key": key,
            "role": role(one.system),
            "benchmark": one.item.benchmark,
            "item": one.item.id,
            "system": one.system,
            "sample": one.sample,
            "turn": number,
            "asked": one.asked,
            "seed": seed & 0x7FFF_FFFF,
        }
        try:
            said = await chat.complete(messages, key=key, priority=number, seed=seed, sampling=self._sampling(one))
        except ReplyFailed as failure:
            line = {
                **about,
                "state": "failed",
                "reason": f"{failure.reason}: {failure.detail}",
                "usage": plain(Usage()),
            }
        else:
            line = {**about, **_said(said)}
        self._log.add(line)
        return line


def _opening(one: Wanted) -> list[dict[str, str]]:
    return [{"role": "system", "content": one.item.system}] if one.item.system else []


def _said(completion: Completion) -> dict[str, Any]:
    found = {
        "state": "ok",
        "content": completion.content,
        "thoughts": completion.thoughts,
        "finish_reason": completion.finish_reason,
        "named": completion.model,
        "fingerprint": completion.fingerprint,
        "refused": completion.refused or None,
        "usage": plain(completion.usage),
    }
    return {name: value for name, value in found.items() if value is not None}


def sound(line: Mapping[str, Any]) -> bool:
    """Whether a line is one of an answers' file."""
    return line.get("state") in ("ok", "failed") and isinstance(line.get("system"), str) and "turn" in line
