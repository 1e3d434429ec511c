"""What dialogues that are taken up would ask: counted on the first of them."""

from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dialogue.records import Message
from generator.agents import SEPARATOR
from generator.client.tokens import Counter
from generator.dealing import dealt
from generator.estimate_user import user_texts
from generator.given import Usable, usable
from generator.later import reprise
from generator.ratings import principles, request
from generator.settings import RunSettings
from generator.side import USER_TOKENS, Side, answer_tokens
from generator.sources import identify, rounds_of
from generator.stage import sentinel_of
from generator.user.script import Script, script
from prompts.loader import Prompts
from prompts.sector import Sector

CRITIQUE_TOKENS = 90
"""What a rater says of one answer, numbers included: two or three sentences."""


@dataclass(frozen=True, slots=True)
class GivenEstimate:
    """Counts what a run on a user's dialogues would ask."""

    settings: RunSettings
    prompts: Prompts
    sector: Sector
    counter: Counter
    sides: Mapping[str, Side]

    def count(self, sample: int, examples: dict[str, str]) -> float:
        """Count n dialogues by the first `sample`; the mean of the rounds that are added. Fills in the examples."""
        assert self.sector.takes is not None
        found = usable(self.settings, self.prompts, self.sector.takes, Counts())
        total = 0
        for one in islice(found, sample):
            if self.sector.takes == "preference":
                shown = self._count_answers(one, self.settings.n / sample)
                total += 1
            else:
                plan = self._script(one)
                total += self._count_rounds(one, plan, self.settings.n / sample)
                shown = self._examples(one, plan)
            for name, text in shown.items():
                examples.setdefault(name, text)
        return total / sample

    def _script(self, one: Usable) -> Script:
        """The script of the dialogue; a continuation's rounds are those that come on top."""
        settings, sector = self.settings, self.sector
        rounds = rounds_of(settings, sector)
        plan = script(
            self.prompts,
            sector.column,
            run_seed=settings.seed,
            id=identify(settings.seed, sector, one.id),
            seed=one.seed,
            rounds=rounds,
            preset=settings.preset or sector.preset,
            own_opener=True,
            noise=sector.noise,
        )
        return reprise(plan, one.given.later[: rounds[1] - 1]) if sector.takes == "reanswer" else plan

    def _count_rounds(self, one: Usable, plan: Script, weight: float) -> int:
        given, (head, note) = one.given, self._told(one, plan)
        fixed = self._tokens(*head, note)
        history, unanswered = self._tokens(*_texts(given.before)), given.before[-1].role == "user"
        asked = plan.rounds - (self.sector.takes == "reanswer")
        for number in range(asked + unanswered):
            if number or not unanswered:
                self.sides["user"].add(fixed + history, USER_TOKENS, weight)
                history += USER_TOKENS
            self.sides["assistant"].add(history, self._answer, weight)
            history += self._answer
        return plan.rounds

    def _count_answers(self, one: Usable, weight: float) -> dict[str, str]:
        """Count the answers by every principle and their rating; both prompts."""
        language, before = str(one.seed.language), one.given.before
        guides = principles(self.prompts, self.sector, language).guides
        id = identify(self.settings.seed, self.sector, one.id)
        for name, role in dealt(self.settings.assistants, list(guides), self.settings.seed, id).items():
            self.sides[role].add(self._tokens(guides[name], *_texts(before)), self._answer, weight)
        there = [str(found["content"]) for found in one.given.answers]
        shown = [*there, *(f"(the answer by the principle: {name})" for name in guides)]
        text = request(self.prompts, self.sector, language, before, shown, one.id)
        prompt = self._tokens(text) + self._answer * len(guides)
        self.sides["user"].add(prompt, CRITIQUE_TOKENS * len(shown), weight)
        guide = next(iter(guides.values()))
        return {"user": f"[user]\n{text}", "assistant": f"[system]\n{guide}\n\n{_talk(before)}"}

    def _examples(self, one: Usable, plan: Script) -> dict[str, str]:
        """What the assistant is asked first, and the user's side where it is asked at all."""
        given, found = one.given, {"assistant": _talk(one.given.before)}
        told, note = self._told(one, plan)
        spoken = [message for message in given.before if message.role != "system"]
        if self.settings.roles["user"].trained:
            answer = "\n\n[assistant]\n(the answer)" if given.before[-1].role == "user" else ""
            found["user"] = "\n\n".join([*(f"[system]\n{text}" for text in told), _talk(spoken)]) + answer
        elif note:
            head = f"[system]\n{told[0]}"
            said = _talk(spoken, swapped=True)
            last = "\n\n[user]\n(the answer)" if given.before[-1].role == "user" else ""
            found["user"] = f"{head}\n\n[user]\n{told[1]}\n\n{said}{last}{SEPARATOR}{note}"
        return found

    def _told(self, one: Usable, plan: Script) -> tuple[list[str], str]:
        """What stands around the request for the user's first message; no note where there is none to be asked for."""
        if self.sector.takes == "reanswer" and plan.rounds == 1:
            sentinel = sentinel_of(self.settings.seed)
            return [plan.block(self.prompts, sentinel), plan.cue(self.prompts)], ""
        number = sum(message.role == "user" for message in one.given.before) + 1
        return user_texts(self.settings, self.prompts, one.seed, plan, number)

    @property
    def _answer(self) -> int:
        return answer_tokens(self.sector)

    def _tokens(self, *texts: str) -> float:
        return float(sum(map(self.counter.count, texts)))


def _texts(messages: Sequence[Message]) -> list[str]:
    return [message.content for message in messages]


def _talk(messages: Sequence[Message], swapped: bool = False) -> str:
    other = {"user": "assistant", "assistant": "user"}
    names = [other.get(message.role, message.role) if swapped else message.role for message in messages]
    return "\n\n".join(f"[{name}]\n{message.content}" for name, message in zip(names, messages, strict=True))
