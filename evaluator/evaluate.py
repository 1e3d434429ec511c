"""An evaluation: answers, then judgments, then statistics, with a file between each two.

Answers are asked and journalled turn by turn, judge calls one by one; a second call of the same evaluation asks only
what is missing. What the figures are made of is then read from both journals, so the report is a function of them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from evaluator.announcing import announced, answer_tokens, call_tokens
from evaluator.answering import Answering, role
from evaluator.folder import Folder
from evaluator.judging import ROLE, Judging
from evaluator.likelihood import LocalScorer
from evaluator.making import sections
from evaluator.measure import Measure
from evaluator.measuring import measured
from evaluator.preparing import Prepared
from evaluator.questions import Questions
from evaluator.records import Judgment
from evaluator.section import Section
from evaluator.settings import EvaluateSettings
from generator.asking import Asked as Ended
from generator.asking import Pool, Speaker
from generator.client.endpoint import Price
from generator.client.meter import Meter, RoleMeter
from generator.client.prices import price_of

Say = Callable[[str], None]
Show = Callable[[str, int, int, str], None]
"""Stage, done, of how many, and what holds it back."""
OnStart = Callable[[Callable[[], None]], None]


class Outcome(NamedTuple):
    """What an evaluation came to."""

    sections: list[Section]
    stopped: str | None
    interrupted: bool
    meter: dict[str, Any]
    judgments: list[Judgment]
    stored: list[str]
    """Of stored judgments: how many verdicts, read anew, are the stored ones."""
    open: int
    """Questions that are not put yet."""


class Evaluation:
    """One call."""

    def __init__(self, ready: Prepared, folder: Folder, say: Say, show: Show) -> None:
        settings = self._settings = ready.settings
        self._folder, self._say, self._show = folder, say, show
        self._speakers: dict[str, Speaker] = {role(name): one for name, one in settings.systems.items()}
        if settings.judge is not None:
            self._speakers[ROLE] = settings.judge
        self._prices: dict[str, Price | None] = {
            name: price_of(speaker.endpoint, settings.terms.prices) for name, speaker in self._speakers.items()
        }
        spent = ready.played.spent if ready.played else {}
        prices = {**self._prices, **{name: one.price for name, one in spent.items()}}
        self._meter = Meter(prices, max_cost_usd=settings.terms.max_cost_usd)
        for name, one in spent.items():
            self._meter.roles[name].restore(one.totals)
        judging = Judging(folder.judgments, settings.judge, ready.prompts, settings.seed) if settings.judge else None
        self.questions = Questions(ready, Answering(folder.answers, settings.systems, settings.seed), judging)
        for name in self._speakers:
            log = folder.judgments if name == ROLE else folder.answers
            self._meter.roles[name].restore(log.spent(name))

    async def run(self, on_start: OnStart | None = None) -> Outcome:
        """Ask what is missing, and make the sections. After an interrupt there are none."""
        ended = await self._ask(on_start)
        interrupted = ended is not None and ended.interrupted
        questions = self.questions
        open_ones = len(questions.open_answers()) + len(questions.open_calls())
        made = [] if interrupted else sections(questions, self._folder.measures)
        stopped = ended.stopped if ended else None
        return Outcome(made, stopped, interrupted, self._meter.as_dict(), questions.judgments(), [], open_ones)

    async def _ask(self, on_start: OnStart | None) -> Ended | None:
        """Whatever is open, until something ends it; None where nothing had to be asked."""
        play = self.questions.ready.played
        if play is not None and (play.stopped or play.interrupted):
            return Ended(play.stopped, play.interrupted, self._meter.as_dict())
        await asyncio.to_thread(self._measure)
        ended = await self._ask_answers(on_start)
        if ended is None or not (ended.stopped or ended.interrupted):
            ended = await self._ask_judge(on_start) or ended
        return ended

    def _measure(self) -> None:
        """Take the measures that are not taken yet, model by model."""
        for test in self.questions.ready.tests:
            if isinstance(test.protocol, Measure):
                for name, speaker in self._settings.systems.items():
                    show = partial(self._shown, f"{test.protocol.name} of {name}")
                    measured(test.protocol, name, speaker, test.items, self._folder.measures, LocalScorer, show)

    def _shown(self, stage: str, done: int, total: int) -> None:
        self._show(stage, done, total, "")

    async def _ask_answers(self, on_start: OnStart | None) -> Ended | None:
        open_ones = self.questions.open_answers()
        for name, speaker in self._settings.systems.items():
            mine = [one for one in open_ones if one.system == name]
            self._announce(role(name), speaker, *answer_tokens(speaker, mine))
        if not open_ones:
            return None
        names = set(self._speakers) - {ROLE}
        return await self._put("answers", names, open_ones, self.questions.answering.asker, on_start)

    async def _ask_judge(self, on_start: OnStart | None) -> Ended | None:
        judging = self.questions.judging
        if judging is None:
            return None
        open_ones = self.questions.open_calls()
        speaker = self._speakers[ROLE]
        self._announce(ROLE, speaker, *call_tokens(speaker, open_ones, judging.sampling))
        return await self._put("judgments", {ROLE}, open_ones, judging.asker, on_start) if open_ones else None

    async def _put(
        self,
        what: str,
        names: set[str],
        jobs: Sequence[Any],
        asker: Callable[[Mapping[str, Any]], Any],
        on_start: OnStart | None,
    ) -> Ended:
        def tick(done: int, more: str) -> None:
            self._show(what, done, len(jobs), more)

        speakers = {name: one for name, one in self._speakers.items() if name in names}
        terms, disk = self._settings.terms, self._folder.disk
        pool: Pool[Any] = Pool(speakers, terms, self._meter, disk, self._say, tick, f"{what}.jsonl")
        return await pool.work(jobs, asker(pool.chats), on_start)

    def _announce(self, name: str, speaker: Speaker, requests: int, prompt: int, completion: int) -> None:
        if requests:  # what is measured of a model on this machine asks none
            self._say(announced(name, speaker, self._prices[name], self._settings.terms, requests, prompt, completion))


def spent_on_judge(settings: EvaluateSettings, folder: Folder) -> float:
    """US dollars that the judge has cost in earlier calls; 0 where its price is not known."""
    if settings.judge is None:
        return 0.0
    meter = RoleMeter(price_of(settings.judge.endpoint, settings.terms.prices))
    meter.restore(folder.judgments.spent(ROLE))
    return meter.reported_usd
