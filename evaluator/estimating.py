"""What an evaluation would ask and cost at most, before there is an answer."""

from collections.abc import Sequence
from typing import NamedTuple

from dialogue.records import Usage
from evaluator.announcing import ANSWER_TOKENS, VERDICT_TOKENS, announced, answer_tokens
from evaluator.answering import Place, Wanted, role, wanted
from evaluator.calls import calls
from evaluator.check import Check
from evaluator.judging import ROLE
from evaluator.measure import Measure
from evaluator.playing import NAME, run_settings
from evaluator.preparing import Prepared, played_protocols
from evaluator.protocol import Judge
from generator.asking import Speaker
from generator.client.prices import cost, price_of
from generator.client.tokens import Counter
from generator.estimate import estimate as plan_of

TEMPLATE_TOKENS = 300
"""Of a judge's prompt, beside question and answers."""


class Expected(NamedTuple):
    """What one role would ask."""

    role: str
    line: str
    """For a person."""
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


def estimate(ready: Prepared) -> list[Expected]:
    """Of each system and of the judge, where it is asked anything; what an earlier call has asked is not taken off."""
    settings = ready.settings
    found = []
    rounds: list[float] = []
    for name, speaker in settings.systems.items():
        if settings.play is not None:
            found.append(_playing(ready, name, speaker, rounds))
            continue
        found.append(_expected(ready, role(name), speaker, answer_tokens(speaker, _wanted(ready, name))))
    if settings.judge is not None and (ready.judged or rounds):
        tokens = _played_calls(ready, rounds) if rounds else _calls(ready)
        found.append(_expected(ready, ROLE, settings.judge, tokens))
    return [one for one in found if one.requests]


def _wanted(ready: Prepared, system: str) -> list[Wanted]:
    places: dict[Place, Wanted] = {}
    for test in ready.tests:
        if isinstance(test.protocol, Measure):
            continue
        samples = ready.settings.samples if isinstance(test.protocol, Check) else 1
        places |= {one.place: one for one in wanted(test.protocol, test.items, [system], samples)}
    given = ready.given.answers
    return [one for one in places.values() if (one.item.benchmark, one.item.id, system, one.sample) not in given]


def _expected(ready: Prepared, role_: str, speaker: Speaker, tokens: tuple[int, int, int]) -> Expected:
    terms = ready.settings.terms
    price = price_of(speaker.endpoint, terms.prices)
    requests, prompt, completion = tokens
    usd = cost(price, Usage(requests=requests, prompt_tokens=prompt, completion_tokens=completion))
    return Expected(role_, announced(role_, speaker, price, terms, *tokens), *tokens, usd)


def _playing(ready: Prepared, name: str, speaker: Speaker, rounds: list[float]) -> Expected:
    """A system's dialogues, the simulator's part in them; the first one's also has the openers."""
    settings = ready.settings
    plan = plan_of(run_settings(settings, settings.out / NAME / name, speaker, None))
    rounds.append(plan.mean_rounds)
    parts = [part for side, part in plan.by_role.items() if side != "opener" or len(rounds) == 1]
    names = ("requests", "prompt_tokens", "completion_tokens")
    requests, prompt, completion = (sum(part[name] for part in parts) for name in names)
    usd = plan.cost_usd
    line = (
        f"play, {name}: {plan.n:,} dialogues of about {plan.mean_rounds:g} rounds, {requests:,} requests, about "
        f"{prompt:,} tokens in and {completion:,} out" + (", at an unknown price" if usd is None else f", ${usd:,.4f}")
    )
    return Expected(f"play, {name}", line, requests, prompt, completion, usd)


def _played_calls(ready: Prepared, rounds: Sequence[float]) -> tuple[int, int, int]:
    settings = ready.settings
    assert settings.play is not None
    requests = prompt = 0
    for mean in rounds:
        for rule in played_protocols(settings):
            turns = round(mean * settings.play.n) if rule.each_turn else settings.play.n
            times = settings.repeats * (settings.judge_samples or rule.samples)
            shown = (mean + 1) / 2 if rule.each_turn else mean
            requests += turns * times
            prompt += round(turns * times * (TEMPLATE_TOKENS + ANSWER_TOKENS * shown))
    return requests, prompt, requests * VERDICT_TOKENS


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
