"""`evaluated`: an evaluation from its settings to its folder."""

from collections.abc import Sequence
from typing import Any

from dialogue.errors import UsageError
from evaluator import answer_files, comparing, people
from evaluator.evaluate import Evaluation, OnStart, Outcome, Say, Show, spent_on_judge
from evaluator.folder import Folder, safe
from evaluator.pages.items import Texts
from evaluator.pages.page import page
from evaluator.playing import played
from evaluator.preparing import Prepared, prepared, request, with_played
from evaluator.protocol import Judge
from evaluator.records import Answer
from evaluator.report import report
from evaluator.rereading import from_judgments
from evaluator.settings import EvaluateSettings, by

SHEET = "people.csv"


async def evaluated(
    settings: EvaluateSettings, say: Say, show: Show, on_start: OnStart | None = None
) -> dict[str, Any]:
    """The report, with `status`, the command's exit status, and `out`.

    Raises UsageError before the first request, and before anything is written, where settings or inputs are at fault.
    An endpoint or a limit that ends the asking is in the report (`stopped`), and the same call goes on. After an
    interrupt there is no new report, and all replies are saved.
    """
    ready = prepared(settings)
    if not settings.judgments:
        comparing.check(settings.compare, _expected(ready))
    if settings.people is not None:
        people.read(settings.people)
    for system, n in ready.given.unmatched.items():
        say(f"{system}: {n:,} answers belong to no item of the benchmarks, and are left out")
    asked, facts = request(ready)
    with Folder(settings.out, asked, facts, say) as folder:
        if settings.play is not None:
            ready = with_played(ready, await played(settings, spent_on_judge(settings, folder), on_start))
        if settings.judgments:
            return _finish(ready, from_judgments(ready), folder, None, asked, facts, say)
        evaluation = Evaluation(ready, folder, say, show)
        outcome = await evaluation.run(on_start)
        if outcome.interrupted:
            return {"status": 130, "out": str(settings.out), "open": outcome.open}
        return _finish(ready, outcome, folder, evaluation, asked, facts, say)


def _finish(
    ready: Prepared,
    outcome: Outcome,
    folder: Folder,
    evaluation: Evaluation | None,
    asked: dict[str, Any],
    facts: dict[str, Any],
    say: Say,
) -> dict[str, Any]:
    settings = ready.settings
    own = list(comparing.lines(outcome.sections, ready.prompts.used))
    whole = not outcome.stopped  # what was stopped is not compared: its reason would be hidden by another complaint
    across = comparing.across(own, settings.compare) if settings.compare and whole else []
    for one in across:
        for name, n in one.left_out.items():
            if n:
                say(f"{one.benchmark} by {one.protocol}: {n:,} questions of {name} are left out: not all have them")
    beside = people.beside(settings.people, outcome.judgments) if settings.people and whole else []
    if settings.people and whole and not beside:
        say(f"--people {settings.people}: none of its verdicts is on a call of this evaluation")
    for folder_ in settings.compare if whole and not across else ():
        say(f"--compare {folder_}: no question in common that has a score here")
    made = report(ready, outcome, asked, facts, across, beside)
    folder.write(comparing.FILE, own)
    if evaluation is not None:
        _write_answers(ready, evaluation, folder)
        if ready.judged:
            _write_sheet(evaluation, folder, say)
    folder.report(made, page(made, outcome.judgments, _texts(ready, evaluation)))
    return {**made, "status": _status(outcome), "out": str(settings.out)}


def _expected(ready: Prepared) -> dict[comparing.Place, comparing.Expected]:
    """What the scores of this evaluation will be like, for those that it is to be compared with."""
    settings, found = ready.settings, {}
    for test in ready.tests:
        rule = test.protocol
        judged = isinstance(rule, Judge)
        found[test.bench.name, rule.name] = comparing.Expected(
            judge=by(settings) if judged else None,
            prompt=ready.prompts.used.get(rule.template) if isinstance(rule, Judge) else None,
            against=settings.baseline if isinstance(rule, Judge) and rule.shape == "pair" else None,
            items=frozenset(item.cluster for item in test.items),
        )
    return found


def _write_sheet(evaluation: Evaluation, folder: Folder, say: Say) -> None:
    """The sheet for people; what they have filled in stays, and a sheet that cannot be read is left as it is."""
    path = folder.path / SHEET
    try:
        kept = people.filled(path) if path.exists() else {}
    except UsageError as error:
        say(f"{path} is left as it is: {error}")
        return
    questions = evaluation.questions
    folder.write(SHEET, [people.sheet(questions.all_calls(), questions.lookup_of, kept)])


def _status(outcome: Outcome) -> int:
    if outcome.stopped:
        return 3
    troubled = any(
        counts.states.get(state) for one in outcome.sections for counts in one.counts.values() for state in TROUBLE
    )
    return 1 if troubled else 0


TROUBLE = ("unparsed", "refused", "call_failed", "unanswered", "open")


def _texts(ready: Prepared, evaluation: Evaluation | None) -> Texts:
    """Question and answer of a system by benchmark, protocol and item, as the page shows them.

    Of a dialogue that was played the whole is the answer: its user's turns are no other system's.
    """
    tests = {(test.bench.name, test.protocol.name): test for test in ready.tests}
    items = {
        (test.bench.name, item.id, system): item
        for test in ready.tests
        for system in ready.systems
        for item in test.own.get(system, () if test.own else test.items)
    }

    def find(benchmark: str, protocol: str, id: str, system: str) -> tuple[Sequence[str], Sequence[str]]:
        test, item = tests.get((benchmark, protocol)), items.get((benchmark, id, system))
        if evaluation is None or test is None or item is None:
            return (), ()
        answer = evaluation.questions.lookup(test)(system, item)
        turns = answer.turns if answer is not None else ()
        if not test.own:
            return item.turns, turns
        return (), [text for pair in zip(item.turns, turns, strict=False) for text in pair]

    return find


def _write_answers(ready: Prepared, evaluation: Evaluation, folder: Folder) -> None:
    layout = ready.settings.answers_as
    if layout is None:
        return
    for system in ready.systems:
        answers: dict[tuple[str, str], Answer] = {}
        for test in ready.tests:
            for item in test.items:
                found = evaluation.questions.lookup(test)(system, item)
                if found is not None and len(found.turns) == len(item.turns):
                    answers.setdefault((item.benchmark, item.id), found)
        items = list({(item.benchmark, item.id): item for test in ready.tests for item in test.items}.values())
        suffix = "json" if layout == "alpaca_eval" else "jsonl"
        folder.write(
            f"answers-{safe(system)}.{layout}.{suffix}", [answer_files.written(layout, items, answers.values())]
        )
