"""Everything that an evaluation needs, made from its settings and checked before the first request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson

from dialogue.errors import UsageError
from evaluator import answer_files, check, measure, measuring
from evaluator.answer_files import Given
from evaluator.answering import who
from evaluator.beside import contaminated, lengths
from evaluator.check import Check, checks
from evaluator.items import Bench, benches
from evaluator.measure import Measure, measures
from evaluator.playing import Played
from evaluator.protocol import Judge, judge, judges
from evaluator.records import Item
from evaluator.score import Protocol
from evaluator.sections import Lengths
from evaluator.settings import EvaluateSettings
from evaluator.stored import OWN
from generator.own import file_hash
from prompts.loader import Prompts
from prompts.sector import load

PLAY_PROTOCOLS = ("mt_bench", "coherence")
"""Of played dialogues: each turn, and the whole."""


@dataclass(frozen=True)
class Test:
    """One protocol on one benchmark."""

    bench: Bench
    protocol: Protocol
    items: Sequence[Item]
    place: int
    """Its number."""
    own: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    """Items of each system, where they differ, as in dialogues that were played."""


@dataclass(frozen=True)
class Prepared:
    """What is asked, of whom, and what is known already."""

    settings: EvaluateSettings
    tests: Sequence[Test]
    systems: Sequence[str]
    given: Given
    prompts: Prompts
    lengths: Lengths
    contaminated: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Clusters of leaked items, by benchmark; a benchmark that no report knows of is not in it."""
    played: Played | None = None
    """The dialogues that were played, where that was asked."""

    @property
    def judged(self) -> list[Test]:
        """The tests that ask a judge."""
        return [test for test in self.tests if isinstance(test.protocol, Judge)]


