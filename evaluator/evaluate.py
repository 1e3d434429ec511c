"""An evaluation: answers, then judgments, then statistics, with a file between each two.

Answers are asked and journalled turn by turn, judge calls one by one; a second call of the same evaluation asks only
what is missing. What the figures are made of is then read from both journals, so the report is a function of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evaluator.announcing import announced, answer_tokens, call_tokens, sameness
from evaluator.answering import Answering, Wanted, role, wanted
from evaluator.calls import Call, calls
from evaluator.check import Check
from evaluator.folder import Folder
from evaluator.grading import graded
from evaluator.judging import ROLE, Asked, Judging
from evaluator.preparing import Prepared, Test
from evaluator.protocol import Judge
from evaluator.records import Answer, Item, Judgment
from evaluator.section import Section, section
from evaluator.sections import judged_section
from generator.asking import Asked as Ended
from generator.asking import Pool, Speaker
from generator.client.endpoint import Price
from generator.client.meter import Meter
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
        self._ready, self._folder, self._say, self._show = ready, folder, say, show
        self._settings = ready.settings
        self._speakers: dict[str, Speaker] = {role(name): one for name, one in self._settings.systems.items()}
        if self._settings.judge is not None:
            self._speakers[ROLE] = self._settings.judge
        terms = self._settings.terms
        self.prices: dict[str, Price | None] = {
            name: price_of(speaker.endpoint, terms.prices) for name, speaker in self._speakers.items()
        }
        self._meter = Meter(self.prices, max_cost_usd=terms.max_cost_usd)
        self._answering = Answering(folder.answers, self._settings.systems, self._settings.seed)
        self._judging = (
            Judging(folder.judgments, self._settings.judge, ready.prompts, self._settings.seed)
            if self._settings.judge
            else None
        )
        for name in self._speakers:
            log = folder.judgments if name == ROLE else folder.answers
            self._meter.roles[name].restore(log.spent(name))

    async def run(self, on_start: OnStart | None = None) -> Outcome:
        """Ask what is missing, and make the sections. After an interrupt there are none."""
        ended: Ended | None = None
        open_answers = self._answering.open(self._all_wanted())
        for name, speaker in self._settings.systems.items():
            mine = [one for one in open_answers if one.system == name]
            self._announce(role(name), speaker, *answer_tokens(speaker, mine))
        if open_answers:
            ended = await self._put("answers", open_answers, lambda chats: self._answering.asker(chats), on_start)
        if self._judging is not None and not (ended and (ended.stopped or ended.interrupted)):
            open_calls = [asked for asked in self.asked_calls() if not self._judging.settled(asked)]
            open_calls = list({asked.key: asked for asked in open_calls}.values())
            speaker = self._speakers[ROLE]
            self._announce(ROLE, speaker, *call_tokens(speaker, open_calls, self._judging.sampling))
            if open_calls:
                judging = self._judging
                ended = await self._put("judgments", open_calls, lambda chats: judging.asker(chats), on_start)
        interrupted = ended is not None and ended.interrupted
        stopped = ended.stopped if ended else None
        sections = [] if interrupted else self.sections()
        return Outcome(sections, stopped, interrupted, self._meter.as_dict(), self._judgments(), [], self.open())

    def open(self) -> int:
        """Questions that are not answered yet."""
        left = len(self._answering.open(self._all_wanted()))
        if self._judging is not None:
            left += sum(not self._judging.settled(asked) for asked in self.asked_calls())
        return left

    async def _put(
        self, what: str, jobs: Sequence[Any], asker: Callable[[Mapping[str, Any]], Any], on_start: OnStart | None
    ) -> Ended:
        def tick(done: int, more: str) -> None:
            self._show(what, done, len(jobs), more)

        names = {ROLE} if what == "judgments" else set(self._speakers) - {ROLE}
        speakers = {name: one for name, one in self._speakers.items() if name in names}
        pool: Pool[Any] = Pool(
            speakers, self._settings.terms, self._meter, self._folder.disk, self._say, tick, f"{what}.jsonl"
        )
        return await pool.work(jobs, asker(pool.chats), on_start)

    def _all_wanted(self) -> Iterator[Wanted]:
        for test in self._ready.tests:
            samples = self._settings.samples if isinstance(test.protocol, Check) else 1
            yield from wanted(test.protocol, test.items, self._settings.systems, samples)

    def lookup(self, test: Test, sample: int = 0) -> Callable[[str, Item], Answer | None]:
        """Answers to this test's questions, given ones before asked ones."""

        def found(system: str, item: Item) -> Answer | None:
            given = self._ready.given.answers.get((item.benchmark, item.id, system, sample))
            if given is not None or system not in self._settings.systems:
                return given
            rule = test.protocol
            one = Wanted(system, item, rule.ask(item), rule.answer_sampling(item), sample, rule.asked(item))
            return self._answering.answer(one)

        return found

    def lookup_of(self, asked: Asked) -> Callable[[str, Item], Answer | None]:
        """Answers as the call's own test has them."""
        item = asked.call.item
        test = next(
            one for one in self._ready.judged if one.protocol is asked.call.judge and one.bench.name == item.benchmark
        )
        return self.lookup(test)

    def planned(self, test: Test) -> Iterator[Call]:
        """Every call that the test should make."""
        assert isinstance(test.protocol, Judge)
        yield from calls(
            test.protocol,
            test.items,
            self._ready.systems,
            baseline=self._settings.baseline,
            seed=self._settings.seed,
            repeats=self._settings.repeats,
            samples=self._settings.judge_samples,
        )

    def asked_calls(self, tests: Iterable[Test] | None = None) -> Iterator[Asked]:
        """Those of the calls whose answers are there, in words."""
        if self._judging is None:
            return
        for test in self._ready.judged if tests is None else tests:
            lookup = self.lookup(test)
            for call in self.planned(test):
                asked = self._judging.put_in_words(call, lookup)
                if asked is not None:
                    yield asked

    def _judgments(self) -> list[Judgment]:
        return self._judging.judgments(self.asked_calls()) if self._judging is not None else []

    def sections(self) -> list[Section]:
        """The report's sections, from what stands in the journals."""
        return [
            self._judged(test) if isinstance(test.protocol, Judge) else self._graded(test) for test in self._ready.tests
        ]

    def _graded(self, test: Test) -> Section:
        assert isinstance(test.protocol, Check)
        rule, samples = test.protocol, self._settings.samples
        scorings = []
        for system in self._ready.systems:
            answers = [self.lookup(test, sample) for sample in range(samples)]

            def found(item: Item, sample: int, system: str = system, answers: Any = answers) -> Answer | None:
                answer: Answer | None = answers[sample](system, item)
                return answer

            scorings.append(graded(rule, system, test.items, found, samples))
        leaked = self._ready.contaminated.get(test.bench.name)
        return section(test.bench.name, rule, scorings, judge=None, contaminated=leaked)

    def _judged(self, test: Test) -> Section:
        assert isinstance(test.protocol, Judge)
        assert self._judging is not None
        assert self._settings.judge is not None
        planned = list(self.planned(test))
        lookup = self.lookup(test)
        missing = [call for call in planned if call.view(lookup) is None]

        def asked(system: str, against: str | None) -> tuple[int, int]:
            def own(call: Call) -> bool:
                return system in call.shown and (against is None or against in call.shown)

            return sum(map(own, planned)), sum(map(own, missing))

        return judged_section(
            test.protocol,
            test.bench.name,
            self._judging.judgments(self.asked_calls([test])),
            systems=self._ready.systems,
            baseline=self._settings.baseline if test.protocol.shape == "pair" else None,
            by=self._settings.judge.endpoint.model or self._settings.judge.endpoint.name,
            asked=asked,
            contaminated=self._ready.contaminated.get(test.bench.name),
            lengths=self._ready.lengths,
            notes=sameness(self._ready.systems, test.items, lookup),
        )

    def _announce(self, name: str, speaker: Speaker, requests: int, prompt: int, completion: int) -> None:
        self._say(announced(name, speaker, self.prices[name], self._settings.terms, requests, prompt, completion))
