"""Which answers and which judge calls an evaluation needs, and where the answers to them are found."""

from collections.abc import Callable, Iterator, Sequence

from evaluator.answering import Answering, Wanted, wanted
from evaluator.calls import Call, calls
from evaluator.check import Check
from evaluator.judging import Asked, Judging
from evaluator.measure import Measure
from evaluator.preparing import Prepared, Test
from evaluator.protocol import Judge
from evaluator.records import Answer, Item, Judgment


class Questions:
    """All questions of one evaluation."""

    def __init__(self, ready: Prepared, answering: Answering, judging: Judging | None) -> None:
        self.ready, self.answering, self.judging = ready, answering, judging
        self._words: dict[int, list[Asked]] = {}

    def wanted(self) -> Iterator[Wanted]:
        """Every answer that some test needs of a system that can be asked."""
        settings = self.ready.settings
        for test in self.ready.tests:
            if isinstance(test.protocol, Measure) or test.own:
                continue  # it asks the model's probabilities, not for answers
            samples = settings.samples if isinstance(test.protocol, Check) else 1
            yield from wanted(test.protocol, test.items, settings.systems, samples)

    def lookup(self, test: Test, sample: int = 0) -> Callable[[str, Item], Answer | None]:
        """Answers to this test's questions, given ones before asked ones."""

        def found(system: str, item: Item) -> Answer | None:
            given = self.ready.given.answers.get((item.benchmark, item.id, system, sample))
            if given is not None or test.own or system not in self.ready.settings.systems:
                return given
            rule = test.protocol
            one = Wanted(system, item, rule.ask(item), rule.answer_sampling(item), sample, rule.asked(item))
            return self.answering.answer(one)

        return found

    def lookup_of(self, asked: Asked) -> Callable[[str, Item], Answer | None]:
        """Answers as the call's own test has them."""
        name = asked.call.item.benchmark
        test = next(one for one in self.ready.judged if one.protocol is asked.call.judge and one.bench.name == name)
        return self.lookup(test)

    def planned(self, test: Test) -> Iterator[Call]:
        """Every call that the test should make."""
        assert isinstance(test.protocol, Judge)
        settings = self.ready.settings
        whole: list[tuple[Sequence[Item], Sequence[str]]] = [(test.items, self.ready.systems)]
        groups = [(items, [system]) for system, items in test.own.items()] or whole
        for items, systems in groups:
            yield from calls(
                test.protocol,
                items,
                systems,
                baseline=settings.baseline,
                seed=settings.seed,
                repeats=settings.repeats,
                samples=settings.judge_samples,
            )

    def calls(self, test: Test) -> Sequence[Asked]:
        """Those of the test's calls whose answers are there, in words. Kept: by now no answer changes any more."""
        if self.judging is None:
            return ()
        if test.place not in self._words:
            lookup = self.lookup(test)
            said = (self.judging.put_in_words(call, lookup) for call in self.planned(test))
            self._words[test.place] = [asked for asked in said if asked is not None]
        return self._words[test.place]

    def all_calls(self) -> Iterator[Asked]:
        """The calls of all tests."""
        for test in self.ready.judged:
            yield from self.calls(test)

    def open_answers(self) -> list[Wanted]:
        """Answers that are still to be asked."""
        given = self.ready.given.answers
        return [
            one
            for one in self.answering.open(self.wanted())
            if (one.item.benchmark, one.item.id, one.system, one.sample) not in given
        ]

    def open_calls(self) -> list[Asked]:
        """Calls that are still to be made, equal ones once."""
        if self.judging is None:
            return []
        settled = self.judging.settled
        return list({asked.key: asked for asked in self.all_calls() if not settled(asked)}.values())

    def judgments(self) -> list[Judgment]:
        """What the judge has said so far."""
        return self.judging.judgments(self.all_calls()) if self.judging is not None else []
