"""One dialogue from its opener to its line on disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import JsonValue

from dialogue.chance import hex64
from dialogue.errors import ReplyFailed
from dialogue.records import Dialogue, Failure, Message, Seed, Stop, Usage, encode
from generator.agents import Assistant, UserSimulator
from generator.book import Book
from generator.client.chat import Chat
from generator.consulting import Consultant, Desk, desk_of, questions_due
from generator.folder.run_folder import RunFolder
from generator.given import Given
from generator.marking import WrongAnswer, marked, problem_of
from generator.own import SystemPrompt, system_for
from generator.play import Agent, Turn, play
from generator.settings import RoleName, RoleSettings
from generator.tally import Tally
from generator.tools.assistant import Row, ToolAssistant
from generator.tools.box import Executor, noted, tools_of
from generator.tools.guide import Guide, guide_of
from generator.trained_user import TrainedUser, brief_of
from generator.user.acts import TurnPlan
from generator.user.noise import typed
from generator.user.script import Script, key_of, script
from generator.voice import Voice
from prompts.bars import Bars, bars
from prompts.loader import Prompts
from prompts.sector import Sector, page_of
from prompts.tasks import Task, tool_plan


@dataclass(frozen=True, slots=True)
class Job:
    """A dialogue to be played: new, or taken up where it was left."""

    index: int
    id: str
    opener: str
    seed: Seed
    own: bool
    """Whether a person wrote the opener: it stays word for word."""
    events: Sequence[Mapping[str, Any]] = ()
    """Its finished turns and the replies that became none, as journalled."""
    around: tuple[str, str] | None = None
    """What stands before and after the opener; it is no one's typing."""
    given: Given | None = None
    """What a dialogue of the user's brings, where one is taken up."""


def sentinel_of(run_seed: int) -> str:
    """The end signal of a run: rare, no word of any language, alone on its line."""
    return f"⟦{hex64(run_seed, 'sentinel')[:6]}⟧"


@dataclass(frozen=True, slots=True)
class Scenery:
    """What all dialogues of a run share."""

    chats: Mapping[str, Chat]
    prompts: Prompts
    sector: Sector
    folder: RunFolder
    tally: Tally
    run: str
    """The run's hash."""
    run_seed: int
    rounds: tuple[int, int]
    preset: str
    systems: Sequence[SystemPrompt]
    user: RoleSettings
    """Who speaks for the user, and whether that was taught."""
    guided: bool = True
    """Whether the assistant is told what the sector's guide says."""
    row: Row = field(default_factory=Row)
    """Dialogues given up for the shape of their replies, where the assistant has tools."""

    def bars(self, language: str) -> Bars | None:
        """What ends a dialogue at its first answer; nothing does where a system is measured."""
        file = self.sector.bar_file
        return bars(self.prompts, file, language) if file and self.guided else None


