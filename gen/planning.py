"""What a run would ask, what each sector's run of a mixture would, and all of them together."""

from pathlib import Path

from dialogue.records import Record
from gen.mixing import Mixture, check_mixture, naming
from generator.checks import Checked
from generator.estimate import Estimate, estimate
from generator.settings import RunSettings


class MixturePlan(Record):
    """The sum of several plans, whose runs come one after the other."""

    n: int
    there: int
    """Of them, those that the folder holds already; the plan counts them like the others."""
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    """None where a price of any part is not known."""
    hours: float | None
    """None where no limit is stated for any."""
    binding: str
    """The limits that bind, or why none does."""
    weights: dict[str, float]
    sectors: dict[str, Estimate]
    """A sector that gets no dialogue is not among them."""


def planned_run(settings: RunSettings) -> Estimate:
    """Plan one sector's run. Raises UsageError as the run would before its first request; writes nothing."""
    from generator.setting_up import check_whole

    return _planned(settings, check_whole(settings))


def _planned(settings: RunSettings, checked: Checked) -> Estimate:
    there = min(settings.n, finished(settings.out))
    return estimate(settings, checked).model_copy(update={"there": there})


def finished(run: Path) -> int:
    """How many dialogues a run's folder holds, found without its lock: a run may be at work in it."""
    try:
        with (run / "dialogues.jsonl").open("rb") as file:
            return sum(line.endswith(b"\n") for line in file)
    except FileNotFoundError:
        return 0


def planned(mixture: Mixture) -> MixturePlan:
    """Plan all parts. Raises UsageError as the run would before its first request, naming the sector."""
    checked = check_mixture(mixture)
    parts: dict[str, Estimate] = {}
    for name, part in mixture.parts.items():
        with naming(name):
            parts[name] = _planned(part, checked[name])
    plans = list(parts.values())
    costs = [plan.cost_usd for plan in plans]
    hours = [plan.hours for plan in plans if plan.hours is not None]
    bound = [plan for plan in plans if plan.hours is not None] or plans
    return MixturePlan(
        n=sum(plan.n for plan in plans),
        there=sum(plan.there for plan in plans),
        requests=sum(plan.requests for plan in plans),
        prompt_tokens=sum(plan.prompt_tokens for plan in plans),
        completion_tokens=sum(plan.completion_tokens for plan in plans),
        cost_usd=None if None in costs else round(sum(filter(None, costs)), 2),
        hours=round(sum(hours), 2) if hours else None,
        binding="; ".join(dict.fromkeys(plan.binding for plan in bound)),
        weights=mixture.weights.by_sector,
        sectors=parts,
    )
