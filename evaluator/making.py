"""The sections of an evaluation's report, from what stands in its two journals."""

from evaluator.announcing import sameness
from evaluator.calls import Call
from evaluator.check import Check
from evaluator.grading import graded
from evaluator.measure import Measure
from evaluator.measuring import scoring
from evaluator.preparing import Test
from evaluator.protocol import Judge
from evaluator.questions import Questions
from evaluator.records import Answer, Item
from evaluator.section import Section, section
from evaluator.sections import judged_section
from evaluator.settings import by
from generator.folder.replylog import ReplyLog


def sections(questions: Questions, measures: ReplyLog) -> list[Section]:
    """One for each protocol on each benchmark."""
    found = []
    for test in questions.ready.tests:
        match test.protocol:
            case Judge():
                found.append(_judged(questions, test, test.protocol))
            case Measure():
                found.append(_measured(questions, test, test.protocol, measures))
            case _:
                found.append(_graded(questions, test))
    return found


def _measured(questions: Questions, test: Test, measure: Measure, log: ReplyLog) -> Section:
    ready = questions.ready
    systems = ready.settings.systems
    scorings = [scoring(measure, name, speaker, test.items, log) for name, speaker in systems.items()]
    leaked = ready.contaminated.get(test.bench.name)
    return section(test.bench.name, measure, scorings, judge=None, contaminated=leaked)


def _graded(questions: Questions, test: Test) -> Section:
    assert isinstance(test.protocol, Check)
    ready, samples = questions.ready, questions.ready.settings.samples
    lookups = [questions.lookup(test, sample) for sample in range(samples)]
    scorings = []
    for system in ready.systems:

        def found(item: Item, sample: int, system: str = system) -> Answer | None:
            return lookups[sample](system, item)

        scorings.append(graded(test.protocol, system, test.items, found, samples))
    leaked = ready.contaminated.get(test.bench.name)
    return section(test.bench.name, test.protocol, scorings, judge=None, contaminated=leaked)


def _judged(questions: Questions, test: Test, judge: Judge) -> Section:
    ready, judging = questions.ready, questions.judging
    assert judging is not None
    planned = list(questions.planned(test))
    lookup = questions.lookup(test)
    missing = [call for call in planned if call.view(lookup) is None]

    def asked(system: str, against: str | None) -> tuple[int, int]:
        def own(call: Call) -> bool:
            return system in call.shown and (against is None or against in call.shown)

        lost = _lost(questions, test, system)
        return sum(map(own, planned)) + lost, sum(map(own, missing)) + lost

    return judged_section(
        judge,
        test.bench.name,
        judging.judgments(questions.calls(test)),
        systems=ready.systems,
        baseline=ready.settings.baseline if judge.shape == "pair" else None,
        by=by(ready.settings),
        asked=asked,
        contaminated=ready.contaminated.get(test.bench.name),
        lengths=ready.lengths,
        notes=sameness(ready.systems, test.items, lookup),
    )


def _lost(questions: Questions, test: Test, system: str) -> int:
    """Dialogues that should have been played and were not: each is a call, at least, that has nothing to show."""
    play = questions.ready.settings.play
    return max(0, play.n - len(test.own[system])) if play is not None and system in test.own else 0
