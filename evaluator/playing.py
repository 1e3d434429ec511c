"""New dialogues between the user simulator and each system, on openers that no training has seen.

Openers are written once, by the simulator's endpoint, with a seed of their own; then every system plays the same
openers with the same personas, goals and plans, by the same engine as `gen run`. What each says differs, and so do the
user's later turns: each dialogue is judged as it was held.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.jsonl import objects, write_atomically
from dialogue.reading import read
from dialogue.records import Dialogue
from evaluator.answer_files import Given
from evaluator.folder import safe
from evaluator.items import DIALOGUES, Bench
from evaluator.records import Answer, Item
from evaluator.settings import EvaluateSettings, PlaySettings
from generator.asking import Speaker
from generator.client.chat import Sampling
from generator.client.endpoint import Endpoint, Price, resolve
from generator.client.prices import price_of
from generator.run import run
from generator.settings import ROLES, RoleSettings, RunSettings

NAME = "play"
USER = Sampling(temperature=1.0, top_p=0.95)
OPENER = Sampling(temperature=1.0)
BUILTIN = resolve("builtin", None, {})
OnStart = Callable[[Callable[[], None]], None]


class Spent(NamedTuple):
    """What one role of one run has asked."""

    price: Price | None
    totals: Mapping[str, Any]
    """As a RoleMeter restores them."""


class Played(NamedTuple):
    """What was played."""

    bench: Bench
    own: dict[str, list[Item]]
    """Each system's dialogues as items: their user's turns are not another's."""
    given: Given
    spent: dict[str, Spent]
    """By run and role, for the report's meter."""
    stopped: str | None = None
    interrupted: bool = False


async def played(settings: EvaluateSettings, judge_usd: float, on_start: OnStart | None) -> Played:
    """Every system's dialogues, as far as an endpoint, a limit or an interrupt let them be played; the same call goes
    on. `judge_usd` was spent on the judge before: `--max-cost` holds for all together."""
    return await _Play(settings, judge_usd, on_start).played()


class _Play:
    """One call."""

    def __init__(self, settings: EvaluateSettings, judge_usd: float, on_start: OnStart | None) -> None:
        assert settings.play is not None
        self._settings, self._play, self._on_start = settings, settings.play, on_start
        self._home = settings.out / NAME
        self._judge_usd = judge_usd
        self._summaries = {file.parent.name: _object(file) for file in sorted(self._home.glob("*/summary.json"))}
        """Of all runs that were begun, by the names of their folders."""
        self._spent: dict[str, Spent] = {}
        self._stopped: str | None = None
        self._interrupted = False

    async def played(self) -> Played:
        openers = await self._openers()
        own: dict[str, list[Item]] = {}
        answers: dict[tuple[str, str, str, int], Answer] = {}
        for name, speaker in self._settings.systems.items():
            own[name] = []
            if openers is None:
                continue
            folder = self._home / folder_of(name)
            await self._run(run_settings(self._settings, folder, speaker, openers), name)
            dialogues = list(read(folder)) if (folder / "dialogues.jsonl").exists() else []
            own[name] = [_item(dialogue) for dialogue in dialogues]
            answers |= {(NAME, dialogue.id, name, 0): _answer(dialogue, name) for dialogue in dialogues}
        items = {item.id: item for found in own.values() for item in found}
        bench = Bench(name=NAME, layout=DIALOGUES, path=str(self._home), digest="", items=tuple(items.values()))
        return Played(bench, own, Given(answers, {}), self._spent, self._stopped, self._interrupted)

    async def _openers(self) -> Path | None:
        """The file of openers: written by a run of one round with the embedded endpoint, which costs nothing else."""
        file, n = self._home / "openers.jsonl", self._play.n
        if file.exists() and sum(1 for _ in objects(file)) >= n:
            self._note("openers", opener_settings(self._settings))
            return file
        await self._run(opener_settings(self._settings), "openers")
        if self._stopped or self._interrupted:
            return None
        lines = [row for _, row in objects(self._home / "openers" / "openers.jsonl")]
        if len(lines) < n:
            raise UsageError(f"--play {n}: only {len(lines)} openers came of it; take a smaller number")
        kept = (
            {"opener": row["opener"], **{k: v for k, v in row["seed"].items() if isinstance(v, str)}} for row in lines
        )
        write_atomically(file, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in kept))
        return file

    async def _run(self, asked: RunSettings, name: str) -> None:
        """One run, under what the others have left of the cap; nothing more after one that was stopped."""
        if self._stopped or self._interrupted:
            self._note(name, asked)
            return
        cap = self._settings.terms.max_cost_usd
        if cap is not None:
            others = (_cost(one) for place, one in self._summaries.items() if place != asked.out.name)
            left = cap - self._judge_usd - sum(others)
            if left <= 0:
                self._stopped = f"--max-cost {cap:g}: spent; run again with a higher one to go on"
                return
            asked = asked.model_copy(update={"max_cost_usd": left})
        summary = await run(asked, on_start=self._on_start)
        self._summaries[asked.out.name] = summary
        self._note(name, asked)
        self._stopped = summary["stopped"] if summary["status"] == 3 else None
        self._interrupted = summary["status"] == 130

    def _note(self, name: str, asked: RunSettings) -> None:
        """What the run has spent so far, for the report's meter."""
        roles = self._summaries.get(asked.out.name, {}).get("meter", {}).get("roles", {})
        for role in ROLES:
            if role in roles and roles[role].get("requests"):
                price = price_of(asked.endpoint(role), asked.prices)
                self._spent[f"play, {name}: {role}"] = Spent(price, roles[role])


