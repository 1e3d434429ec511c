"""Reports as a person reads them in a terminal. Model text is stripped of control characters before it is printed."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import JsonValue

from dialogue.records import Dialogue, Failure, Message
from gen.planning import MixturePlan
from gen.terminal import safe as safe
from generator.estimate import Estimate
from generator.progress import duration, so_many
from generator.side import USER_TOKENS

SHOWN = 160
"""Characters of a candidate and of its critique."""


def run_report(summary: dict[str, Any]) -> str:
    """The end of `gen run`: what there is, what it cost, where it lies."""
    tally, meter = summary["tally"], summary["meter"]
    done, n = summary["dialogues"], summary["n"]
    share = so_many(done, n, f"{done:,} of {n:,} dialogues")
    lines = [f"{share}{',' if done > n else ''} in {duration(summary['wall_s'])}"]
    if summary["failed"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in _most(summary["failed_reasons"]))
        lines.append(f"failed: {summary['failed']:,} ({reasons}), in failures.jsonl")
    if summary["open"]:
        mend = "" if summary["stopped"] else "; the same command goes on"
        lines.append(f"not finished: {summary['open']:,}{mend}")
    lines.append("ended: " + (", ".join(f"{count:,} {stop}" for stop, count in _most(tally["stops"])) or "none"))
    for role, spent in meter["roles"].items():
        if spent["requests"]:
            lines.append(f"{role}: " + _spent(spent))
    if meter.get("cost_usd") is not None:
        lines.append(f"cost: ${meter['cost_usd']:,.4f}")
    else:
        lines.append("cost: unknown, since a price or a reply's usage is")
    lines.append(f"{summary['out']}/dialogues.jsonl")
    return "\n".join(lines)


def _spent(spent: dict[str, Any]) -> str:
    parts = [f"{spent['requests']:,} requests"]
    if spent.get("prompt_tokens") is not None:
        cached = spent.get("cached_tokens")
        hit = f" ({cached / spent['prompt_tokens']:.0%} cached)" if cached and spent["prompt_tokens"] else ""
        parts.append(f"{spent['prompt_tokens']:,} prompt tokens{hit}")
    if spent.get("completion_tokens") is not None:
        hidden = f" ({spent['reasoning_tokens']:,} reasoning)" if spent.get("reasoning_tokens") else ""
        parts.append(f"{spent['completion_tokens']:,} completion tokens{hidden}")
    if finishes := {k: v for k, v in (spent.get("finish_reasons") or {}).items() if k != "stop"}:
        parts.append(", ".join(f"{count:,} x {reason}" for reason, count in _most(finishes)))
    return ", ".join(parts)


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def plan_report(plan: Estimate) -> str:
    """`gen plan` for a person."""
    lines = [f"{plan.n:,} dialogues of {plan.sector}, {plan.mean_rounds} rounds on average", *_there(plan)]
    lines += [f"  lists {key}: {count:,}" for key, count in plan.topics.items()]
    lines += [_planned(plan, role) for role in plan.by_role]
    lines.append(
        f"requests: {plan.requests:,}; tokens: {plan.prompt_tokens:,} in, {plan.completion_tokens:,} out "
        f"({plan.tokens_counted}; answers of {plan.answer_tokens} tokens and user turns of {USER_TOKENS} assumed)"
    )
    lines += _price_and_time(plan)
    for role, prompt in plan.prompts.items():
        lines.append(f"\n--- what the {role} is asked ---\n{prompt}")
    return "\n".join(lines)


def mixture_plan_report(plan: MixturePlan) -> str:
    """`gen plan` of several sectors: each part, then the sum."""
    lines = [
        f"total: {plan.n:,} dialogues of {len(plan.sectors)} sectors",
        *_there(plan),
        f"requests: {plan.requests:,}; tokens: {plan.prompt_tokens:,} in, {plan.completion_tokens:,} out",
        *_price_and_time(plan),
    ]
    return "\n\n".join([*map(plan_report, plan.sectors.values()), "\n".join(lines)])


def _there(plan: Estimate | MixturePlan) -> Iterator[str]:
    if plan.there:
        yield f"{plan.there:,} of the {plan.n:,} dialogues are there already; the plan counts all"


def _price_and_time(plan: Estimate | MixturePlan) -> list[str]:
    time = "" if plan.hours is None else f"{duration(plan.hours * 3600)}, bound by "
    cost = "cost: unknown, no price for this model" if plan.cost_usd is None else f"cost: ${plan.cost_usd:,.2f}"
    return [cost, f"time: {time}{plan.binding}"]


def _planned(plan: Estimate, role: str) -> str:
    """What a role would be asked; what that costs too where several assistants have prices of their own."""
    side, cost = plan.by_role[role], plan.cost_by_role[role]
    told = (
        f"  {role}: {side['requests']:,} requests, {side['prompt_tokens']:,} prompt tokens, "
        f"{side['completion_tokens']:,} completion tokens"
    )
    if "assistant" in plan.by_role:
        return told
    return told + (", no price is known" if cost is None else f", ${cost:,.2f}")


def dialogue_report(dialogue: Dialogue) -> str:
    """A dialogue as a person reads it."""
    seed = dialogue.seed
    where = " / ".join(safe(part) for part in (seed.topic, seed.subtopic, seed.kind, seed.language) if part)
    lines = [f"── {safe(dialogue.id)}  {where}".rstrip()]
    if seed.persona:
        lines.append(f"   persona: {safe(seed.persona)}")
    lines += [_said(message) for message in dialogue.messages]
    end = [f"stop: {dialogue.stop}"] if dialogue.stop else []
    if dialogue.assistant_model:
        end.append(f"models: {safe(dialogue.user_model or '?')} and {safe(dialogue.assistant_model)}")
    for side, usage in dialogue.usage.items():
        if usage.completion_tokens is not None:
            end.append(f"{side}: {usage.prompt_tokens or 0:,} + {usage.completion_tokens:,} tokens")
    if dialogue.cost_usd is not None:
        end.append(f"${dialogue.cost_usd:.5f}")
    return "\n".join([*lines, *(["   " + " · ".join(end)] if end else [])])


def failure_report(failure: Failure) -> str:
    """A failed dialogue as a person reads it."""
    lines = [f"── {safe(failure.id)}  failed: {failure.reason} ({failure.stage}): {safe(failure.detail)}"]
    return "\n".join(lines + [_said(message) for message in failure.messages])


def _command(call: JsonValue) -> str:
    """A tool's command as it was written, else the call as JSON."""
    raw = call.get("raw") if isinstance(call, dict) else call
    return raw if isinstance(raw, str) else orjson.dumps(call).decode()


