"""The assistant of a field: what it is told, and what its answers are held against before they go into the dialogue.

It asks before it advises, and where it is to name its sources it names those it was given (dialogue/consulting.py). An
answer that does otherwise is asked again once for each fault, with the fault named. Advice that comes unasked a second
time stays, and is counted; a source that there is not, named twice, ends the dialogue.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from dialogue.chance import share
from dialogue.consulting import GROUNDED, advises, named
from dialogue.errors import ReplyFailed, UsageError
from dialogue.faults import Fault
from dialogue.records import Message, Seed
from generator.agents import Assistant, guided, message_of, seed_of
from generator.play import Turn
from generator.user.script import Script
from generator.voice import Voice
from prompts.domain import Client, Page
from prompts.loader import Prompts
from prompts.materials import Piece
from prompts.names import FALLBACK, folder, tongue

HOME = "consulting"
TRIES = 3
"""Times an answer is asked for: each of two faults may be mended."""
MANNERS = ("unasked", "uncited")
"""Faults that stay where they come a second time."""
BESIDE = 2
"""Sources shown beside the one that an opener grew from."""


def with_sources(page: Page, run_seed: int, id: str, seed: Seed) -> Seed:
    """The seed with the ids of the sources that its dialogue's assistant is shown, the one that it grew from first."""
    found = page.sources
    number = found.find(seed.material) if seed.material else None
    if number is not None:
        seed = seed.model_copy(update={"topic": found[number].title})
    else:
        fitting = found.of(seed.language or "en") or range(len(found))
        number = fitting[int(share(run_seed, id, "source") * len(fitting))]
    shown = (number, *found.beside(number))[: BESIDE + 1]
    ids: list[JsonValue] = [*(found[place].id for place in shown)]
    return seed.model_copy(update={"extra": {**seed.extra, "sources": ids, **({"cite": True} if page.cite else {})}})


@dataclass(frozen=True, slots=True)
class Desk:
    """What the assistant of one dialogue has before it."""

    prompts: Prompts
    page: Page
    language: str
    notes: Sequence[tuple[str, str]]
    """Ids and texts of the sources."""
    asks: Sequence[str]
    """What it has to know of such a client."""

    def guide(self) -> str:
        """What it is told with every answer."""
        page = self.page
        return self._render(
            "guide",
            assistant=page.assistant,
            asks=self.asks,
            decline=[(one.what, one.why) for one in page.decline],
            refer=page.refer,
            cite=page.cite,
            notes=self.notes,
            language=tongue(self.prompts, self.language).name,
        )

    def again(self, fault: Fault) -> str:
        """What was wrong with its last reply."""
        return self._render("again", fault=fault.check, evidence=fault.evidence)

    def _render(self, name: str, **variables: object) -> str:
        code = folder(self.prompts, self.language)
        where = code if self.prompts.path(f"{HOME}/{code}/{name}.j2") else FALLBACK
        return self.prompts.render(f"{HOME}/{where}/{name}.j2", **variables)


def desk_of(prompts: Prompts, page: Page, language: str, ids: object, client: Client | None = None) -> Desk:
    """The desk with the sources of these ids, for a client; with the page's first sources where none are named, as in
    an example.

    Raises UsageError where a source is gone: its file was changed while the run went on.
    """
    found = page.sources
    if not isinstance(ids, list | tuple):
        return Desk(prompts, page, language, _notes(found[: BESIDE + 1]), page.asks(client))
    numbers = [found.find(str(id)) for id in ids]
    if None in numbers:
        gone = ids[numbers.index(None)]
        raise UsageError(f"--input {page.path}: source {gone!r} is gone from its files; a run needs them as they were")
    known = [found[number] for number in numbers if number is not None]
    return Desk(prompts, page, language, _notes(known), page.asks(client))


def _notes(found: Sequence[Piece]) -> list[tuple[str, str]]:
    return [(piece.id, piece.text) for piece in found]


def questions_due(script: Script, kind: str | None) -> bool:
    """Whether its assistant has to ask first: there is a case for advice, of which something is held back."""
    return kind == GROUNDED and bool(script.goal.texts(told=False))


class Consultant(Assistant):
    """Answers as the page's assistant."""

    def __init__(
        self,
        voice: Voice,
        *,
        key: str,
        priority: int,
        desk: Desk,
        due: bool,
        failures: int = 0,
    ) -> None:
        """`due`: whether it has to ask before it advises."""
        super().__init__(voice, key=key, priority=priority)
        self._first_attempt = TRIES * failures
        self._desk = desk
        self._due = due

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The answer to the last user message; asked again, under the same guide, where it has a fault.

        A fault that comes a second time stays where it is one of manner, or else ends the dialogue.
        """
        told = None if self._desk.page.keep_notes else self._desk.guide()
        talk = [{"role": message.role, "content": message.content} for message in history]
        fault: Fault | None = None
        for attempt in range(TRIES):
            again = [self._desk.again(fault)] if fault and fault.check != "answer_repeated" else []
            seed = seed_of(self._key, len(history), "answer", self._first_attempt + attempt)
            messages = guided(talk, "\n\n".join(filter(None, [told, *again])) or None)
            completion = await self._voice.complete(messages, key=self._key, priority=self._priority, seed=seed)
            before, fault = fault, None if completion.refused else self._fault(completion.content, history)
            last = attempt == TRIES - 1 or (before is not None and fault is not None and before.check == fault.check)
            if fault is None or (last and fault.check in MANNERS):
                noted = f"assistant_{fault.check}_kept" if fault else None
                return Turn(message_of(completion, self._voice, "assistant"), completion.usage, noted=noted)
            self._voice.refuse(completion, fault.check)
            if last:
                break
        assert fault is not None
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    def _fault(self, text: str, history: Sequence[Message]) -> Fault | None:
        earlier = [message.content for message in history if message.role == "assistant"]
        if text in earlier:
            return Fault("repeat", "answer_repeated", "the same answer twice, word for word")
        if self._due and not earlier and advises(text):
            return Fault("bad_reply", "unasked", text[:80])
        if not self._desk.page.cite:
            return None
        cited, strange = named(text, [id for id, _ in self._desk.notes])
        if strange:
            return Fault("bad_reply", "strange_source", strange[0])
        return Fault("bad_reply", "uncited", text[:80]) if self._due and advises(text) and not cited else None