def folder_of(system: str) -> str:
    """The name of a system's folder: its own, made safe, and a hash that parts those that are alike then."""
    return f"{safe(system)}-{hex64(system)[:6]}"


def _object(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(file.read_bytes())
    return found


def _cost(summary: Mapping[str, Any]) -> float:
    return float(summary.get("meter", {}).get("cost_usd") or 0.0)


def opener_settings(settings: EvaluateSettings) -> RunSettings:
    """The run that writes the openers: one round, both sides the embedded endpoint."""
    free = Speaker(endpoint=BUILTIN)
    return _settings(settings, settings.out / NAME / "openers", free, None, (1, 1), BUILTIN)


def run_settings(settings: EvaluateSettings, folder: Path, system: Speaker, openers: Path | None) -> RunSettings:
    """The run in which a system plays; without openers it would write its own, as an estimate assumes."""
    assert settings.play is not None
    return _settings(settings, folder, system, openers, settings.play.rounds, settings.play.simulator.endpoint)


def _settings(
    settings: EvaluateSettings,
    out: Path,
    assistant: Speaker,
    openers: Path | None,
    rounds: tuple[int, int] | None,
    user: Endpoint,
) -> RunSettings:
    play, terms = settings.play, settings.terms
    assert isinstance(play, PlaySettings)
    return RunSettings(
        guided=False,
        sector=play.sector,
        n=play.n,
        out=out,
        rounds=rounds,
        seed=play.seed,
        openers=openers,
        prompts=settings.prompts,
        prices=terms.prices,
        concurrency=terms.concurrency,
        max_cost_usd=terms.max_cost_usd,
        retry_wait_s=terms.retry_wait_s,
        endpoints={"opener": play.simulator.endpoint, "user": user, "assistant": assistant.endpoint},
        roles={
            "opener": RoleSettings(endpoint="opener", sampling=OPENER),
            "user": RoleSettings(endpoint="user", sampling=USER),
            "assistant": RoleSettings(endpoint="assistant", sampling=assistant.sampling),
        },
    )


def _item(dialogue: Dialogue) -> Item:
    turns = [message.content for message in dialogue.messages if message.role == "user"]
    answered = sum(message.role == "assistant" for message in dialogue.messages)
    category = dialogue.seed.kind or dialogue.sector
    return Item(benchmark=NAME, id=dialogue.id, turns=tuple(turns[:answered]), category=category)


def _answer(dialogue: Dialogue, system: str) -> Answer:
    said = [message for message in dialogue.messages if message.role == "assistant"]
    turns, finish = tuple(one.content for one in said), tuple(one.finish_reason for one in said)
    return Answer(benchmark=NAME, item=dialogue.id, system=system, turns=turns, finish=finish)