def _said(message: Message) -> str:
    said = message.content or ", ".join(map(_command, message.tool_calls or ()))
    text = safe(said).strip().replace("\n", "\n      ")
    thoughts = f"\n      (thoughts: {safe(message.thoughts)[:300]})" if message.thoughts else ""
    who = f"{message.role} ({_line(message.name)})" if message.name else message.role
    return f"\n{who:>9}: {text}{thoughts}" + "".join(f"\n      {line}" for line in _candidates(message))


def _candidates(message: Message) -> Iterator[str]:
    """The answers that a turn was chosen from, each with who made it and what was said of it; `*` marks the turn's."""
    found = message.candidates or []
    texts = [one.get("content") if isinstance(one, dict) else None for one in found]
    chosen = texts.index(message.content) if message.content in texts else None
    if found:
        which = "none of them" if chosen is None else "*"
        yield f"{len(found)} candidates, {which} is the one above:"
    for place, one in enumerate(found):
        if not isinstance(one, dict):
            yield f"- {_line(one)}"
            continue
        mark = "*" if place == chosen else "-"
        yield f"{mark} {' · '.join(_about(one)) or 'nothing is said of it'}"
        if place != chosen:
            yield f"  answer: {_line(one.get('content'))}"
        if one.get("critique"):
            yield f"  critique: {_line(one['critique'])}"


def _about(candidate: Mapping[str, JsonValue]) -> Iterator[str]:
    """Score, principle, model, endpoint and ratings, as far as they are there."""
    if candidate.get("score") is not None:
        yield f"score {_line(candidate['score'])}"
    if candidate.get("principle"):
        yield _line(candidate["principle"])
    answered = [_line(candidate["model"])] if candidate.get("model") else []
    if candidate.get("endpoint"):
        answered.append(f"at {_line(candidate['endpoint'])}")
    if answered:
        yield " ".join(answered)
    ratings = candidate.get("ratings")
    if isinstance(ratings, dict):
        yield ", ".join(f"{_line(name)} {_line(value)}" for name, value in ratings.items())
    elif ratings:
        yield _line(ratings)


def _line(value: JsonValue) -> str:
    """A value's beginning on one line, without anything that could steer a terminal."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    plain = " ".join(safe(text[: 4 * SHOWN]).split())
    return plain if len(plain) <= SHOWN and len(text) <= 4 * SHOWN else f"{plain[:SHOWN].rstrip()} …"
