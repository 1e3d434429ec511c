"""`gen contamination`: which benchmark items stand in a corpus, what a judge says of the doubtful ones, and how much
such a scan would have missed.

The scan finds certain hits and candidates (`gen.leak_scan`, by the rules of `filters/leaks`). A judge, where there is
one, is asked about the candidates that are most alike, and a rephraser for items in other words (`gen.judging`). The
self-test plants leaks into dialogues of this very corpus and counts what the rules find. Then the report is written.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import orjson

from dialogue.conversion.remarks import NOTHING, remarks_on
from dialogue.conversion.rows import files
from filters.leaks.benchmark import load_all
from filters.leaks.embedding import Nearest
from filters.leaks.encoder import LocalEncoder
from filters.leaks.index import Index
from filters.leaks.rules import TIERS
from gen.contamination_config import ContaminationSettings
from gen.judging.asking import ask
from gen.judging.kinds import Kind, RoleName, judge, rephraser
from gen.leak_corpus import Corpus
from gen.leak_folder import Folder, digests, versions
from gen.leak_questions import Questions, announced, troubled
from gen.leak_report import Report
from gen.leak_scan import Task, Wanted, index_of, readable, tasks
from gen.progress import Progress, say_inputs
from generator.asking import Asked
from generator.client.endpoint import Price
from generator.client.meter import Meter
from generator.client.prices import price_of
from prompts.loader import Prompts


def contamination(settings: ContaminationSettings, progress: Progress) -> dict[str, Any]:
    """Make the report; returns it, with `status`, the command's exit status, and `out`.

    Raises UsageError before the first request, and before anything is written, where settings or inputs are at fault.
    An endpoint or a limit that stops the judge is in the report (`judge.stopped`), and the same call goes on. After an
    interrupt of the judge there is no report, and all its answers are saved.
    """
    return _Work(settings, progress).run()


class _Work:
    """One call."""

    def __init__(self, settings: ContaminationSettings, progress: Progress) -> None:
        self._settings, self._progress = settings, progress
        loaded = load_all(settings.benchmarks)
        digests_of = tuple(one.digest for one in loaded)
        self._wanted = Wanted(settings.benchmarks, digests_of, settings.certain, settings.candidate)
        self._index: Index = index_of(self._wanted)
        self._items = {(item.benchmark, item.id): item for one in loaded for item in one.items}
        self._prompts = Prompts(settings.prompts)
        make = {"judge": judge, "rephrase": rephraser}
        self._kinds: dict[RoleName, Kind] = {role: make[role](self._prompts) for role in settings.speakers}
        self._prices: dict[str, Price | None] = {
            role: price_of(speaker.endpoint, settings.terms.prices) for role, speaker in settings.speakers.items()
        }
        self._meter = Meter(self._prices, max_cost_usd=settings.terms.max_cost_usd)
        self._encoder = LocalEncoder(settings.encoder) if settings.encoder else None
        self._files = [file for path in settings.inputs for file in files(path)]

    def run(self) -> dict[str, Any]:
        settings = self._settings
        with Folder(settings.out, self._request, self._facts()) as folder:
            corpus = Corpus(folder.new("spool"), settings.per_item)
            todo = tasks(
                settings.inputs, settings.format, self._wanted, settings.seed, settings.plants, folder.new("lines"),
                settings.block_bytes,
            )  # fmt: skip
            todo = self._with_near(todo)
            corpus.scan(todo, settings.workers, folder.new("refused.jsonl"), self._progress.show)
            self._tell(corpus)
            answers = folder.answers(self._kinds.values(), self._progress.say)
            questions = Questions(self._prompts, self._kinds, settings.speakers, answers)
            questions.judge(corpus, self._items)
            questions.rephrase(self._index.benchmarks, settings.plants, settings.seed)
            asked = self._ask(questions, folder)
            if asked is not None and asked.interrupted:
                return self._interrupted(questions)
            self._progress.show("self-test", 0, 1)
            report = Report(settings, self._index, corpus, questions, asked).write(folder, self._request)
            return {**report, "status": self._status(report), "out": str(settings.out)}

    def _with_near(self, todo: list[Task]) -> list[Task]:
        """The tasks with what the encoder has found in the whole corpus, where there is one."""
        if self._encoder is None:
            return todo
        near = Nearest(self._index.benchmarks, self._encoder)
        total = sum(task.block.end - task.block.start for task in todo)
        done = 0
        for task in todo:
            self._progress.show("encoding", done, total)
            near.add(readable(task))
            done += task.block.end - task.block.start
        found = near.found()
        return [task._replace(near=found) for task in todo]

    def _status(self, report: Mapping[str, Any]) -> int:
        told = [report[role] for role in self._settings.speakers]
        if any(one["stopped"] for one in told):
            return 3
        return 1 if report["refused"] or any(troubled(one) for one in told) else 0

    def _tell(self, corpus: Corpus) -> None:
        say_inputs(self._progress, self._settings.inputs)
        for file in corpus.inputs.values():
            if file.torn:
                self._progress.say(f"{file.path}: its last line was cut off and left out")
        if corpus.read == 0 and not remarks_on(self._settings.inputs):
            self._progress.say(f"{', '.join(map(str, self._settings.inputs))}: {NOTHING}")
        if corpus.best.count and "judge" not in self._settings.speakers:
            most = self._settings.per_item
            what = "1 candidate waits" if corpus.best.count == 1 else f"{corpus.best.count:,} candidates wait"
            self._progress.say(f"{what} for a --judge ENDPOINT, at most {most} an item")

    @cached_property
    def _request(self) -> dict[str, Any]:
        """What makes this report this one: whatever else is asked for in the same folder is refused."""
        settings = self._settings
        asked: dict[str, Any] = {
            "inputs": digests(self._files),
            "format": settings.format,
            "benchmarks": {one.name: one.digest for one in self._index.benchmarks},
            "rules": {tier: [rule.name for rule in self._index.rules if rule.tier == tier] for tier in TIERS},
            "encoder": settings.encoder,
            "plants": settings.plants,
            "seed": settings.seed,
        }
        for role, speaker in settings.speakers.items():
            asked[role] = {
                "model": speaker.endpoint.model,
                **speaker.sampling.model_dump(exclude_none=True),
                "extra_body": speaker.endpoint.extra_body,
                "prompt": self._kinds[role].hash,
            }
        plain: dict[str, Any] = orjson.loads(orjson.dumps(asked))
        return plain

    def _facts(self) -> dict[str, Any]:
        settings = self._settings
        facts = {
            "inputs": [str(path) for path in self._files],
            "benchmarks": {one.name: one.path for one in self._index.benchmarks},
            "per_item": settings.per_item,
            "endpoints": {
                role: speaker.endpoint.model_dump(mode="json") for role, speaker in settings.speakers.items()
            },
            "versions": versions(),
        }
        plain: dict[str, Any] = orjson.loads(orjson.dumps(facts))
        return plain

    def _ask(self, questions: Questions, folder: Folder) -> Asked | None:
        """Put what was not answered before; None where nobody is to be asked."""
        if not questions.speakers:
            return None
        for role, answers in questions.answers.items():
            self._meter.roles[role].restore(answers.spent)
        open = questions.open
        for line in announced(questions, open, self._prices, self._settings.terms.max_cost_usd):
            self._progress.say(line)
        if not open:
            return Asked(None, False, self._meter.as_dict())
        return ask(
            open, questions.speakers, questions.answers, self._settings.terms, self._meter, folder.disk, self._progress
        )

    def _interrupted(self, questions: Questions) -> dict[str, Any]:
        left = len(questions.open)
        return {"status": 130, "out": str(self._settings.out), "answered": len(questions.all) - left, "open": left}


def settled(settings: ContaminationSettings) -> dict[str, Any]:
    """The report, with progress on stderr."""
    with Progress("bytes") as progress:
        return contamination(settings, progress)
