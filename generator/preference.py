"""The last turn of a dialogue answered by several principles, and all its answers rated: candidates of one message.

The assistant's endpoint answers, the user's endpoint rates. Of several assistants' endpoints each answers by the
principles that are dealt to it in this dialogue (`generator.dealing`); the rater is not told whose an answer is.
Whatever came back is journalled before it is looked at, so a run that was killed asks for nothing twice.
"""

from collections.abc import Sequence

from pydantic import JsonValue

from dialogue.chance import rng
from dialogue.errors import ReplyFailed
from dialogue.faults import Fault
from dialogue.preferences import Candidate, choice
from dialogue.records import Message, Seed, Stop
from generator.agents import ATTEMPTS, message_of, seed_of
from generator.dealing import dealt
from generator.play import Turn
from generator.ratings import Rating, parse, principles, request
from generator.settings import endpoint_of, side_of
from generator.stage import Job, Scenery, Stage

FEWEST = 2
"""Answers that differ, without which there is nothing to prefer."""


class Preference(Stage):
    """Makes the candidates of one dialogue."""

    def __init__(self, scenery: Scenery, job: Job) -> None:
        super().__init__(scenery, job)
        assert job.given is not None
        self._given = job.given
        self._principles = principles(scenery.prompts, scenery.sector, self._script.language)
        assistants = [role for role in scenery.chats if side_of(role) == "assistant"]
        self._dealt = dealt(assistants, list(self._principles.guides), scenery.run_seed, job.id)
        """By principle the role that answers."""
        self._several = len(assistants) > 1
        turns = [event for event in job.events if event["k"] == "turn"]
        told = [(event["plan"] or {}, Message.model_validate(event["message"])) for event in turns]
        self._written = [(str(plan["principle"]), message) for plan, message in told if "principle" in plan]
        self._replies = [message for plan, message in told if "principle" not in plan]
        """What was said of the answers, as it came; the last one is the one that counts."""
        self._history = list(job.given.before)

    async def _played(self) -> Stop:
        """Ask for the answers that are missing, then for their ratings, twice at most."""
        try:
            for name in self._principles.guides:
                await self._write(name)
            answers = self._candidates()
            ratings = await self._rate([str(one["content"]) for one in answers])
        except ReplyFailed:
            self._history = [*self._given.before, *self._partial()]
            raise
        rated = [
            {**one, "score": rating.score, "critique": rating.critique, "ratings": dict(rating.ratings)}
            for one, rating in zip(answers, ratings, strict=True)
        ]
        self._history.append(choice(rated))
        return "max_turns"

    def _partial(self) -> list[Message]:
        """What there is of a dialogue that failed: each answer under the name of its principle, then the ratings."""
        answers = [message.model_copy(update={"name": name}) for name, message in self._written]
        return answers + [message.model_copy(update={"name": "ratings"}) for message in self._replies]

    async def _write(self, principle: str) -> None:
        """Have one answer written; one that was of no use only where the dialogue is tried again."""
        tries = [message for name, message in self._written if name == principle]
        if any(map(_sound, tries)) or len(tries) > self._book.failures:
            return
        *head, last = self._given.before
        own = f"{head[0].content}\n\n" if head and head[0].role == "system" else ""
        talk = [message for message in (*head, last) if message.role != "system"]
        messages = [{"role": "system", "content": own + self._principles.guides[principle]}]
        messages += [{"role": message.role, "content": message.content} for message in talk]
        role = self._dealt[principle]
        plan: dict[str, JsonValue] = {"principle": principle, **self._named(role)}
        message = await self._ask(role, messages, plan, principle, len(tries))
        self._written.append((principle, message))

    def _candidates(self) -> list[Candidate]:
        """Those that are there already and those written, each text once."""
        found: dict[str, Candidate] = {str(one["content"]): dict(one) for one in self._given.answers}
        for principle, message in self._written:
            role = self._dealt[principle]
            model = message.model or self._all.chats[role].model
            made = {"content": message.content, "model": model, "principle": principle, **self._named(role)}
            if _sound(message):
                found.setdefault(message.content, made)
        if len(found) < FEWEST:
            raise ReplyFailed("repeat", f"too_few: {len(found)} answers that differ, expected {FEWEST}")
        chosen = list(found.values())
        rng(self._job.id, "shown").shuffle(chosen)  # a rater may lean to the first place
        return chosen

    def _named(self, role: str) -> dict[str, JsonValue]:
        """The endpoint of one of several assistants: two of them may serve models of one name."""
        return {"endpoint": endpoint_of(role)} if self._several else {}

    async def _rate(self, answers: Sequence[str]) -> list[Rating]:
        fault: Fault | None = None
        for attempt in range(ATTEMPTS * (self._book.failures + 1)):
            if attempt == len(self._replies):
                again = fault.evidence if fault else None
                everything = self._all.prompts, self._all.sector, self._script.language
                prompt = request(*everything, self._given.before, answers, self._job.id, again)
                messages = [{"role": "user", "content": prompt}]
                plan: dict[str, JsonValue] = {"rates": len(answers)}
                if fault and attempt % ATTEMPTS:  # what a dialogue was given up for is counted by then
                    plan["again"] = fault.check
                self._replies.append(await self._ask("user", messages, plan, "rating", attempt))
            reply = self._replies[attempt]
            try:
                return parse(reply.content, len(answers), self._principles.aspects)
            except ValueError as error:
                fault = Fault("bad_reply", "ratings", str(error))
        assert fault is not None
        self._book.give_up(noted=fault.check)
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    async def _ask(
        self, role: str, messages: list[dict[str, str]], plan: dict[str, JsonValue], what: str, attempt: int
    ) -> Message:
        voice, job = self._voice(role), self._job
        seed = seed_of(job.id, what, attempt)
        completion = await voice.complete(messages, key=job.id, priority=job.index, seed=seed)
        message = message_of(completion, voice, "user" if role == "user" else "assistant")
        self._said(Turn(message, completion.usage, plan=plan), role)
        return message

    def _model(self) -> str | None:
        """Of several the one whose answer the record says, whichever run had it write that."""
        if not self._several:
            return super()._model()
        last = self._history[-1]
        said = next(one for one in last.candidates or [] if isinstance(one, dict) and one["content"] == last.content)
        model = said.get("model")
        return model if isinstance(model, str) else None

    def _seed(self) -> Seed:
        """The dialogue's own seed, and by what and whom its answers were made; not by whom those of an earlier run."""
        extra = {name: value for name, value in self._job.seed.extra.items() if name != "dealt"}
        extra["principles"] = list(self._principles.guides)
        if self._several:
            extra["dealt"] = {principle: endpoint_of(role) for principle, role in self._dealt.items()}
        return self._job.seed.model_copy(update={"extra": extra})


def _sound(message: Message) -> bool:
    return message.finish_reason not in ("length", "refusal") and bool(message.content.strip())
