"""New dialogues between the user simulator and each system, on openers that no training has seen.

Openers are written once, by the simulator's endpoint, with a seed of their own; then every system plays the same
openers with the same personas, goals and plans, by the same engine as `gen run`. What each says differs, and so do the
user's later turns: each dialogue is judged as it was held.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.errors import RunStopped, UsageError
from dialogue.formats.reading import read
from dialogue.jsonl import objects, write_atomically
from dialogue.records import Dialogue
from evaluator.answer_files import Given
from evaluator.items import DIALOGUES, Bench
from evaluator.records import Answer, Item
from evaluator.settings import EvaluateSettings, PlaySettings
from generator.client.chat import Sampling
from generator.client.endpoint import Endpoint, resolve
from generator.run import run
from generator.settings import RoleSettings, RunSettings

NAME = "play"
USER = Sampling(temperature=1.0, top_p=0.95)
OPENER = Sampling(temperature=1.0)


class Played(NamedTuple):
    """What was played."""

    bench: Bench
    own: dict[str, list[Item]]
    """Each system's dialogues as items: their user's turns are not another's."""
    given: Given


async def played(settings: EvaluateSettings, on_start: Callable[[Callable[[], None]], None] | None) -> Played:
    """Every system's dialogues. Raises RunStopped where an endpoint or a limit ends it; the same call goes on."""
    play = settings.play
    assert play is not None
    home = settings.out / NAME
    openers = await _openers(settings, play, home, on_start)
    own: dict[str, list[Item]] = {}
    answers: dict[tuple[str, str, str, int], Answer] = {}
    for number, (name, speaker) in enumerate(settings.systems.items()):
        folder = home / f"{number}-{_safe(name)}"
        asked = _settings(settings, play, folder, speaker.endpoint, speaker.sampling, openers)
        await _run(asked, on_start)
        dialogues = list(read(folder))
        own[name] = [_item(dialogue) for dialogue in dialogues]
        for dialogue in dialogues:
            answers[NAME, dialogue.id, name, 0] = _answer(dialogue, name)
    items = {item.id: item for found in own.values() for item in found}
    bench = Bench(name=NAME, layout=DIALOGUES, path=str(home), digest="", items=tuple(items.values()))
    return Played(bench, own, Given(answers, {}))


async def _run(asked: RunSettings, on_start: Any) -> None:
    summary = await run(asked, on_start=on_start)
    if summary["status"] not in (0, 1):
        raise RunStopped(f"{asked.out}: {summary.get('stopped') or 'interrupted'}; the same command goes on")


async def _openers(settings: EvaluateSettings, play: PlaySettings, home: Path, on_start: Any) -> Path:
    """The file of openers: written by a run of one round with the embedded endpoint, which costs nothing."""
    file = home / "openers.jsonl"
    if file.exists() and sum(1 for _ in objects(file)) >= play.n:
        return file
    folder = home / "openers"
    free = resolve("builtin", None, {})
    one_round = play.model_copy(update={"rounds": (1, 1)})
    await _run(_settings(settings, one_round, folder, free, Sampling(), None, user=free), on_start)
    lines = [row for _, row in objects(folder / "openers.jsonl")]
    if len(lines) < play.n:
        raise UsageError(f"--play {play.n}: only {len(lines)} openers came of it; take a smaller number")
    kept = ({"opener": row["opener"], **{k: v for k, v in row["seed"].items() if isinstance(v, str)}} for row in lines)
    write_atomically(file, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in kept))
    return file


def _settings(
    settings: EvaluateSettings, play: PlaySettings, out: Path, assistant: Endpoint, sampling: Sampling,
    openers: Path | None, user: Endpoint | None = None,
) -> RunSettings:  # fmt: skip
    simulator = play.simulator.endpoint
    terms = settings.terms
    return RunSettings(
        sector=play.sector,
        n=play.n,
        out=out,
        rounds=play.rounds,
        seed=play.seed,
        openers=openers,
        prompts=settings.prompts,
        prices=terms.prices,
        concurrency=terms.concurrency,
        max_cost_usd=terms.max_cost_usd,
        retry_wait_s=terms.retry_wait_s,
        endpoints={"opener": simulator, "user": user or simulator, "assistant": assistant},
        roles={
            "opener": RoleSettings(endpoint="opener", sampling=OPENER),
            "user": RoleSettings(endpoint="user", sampling=USER),
            "assistant": RoleSettings(endpoint="assistant", sampling=sampling),
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


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:60]


def lost(played_: Played, n: int) -> Sequence[str]:
    """Systems that have fewer dialogues than were asked for, as lines for a person."""
    return [f"{name}: {len(items):,} of {n:,} dialogues" for name, items in played_.own.items() if len(items) < n]
