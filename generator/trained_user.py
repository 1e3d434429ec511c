"""The user's side, spoken by a model that was taught it (PlatoLM, arXiv 2308.11534; UserLM, arXiv 2510.06552).

Such a model reads the dialogue as it is, roles and all, and writes what the user says next; nobody tells it what. Above
the dialogue stands a brief of the person, where it was taught with one. It ends the dialogue by a message that says
nothing, or nothing but the end signal. A turn that shows a fault is asked again with another seed, since a note that
names the fault would mean nothing to it.
"""

from collections.abc import Collection, Sequence

from dialogue.ending import END, up_to
from dialogue.errors import ReplyFailed
from dialogue.faults import Fault, soft_fault, unwrap
from dialogue.records import Message, Seed
from generator.agents import named, seed_of, turn_fault
from generator.client.chat import Completion
from generator.play import Turn
from generator.user.script import Script
from generator.voice import Voice
from prompts.brief import brief
from prompts.loader import Prompts
from prompts.sector import Sector

ATTEMPTS = 4
"""Times a turn is asked for: twice as often as of a simulator, which is told what was wrong."""
LEAVES = ("thanks_only", "farewell")
"""Checks that find nothing but a leave taken: the person is done, and with a dialogue long enough it ends there."""


class TrainedUser:
    """Speaks as the model does, no longer than the script has rounds."""

    def __init__(
        self,
        voice: Voice,
        script: Script,
        *,
        brief: str | None,
        key: str,
        priority: int,
        min_rounds: int,
        leaving: bool = False,
        failures: int = 0,
        waived: Collection[str] = (),
    ) -> None:
        """As for the simulator; `brief` None: nothing stands above the dialogue."""
        self._voice = voice
        self._script = script
        self._brief = brief
        self._key = key
        self._priority = priority
        self._min_rounds = min_rounds
        self._leaving = leaving
        self._waived = waived
        self._first_attempt = ATTEMPTS * failures

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The user's next message; None where the model, or the planned number of rounds, ends the dialogue."""
        number = sum(message.role == "user" for message in history) + 1
        if self._leaving or number > self._script.rounds:
            return None
        may_end = number > self._min_rounds
        fault: Fault | None = None
        first: str | None = None
        for attempt in range(ATTEMPTS):
            completion = await self._ask(history, number, attempt)
            text, ends = up_to(unwrap(completion.content))
            fault = self._fault(text, completion, history, attempt)
            if may_end and fault is not None and (_says_nothing(text, completion) or fault.check in LEAVES):
                self._voice.refuse(completion, None)
                return None
            if fault is None:
                self._leaving = ends and may_end
                return self._turn(text, completion, number, first)
            self._voice.refuse(completion, fault.check)
            first = fault.check
        assert fault is not None
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    def _fault(self, text: str, completion: Completion, history: Sequence[Message], attempt: int) -> Fault | None:
        language = self._script.language
        hard = turn_fault(text, completion, history, language=language, sentinel=END, waived=self._waived)
        return hard or (soft_fault(text, language=language, words=None) if attempt == 0 else None)

    def _turn(self, text: str, completion: Completion, number: int, again: str | None) -> Turn:
        noted = {"turn": number, "end": self._leaving, "again": again}
        message = Message(role="user", content=text, thoughts=completion.thoughts, model=named(completion, self._voice))
        return Turn(message, completion.usage, plan={name: value for name, value in noted.items() if value})

    async def _ask(self, history: Sequence[Message], number: int, attempt: int) -> Completion:
        seed = seed_of(self._key, number, self._first_attempt + attempt)
        messages = asked(self._brief, history)
        return await self._voice.complete(messages, key=self._key, priority=self._priority, seed=seed, silence=True)


def steered(sector: Sector) -> bool:
    """Whether code draws what the users of the sector say next, since answers are held to it: nobody tells a model."""
    return bool(sector.tools or sector.problems or sector.facts or sector.page)


def brief_of(prompts: Prompts, seed: Seed, plan: Script) -> str | None:
    """The brief of the person in the script, as it can be made again of the finished record's seed."""
    drawn = {"persona": plan.persona.situation, "language": plan.language, "extra": {**seed.extra, **plan.extra()}}
    return brief(prompts, seed.model_copy(update=drawn))


def asked(told: str | None, history: Sequence[Message]) -> list[dict[str, str]]:
    """What the model is shown: what it is `told`, and what the two have said.

    The assistant's own system message, its commands and what they bring are no user's to see.
    """
    head = [{"role": "system", "content": told}] if told else []
    said = [
        {"role": message.role, "content": message.content}
        for message in history
        if message.role in ("user", "assistant") and not message.tool_calls
    ]
    return [*head, *said]


def _says_nothing(text: str, completion: Completion) -> bool:
    return not text and completion.finish_reason != "length"