class Stage:
    """Plays one job."""

    _speaks_for_user: RoleName = "user"
    """The role whose endpoint speaks the user's side."""

    def __init__(self, scenery: Scenery, job: Job) -> None:
        self._all = scenery
        self._job = job
        self._rounds = scenery.rounds
        words = scenery.prompts, scenery.sector, job.seed.language or "en"
        self._plan = tool_plan(*words, job.seed.kind, scenery.run_seed, job.id, job.own)
        self._tools = tools_of(*words)
        self._guide = guide_of(*words, self._plan)
        self._problem = problem_of(scenery.sector, self._plan)
        self._desk = _desk(scenery, job)
        self._script = _scripted(scenery, job, self._plan.task)
        taken = [event for event in job.events if event["k"] == "turn"]
        self._past: list[dict[str, JsonValue]] = [dict(event["plan"]) for event in taken if event.get("plan")]
        self._history = self._opening() + [Message.model_validate(event["message"]) for event in taken]
        self._book = Book(scenery.folder, scenery.tally, job.index, job.events)

    async def perform(self) -> None:
        """Play the job to its end and write it down, or write down why it failed. RunStopped passes through."""
        try:
            stop = await self._played()
        except ReplyFailed as error:
            self._lose(error)
        else:
            self._keep(stop)

    async def _played(self) -> Stop:
        """Let the two sides speak to the end of the dialogue; why it ended."""
        return await play(
            self._history,
            self._user(),
            self._assistant(),
            max_rounds=self._rounds[1],
            said=self._said,
            tools=Executor(self._tools),
        )

    def _opening(self) -> list[Message]:
        job, plan = self._job, self._script
        system = system_for(self._all.systems, self._all.run_seed, job.id)
        system = self._guide.meta(system) if self._guide else system
        if self._desk and self._desk.page.keep_notes:
            system = "\n\n".join(filter(None, (system, self._desk.guide())))
        text = job.opener
        if plan.noise and not job.own:
            text = typed(self._all.prompts, text, plan.persona.traits, plan.language, job.id, 1)
        before, after = job.around or ("", "")
        opener = Message(role="user", content=before + text + after)
        return [Message(role="system", content=system), opener] if system else [opener]

    def _user(self) -> Agent:
        return _asker(self._all, self._brief(), self._past)(
            self._voice("user"),
            self._script,
            key=self._job.id,
            priority=self._job.index,
            min_rounds=self._rounds[0],
            leaving=bool(self._past and self._past[-1].get("end")),
            failures=self._book.failures,
            waived=self._all.sector.waived,
        )

    def _brief(self) -> str | None:
        """What a trained user is told of the person."""
        told = self._all.user.trained and self._all.user.brief
        return brief_of(self._all.prompts, self._job.seed, self._script) if told else None

    def _assistant(self) -> Agent:
        made = _speaker(self._all, self._script, self._job.seed.kind, self._guide, self._desk)(
            self._voice("assistant"),
            key=self._job.id,
            priority=self._job.index,
            failures=self._book.failures,
        )
        return marked(made, self._problem, self._past, self._book.give_up) if self._all.guided else made

    def _voice(self, role: str) -> Voice:
        return self._book.voice(self._all.chats[role], role)

    def _said(self, turn: Turn, role: str | None = None) -> None:
        if turn.plan is not None:
            self._past.append(turn.plan)
        self._book.turn(len(self._history), role or turn.message.role, turn)

    def _seed(self) -> Seed:
        """The job's seed, with all that was drawn for the dialogue and what each turn was asked to do."""
        plan, seed = self._script, self._job.seed
        extra = {**seed.extra, **plan.extra(), "acts": list(self._past)}
        if self._all.user.trained:
            extra["user"] = {"trained": True, "brief": self._brief()}
        if self._guide:
            extra |= noted(self._plan, self._tools)
        if self._problem:
            extra["problem"] = self._problem.model_dump(mode="json")
        if self._guide or self._problem:
            about = self._plan.task.topic if self._plan.task else seed.subtopic
            seed = seed.model_copy(update={"subtopic": about})
        return seed.model_copy(update={"persona": plan.persona.situation, "language": plan.language, "extra": extra})

    def _model(self) -> str | None:
        """The model that the record's assistant is."""
        return self._all.chats["assistant"].model

    def _keep(self, stop: Stop) -> None:
        dialogue = Dialogue.model_construct(
            id=self._job.id,
            sector=self._all.sector.name,
            messages=tuple(self._history),
            seed=self._seed(),
            stop=stop,
            user_model=self._all.chats[self._speaks_for_user].model,
            assistant_model=self._model(),
            usage=self._book.by_side(),
            cost_usd=_cost(self._all.chats, self._book.usage),
            scores={},
            run=self._all.run,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        self._all.folder.done(self._job.index, encode(dialogue))
        self._all.tally.finished(stop)

    def _lose(self, error: ReplyFailed) -> None:
        self._book.give_up()
        failure = Failure(
            id=self._job.id,
            sector=self._all.sector.name,
            stage="dialogue",
            reason=error.reason,
            detail=error.detail,
            messages=(*self._history, error.message) if isinstance(error, WrongAnswer) else tuple(self._history),
            seed=self._seed(),
        )
        self._all.folder.fail(self._job.index, failure)
        self._all.tally.lost(error.reason)


def _desk(scenery: Scenery, job: Job) -> Desk | None:
    """What a field's assistant has before it; a system that is measured has nothing."""
    page = page_of(scenery.prompts, scenery.sector) if scenery.guided else None
    language = job.seed.language or "en"
    if page is None:
        return None
    client = page.client(key_of(scenery.run_seed, job.id))
    return desk_of(scenery.prompts, page, language, job.seed.extra.get("sources"), client)


def _asker(scenery: Scenery, told: str | None, past: Sequence[Mapping[str, JsonValue]]) -> Callable[..., Agent]:
    """The kind of user that the run has: a simulator by the script, or a model that speaks for itself."""
    if scenery.user.trained:
        return partial(TrainedUser, brief=told)
    turns = [_plan(turn) for turn in past]
    return partial(UserSimulator, prompts=scenery.prompts, sentinel=sentinel_of(scenery.run_seed), past=turns)


def _speaker(
    scenery: Scenery, plan: Script, kind: str | None, guide: Guide | None, desk: Desk | None
) -> Callable[..., Agent]:
    """The kind of assistant that the sector has."""
    if desk:
        return partial(Consultant, desk=desk, due=questions_due(plan, kind))
    if guide:
        return partial(ToolAssistant, guide=guide, row=scenery.row)
    told = plan.guide(kind) if scenery.guided else None
    return partial(Assistant, guide=told, bars=scenery.bars(plan.language))


def _scripted(scenery: Scenery, job: Job, task: Task | None) -> Script:
    """All that is drawn for the job's dialogue."""
    return script(
        scenery.prompts,
        scenery.sector.column,
        run_seed=scenery.run_seed,
        id=job.id,
        seed=job.seed,
        rounds=scenery.rounds,
        preset=scenery.preset,
        own_opener=job.own,
        facts=scenery.sector.fact_file,
        noise=scenery.sector.noise,
        task=task,
        page=page_of(scenery.prompts, scenery.sector),
    )


def _cost(chats: Mapping[str, Chat], usage: Mapping[str, Usage]) -> float | None:
    """What it cost by the prices of the roles' endpoints; None where one of them has no price."""
    costs = [chats[role].cost(paid) for role, paid in usage.items() if paid.requests]
    return None if None in costs else round(sum(cost or 0.0 for cost in costs), 8)


def _plan(noted: Mapping[str, JsonValue]) -> TurnPlan:
    return TurnPlan.model_validate({name: value for name, value in noted.items() if name in TurnPlan.model_fields})
