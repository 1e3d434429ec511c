"""What an evaluation would ask and cost at most, before there is an answer."""

from evaluator.announcing import ANSWER_TOKENS, VERDICT_TOKENS, announced, answer_tokens
from evaluator.answering import Place, Wanted, role, wanted
from evaluator.calls import calls
from evaluator.check import Check
from evaluator.judging import ROLE
from evaluator.measure import Measure
from evaluator.preparing import Prepared
from evaluator.protocol import Judge
from generator.client.prices import price_of
from generator.client.tokens import Counter

TEMPLATE_TOKENS = 300
"""Of a judge's prompt, beside question and answers."""


def estimate(ready: Prepared) -> list[str]:
    """A line for each system and one for the judge; what an earlier call has asked is not taken off."""
    settings = ready.settings
    lines = []
    for name, speaker in settings.systems.items():
        places: dict[Place, Wanted] = {}
        for test in ready.tests:
            if isinstance(test.protocol, Measure):
                continue
            samples = settings.samples if isinstance(test.protocol, Check) else 1
            places |= {one.place: one for one in wanted(test.protocol, test.items, [name], samples)}
        price = price_of(speaker.endpoint, settings.terms.prices)
        tokens = answer_tokens(speaker, list(places.values()))
        lines.append(announced(role(name), speaker, price, settings.terms, *tokens))
    if settings.judge is not None and ready.judged:
        price = price_of(settings.judge.endpoint, settings.terms.prices)
        lines.append(announced(ROLE, settings.judge, price, settings.terms, *_calls(ready)))
    return lines


def _calls(ready: Prepared) -> tuple[int, int, int]:
    settings = ready.settings
    assert settings.judge is not None
    counter = Counter(settings.judge.endpoint.model)
    requests = prompt = completion = 0
    for test in ready.judged:
        judge = test.protocol
        assert isinstance(judge, Judge)
        tokens = {item.cluster: sum(map(counter.count, item.turns)) for item in test.items}
        planned = calls(
            judge,
            test.items,
            ready.systems,
            baseline=settings.baseline,
            seed=settings.seed,
            repeats=settings.repeats,
            samples=settings.judge_samples,
        )
        for call in planned:
            turns = call.turn or len(call.item.turns)
            requests += 1
            prompt += TEMPLATE_TOKENS + tokens[call.item.cluster] + ANSWER_TOKENS * turns * len(call.shown)
            completion += min(VERDICT_TOKENS, judge.sampling.max_tokens or VERDICT_TOKENS)
    return requests, prompt, completion