def protocol(name: str) -> Protocol:
    """The judge protocol or check of this name. Raises UsageError that names the near ones."""
    plain = name.replace("-", "_")
    if plain in judges():
        return judge(plain)
    if plain in checks():
        return check.check(plain)
    if plain in measures():
        return measure.measure(plain)
    known = [*judges(), *checks(), *measures()]
    near = get_close_matches(plain, known, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    raise UsageError(f"--protocol {name}: no such protocol; {hint}")


def prepared(settings: EvaluateSettings) -> Prepared:
    """The evaluation laid out. Raises UsageError for whatever cannot be done."""
    found = benches(settings.benchmarks, settings.references) if settings.benchmarks else []
    tests: list[Test] = []
    for bench in found:
        items = bench.items[: settings.limit] if settings.limit else bench.items
        for name in settings.protocols or (bench.manner.protocol,):
            rule = protocol(name)
            asked: Sequence[Item] = items
            if isinstance(rule, Check):
                asked = check.fitting(rule, items, bench.path)
            elif isinstance(rule, Measure):
                measuring.check(rule, settings.systems)
                asked = measure.fitting(rule, items, bench.path)
            tests.append(Test(bench, rule, asked, len(tests)))
    rows = [row for file in settings.answers for row in answer_files.read(file.path, file.name)]
    given = answer_files.matched(rows, [item for bench in found for item in bench.items])
    systems = list(dict.fromkeys([*settings.systems, *given.systems]))
    _check_systems(settings, tests, systems, given)
    prompts = Prompts(settings.prompts)
    if settings.play is not None:
        played_protocols(settings)
        _check_playable(prompts, settings.play.sector)
    for test in tests:
        if isinstance(test.protocol, Judge):
            prompts.read(test.protocol.template)
    return Prepared(
        settings, tests, systems, given, prompts, lengths(settings), contaminated(settings.contamination, found)
    )


def played_protocols(settings: EvaluateSettings) -> list[Judge]:
    """By which protocols played dialogues are judged. Raises UsageError for one that takes more than one of them."""
    found = []
    for name in settings.protocols or PLAY_PROTOCOLS:
        rule = protocol(name)
        if not isinstance(rule, Judge) or rule.shape != "single":
            raise UsageError(f"--protocol {name}: dialogues that are played are judged one by one; take mt_bench")
        found.append(rule)
    return found


def _check_playable(prompts: Prompts, name: str) -> None:
    """Raise UsageError for a sector whose dialogues are made of the user's own files, which --play brings none of."""
    sector = load(prompts, name)
    if sector.takes or sector.page or (sector.input and sector.input.material):
        raise UsageError(
            f"--sector {name}: works on files of yours, and --play brings none; make dialogues of it with gen run "
            "and evaluate on their folder (--benchmark RUN --protocol dialogue), or play another sector"
        )


def with_played(ready: Prepared, found: Played) -> Prepared:
    """The evaluation of dialogues that were played."""
    tests: list[Test] = []
    for rule in played_protocols(ready.settings):
        ready.prompts.read(rule.template)
        tests.append(Test(found.bench, rule, found.bench.items, len(tests), found.own))
    return replace(ready, tests=tests, given=found.given, played=found)


def _check_systems(settings: EvaluateSettings, tests: Sequence[Test], systems: Sequence[str], given: Given) -> None:
    if settings.answers and not given.answers:
        raise UsageError(
            f"--answers {settings.answers[0].path}: none of its answers belongs to an item of "
            f"{', '.join(dict.fromkeys(test.bench.path for test in tests))}"
        )
    if settings.judgments:
        return  # nobody is asked, and the files say which systems there are
    if settings.baseline is not None and settings.baseline not in systems:
        raise UsageError(f"--baseline {settings.baseline}: no such system; there are: {', '.join(systems)}")
    if settings.repeats > 1 and settings.play is None and not any(isinstance(test.protocol, Judge) for test in tests):
        raise UsageError(f"--repeats {settings.repeats}: nothing is judged; a check gives the same each time")
    for test in tests:
        rule = test.protocol
        if not isinstance(rule, Judge):
            continue
        if settings.judge is None:
            raise UsageError(f"--judge is missing: {rule.name} asks one; name an endpoint (or --protocol with a check)")
        if rule.shape == "pair" and len(systems) < 2:
            raise UsageError(f"{rule.name} compares systems: name a second one with --baseline, --model or --answers")
        if rule.baseline_wanted and settings.baseline is None:
            raise UsageError(f"--baseline is missing: {rule.name} compares all systems with one ({', '.join(systems)})")


def request(ready: Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
    """What makes this evaluation this one, and facts beside it.

    Systems may be added to a folder, and benchmarks; what may not change is how they are asked and judged.
    """
    settings = ready.settings
    asked: dict[str, Any] = {
        "protocols": list(settings.protocols) or None,
        "seed": settings.seed,
        "baseline": settings.baseline,
        "judge": None,
        "play": settings.play.model_dump(mode="json", exclude={"n"}) if settings.play else None,
        "stored": [file_hash(_file(path), "--from-judgments") for path in settings.judgments] or None,
    }
    if settings.judge is not None:
        asked["judge"] = {
            "model": who(settings.judge),
            **settings.judge.sampling.model_dump(exclude_none=True),
            "extra_body": settings.judge.endpoint.extra_body,
        }
    facts = {
        "benchmarks": {test.bench.name: {"path": test.bench.path, "digest": test.bench.digest} for test in ready.tests},
        "systems": {name: one.endpoint.model_dump(mode="json") for name, one in settings.systems.items()},
        "answers": [str(file.path) for file in settings.answers],
        "judge": settings.judge.endpoint.model_dump(mode="json") if settings.judge else None,
        "prompts": dict(ready.prompts.used),
        "versions": _versions(),
    }
    return orjson.loads(orjson.dumps(asked)), orjson.loads(orjson.dumps(facts))


def _file(path: Path) -> Path:
    return path / OWN if path.is_dir() else path


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in ("duologue", "scipy", "statsmodels", "scikit-learn", "evalica"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
