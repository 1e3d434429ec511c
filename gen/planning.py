"""The plan of a mixture: what each sector's run would ask, and all of them together."""

from dialogue.records import Record
from gen.mixing import Mixture, naming
from generator.estimate import Estimate, estimate


class MixturePlan(Record):
    """The sum of several plans, whose runs come one after the other."""

    n: int
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


def planned(mixture: Mixture) -> MixturePlan:
    """Plan all parts. Raises UsageError as the run would before its first request, naming the sector."""
    parts: dict[str, Estimate] = {}
    for name, part in mixture.parts.items():
        with naming(name):
            parts[name] = estimate(part)
    plans = list(parts.values())
    costs = [plan.cost_usd for plan in plans]
    hours = [plan.hours for plan in plans if plan.hours is not None]
    bound = [plan for plan in plans if plan.hours is not None] or plans
    return MixturePlan(
        n=sum(plan.n for plan in plans),
        requests=sum(plan.requests for plan in plans),
        prompt_tokens=sum(plan.prompt_tokens for plan in plans),
        completion_tokens=sum(plan.completion_tokens for plan in plans),
        cost_usd=None if None in costs else round(sum(filter(None, costs)), 2),
        hours=round(sum(hours), 2) if hours else None,
        binding="; ".join(dict.fromkeys(plan.binding for plan in bound)),
        weights=mixture.weights.by_sector,
        sectors=parts,
    )
