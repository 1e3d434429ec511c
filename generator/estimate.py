"""What a run would ask: requests, tokens with the history that grows each round, money and hours. Sends nothing."""

from collections.abc import Sequence
from pathlib import Path

from dialogue.chance import draw, share
from dialogue.records import Record, Seed, Usage
from generator.agents import SEPARATOR
from generator.checks import Checked, check
from generator.client.prices import cost, price_of
from generator.client.tokens import Counter
from generator.consulting import desk_of
from generator.estimate_given import GivenEstimate
from generator.estimate_judged import JudgedAnswers, judged_answers
from generator.estimate_user import user_texts
from generator.openers.tree import Batch, Shelf
from generator.openers.writer import render_list, specs_of
from generator.own import own_openers, system_for, system_prompts
from generator.settings import RunSettings
from generator.side import USER_TOKENS, Side, answer_tokens, mean_answer_tokens
from generator.sources import brought, identify, rounds_of, streams
from generator.tools.guide import guide_of
from generator.transcript import request
from generator.user.script import Script, script
from prompts.loader import Prompts
from prompts.sector import Sector, page_of
from prompts.tasks import tool_plan

SAMPLE = 300
"""Dialogues whose plans are drawn to find the mean; more change the third digit."""

COMMANDS_SHARE = 0.6
"""Of the rounds, where the assistant has tools: its answer comes after a request for commands. A guess."""

COMMAND_TOKENS = 60

OPENER_TOKENS = 40
KEPT = 0.9
"""Share of a list's items that is expected to pass."""


class Estimate(Record):
    """The sum of a plan."""

    sector: str
    n: int
    there: int = 0
    """Of them, those that the folder holds already; the plan counts them like the others."""
    topics: dict[str, int]
    """Lists needed, by language and level."""
    requests: int
    prompt_tokens: int
    completion_tokens: int
    tokens_counted: str
    """"tiktoken", or the estimate that stood in for it."""
    cost_usd: float | None
    """None where a price is not known."""
    hours: float | None
    """None where no limit is stated."""
    binding: str
    by_role: dict[str, dict[str, int]]
    cost_by_role: dict[str, float | None]
    """US dollars at the price of each role's endpoint; None where it is not known."""
    mean_rounds: float
    answer_tokens: int
    """How long answers are expected to be, on average over the kinds of opener."""
    prompts: dict[str, str]
    """Rendered requests: for openers, for the user, for the assistant, and what else the sector asks for."""


def estimate(settings: RunSettings, checked: Checked | None = None) -> Estimate:
    """Plan the run as `run` would; `checked` is what a look at its settings has found, where one was taken before.

    Raises UsageError for settings and files as `run` would before its first request; does not look into the folder.
    """
    checked = checked or check(settings)
    prompts, sector = checked.prompts, checked.sector
    counter = Counter(settings.endpoint(settings.assistants[0]).model)
    sides = {role: Side() for role in settings.roles}
    examples: dict[str, str] = {}
    topics = {} if settings.openers else _lists(settings, prompts, sector, counter, sides["opener"], examples)
    rounds = _dialogues(settings, prompts, sector, counter, sides, examples)
    hours, binding = _hours(settings, sides)
    costs = {role: _cost(settings, role, side) for role, side in sides.items()}
    return Estimate(
        sector=sector.name,
        n=settings.n,
        topics=topics,
        requests=round(sum(side.requests for side in sides.values())),
        prompt_tokens=round(sum(side.prompt_tokens for side in sides.values())),
        completion_tokens=round(sum(side.completion_tokens for side in sides.values())),
        tokens_counted="estimated from bytes" if counter.estimated else "tiktoken",
        cost_usd=None if None in costs.values() else round(sum(cost or 0.0 for cost in costs.values()), 2),
        hours=hours,
        binding=binding,
        by_role={role: {name: round(getattr(side, name)) for name in Side.__slots__} for role, side in sides.items()},
        cost_by_role=costs,
        mean_rounds=round(rounds, 2),
        answer_tokens=answer_tokens(sector) if settings.openers else mean_answer_tokens(sector),
        prompts=examples,
    )


def _lists(
    settings: RunSettings, prompts: Prompts, sector: Sector, counter: Counter, side: Side, examples: dict[str, str]
) -> dict[str, int]:
    """The lists that n openers need, level by level up to the roots."""
    needed: dict[str, tuple[Shelf, int]] = {}
    found = streams(settings, prompts, sector)
    total = sum(stream.weight for stream in found)
    for stream in found:
        lists = _lists_for(stream.shelf, settings.n * stream.weight / total / KEPT)
        shelf: Shelf | None = stream.shelf
        while shelf is not None:
            key = f"{shelf.language}/{shelf.level.name}"
            needed[key] = (shelf, max(needed.get(key, (shelf, 0))[1], lists))
            lists, shelf = shelf.parents(lists)
    for shelf, lists in needed.values():
        _count_list(settings, prompts, sector, counter, shelf, lists, side, examples)
    return {key: lists for key, (shelf, lists) in needed.items() if shelf.level.template}


def _lists_for(shelf: Shelf, items: float) -> int:
    lists = 0
    while items > 0 and lists < shelf.batches:
        if lists >= 60:  # from here on every list has its full size
            return min(shelf.batches, lists + -(-round(items) // shelf.level.batch))
        items -= shelf.size(lists)
        lists += 1
    return lists


def _count_list(
    settings: RunSettings,
    prompts: Prompts,
    sector: Sector,
    counter: Counter,
    shelf: Shelf,
    lists: int,
    side: Side,
    examples: dict[str, str],
) -> None:
    if shelf.level.template is None:
        return
    path = shelf.example_path()
    batch = Batch(shelf.level, shelf.language, 0, shelf.size(lists), path, ())
    specs = specs_of(prompts, sector, batch, settings.seed, lambda key: identify(settings.seed, sector, key))
    text = render_list(prompts, sector, batch, specs)
    if shelf.level.opener:
        examples.setdefault("opener", text)
    tokens = OPENER_TOKENS if shelf.level.opener else OPENER_TOKENS / 4
    side.add(counter.count(text), tokens * batch.size, lists)


def _dialogues(
    settings: RunSettings,
    prompts: Prompts,
    sector: Sector,
    counter: Counter,
    sides: dict[str, Side],
    examples: dict[str, str],
) -> float:
    """Count the turns of n dialogues by those of a sample; returns the mean number of rounds."""
    sample = min(SAMPLE, settings.n)
    if sector.takes:
        return GivenEstimate(settings, prompts, sector, counter, sides).count(sample, examples)
    weight = settings.n / sample
    systems = system_prompts(settings.system) if settings.system else []
    openers = list(_openers(settings, sample))
    whole = sum(weight for name, weight in sector.shares.items() if sector.whole(name)) / sum(sector.shares.values())
    whole = 0.0 if settings.openers else whole
    opener_tokens = OPENER_TOKENS + _material_tokens(settings, sector, counter)
    total = 0
    for number in range(sample):
        id = f"example-{number}"
        kind = draw(sector.shares, share(settings.seed, id, "kind"))
        seed = Seed(language=draw(settings.language, share(settings.seed, id, "language")), kind=kind)
        plan = _script(settings, prompts, sector, id, seed)
        if share(settings.seed, id, "whole") < whole:
            written = answer_tokens(sector, next(name for name in sector.shares if sector.whole(name)))
            _count_transcript(settings, prompts, plan, id, counter, sides["assistant"], examples, weight, written)
            total += plan.rounds
            continue
        own = system_for(systems, settings.seed, id)
        told = (_system(settings, prompts, sector, plan.language, id, own), plan.guide(None if openers else kind))
        system = "\n\n".join(filter(None, told))
        opener = openers[number] if openers else None
        first = float(counter.count(opener)) if opener else opener_tokens
        head, note_text = user_texts(settings, prompts, seed, plan)
        if "user" not in examples:
            examples |= _examples(settings, head, note_text, system, opener or "(the opener)")
        fixed, note = sum(map(counter.count, head)), counter.count(note_text)
        commands = COMMANDS_SHARE if sector.tools else 0.0
        answer = answer_tokens(sector, None if openers or sector.whole(kind) else kind)
        wanted = sector.candidates(None if openers else kind, bool(openers))
        judged = judged_answers(prompts, sector, counter, plan.language, wanted)
        if judged:
            examples.setdefault("judge", f"[user]\n{judged.prompt}")
        _count_dialogue(plan.rounds, first, fixed, note, counter.count(system), sides, weight, answer, commands, judged)
        total += plan.rounds
    return total / sample


def _count_transcript(
    settings: RunSettings,
    prompts: Prompts,
    plan: Script,
    id: str,
    counter: Counter,
    side: Side,
    examples: dict[str, str],
    weight: float,
    answer: int,
) -> None:
    """Count the one request that a whole dialogue takes."""
    text = request(prompts, plan, settings.seed, id)
    examples.setdefault("transcript", text)
    side.add(counter.count(text), plan.rounds * (USER_TOKENS + answer), weight)


def _count_dialogue(
    rounds: int,
    opener: float,
    fixed: float,
    note: float,
    system: float,
    sides: dict[str, Side],
    weight: float,
    answer: int,
    commands: float = 0.0,
    judged: JudgedAnswers | None = None,
) -> None:
    history = opener
    for number in range(1, rounds + 1):
        if number > 1:
            sides["user"].add(fixed + history + note, USER_TOKENS, weight)
            history += USER_TOKENS
        if commands:
            sides["assistant"].add(system + history, COMMAND_TOKENS, weight * commands)
        if judged:
            judged.count(history, system, answer, sides, weight)
        else:
            sides["assistant"].add(system + history, answer, weight)
        history += answer


def _openers(settings: RunSettings, sample: int) -> Sequence[str]:
    path: Path | None = settings.openers
    if path is None:
        return []
    return [text for (text, _), _ in zip(own_openers(path), range(sample), strict=False)]


def _material_tokens(settings: RunSettings, sector: Sector, counter: Counter) -> float:
    """How long the passages are, on average, with which openers are joined; 0 where they are not."""
    found = brought(settings, sector)
    if found is None or not any(level.joins for level in sector.levels if sector.shares.get(level.name)):
        return 0.0
    texts = [piece.text for piece in found[0][:SAMPLE]]
    return sum(map(counter.count, texts)) / len(texts)


def _script(settings: RunSettings, prompts: Prompts, sector: Sector, id: str, seed: Seed) -> Script:
    return script(
        prompts,
        sector.column,
        run_seed=settings.seed,
        id=id,
        seed=seed,
        rounds=rounds_of(settings, sector),
        preset=settings.preset or sector.preset,
        own_opener=settings.openers is not None,
        facts=sector.fact_file,
        noise=sector.noise,
        page=page_of(prompts, sector),
    )


def _system(
    settings: RunSettings, prompts: Prompts, sector: Sector, language: str, id: str, own: str | None
) -> str | None:
    """What stands above the dialogue in each request to the assistant."""
    if page := page_of(prompts, sector):
        return "\n\n".join(filter(None, (own, desk_of(prompts, page, language, None).guide())))
    plan = tool_plan(prompts, sector, language, sector.levels[0].name, settings.seed, id)
    guide = guide_of(prompts, sector, language, plan)
    return f"{guide.meta(own)}\n\n{guide.protocol()}" if guide else own


def _examples(settings: RunSettings, head: Sequence[str], note: str, system: str | None, opener: str) -> dict[str, str]:
    if settings.roles["user"].trained:
        told = "".join(f"[system]\n{text}\n\n" for text in head)
        user = f"{told}[user]\n{opener}\n\n[assistant]\n(the answer)"
    else:
        block, cue = head
        user = f"[system]\n{block}\n\n[user]\n{cue}\n\n[assistant]\n{opener}\n\n[user]\n(the answer){SEPARATOR}{note}"
    answer = f"[system]\n{system}\n\n[user]\n{opener}" if system else f"[user]\n{opener}"
    return {"user": user, "assistant": answer}


def _cost(settings: RunSettings, role: str, side: Side) -> float | None:
    usage = Usage(
        requests=round(side.requests),
        prompt_tokens=round(side.prompt_tokens),
        completion_tokens=round(side.completion_tokens),
    )
    return cost(price_of(settings.endpoint(role), settings.prices), usage)


def _hours(settings: RunSettings, sides: dict[str, Side]) -> tuple[float | None, str]:
    """Hours at the stated limits, shared by all who use the same servers and key, and the limit that binds."""
    clocks: dict[tuple[object, ...], list[str]] = {}
    for role in settings.roles:
        endpoint = settings.endpoint(role)
        clocks.setdefault((endpoint.base_url, endpoint.api_key_env), []).append(role)
    worst, binding = 0.0, "no limit is stated; the endpoint's own speed decides"
    for roles in clocks.values():
        endpoint = settings.endpoint(roles[0])
        servers = len(endpoint.base_url)
        requests = sum(sides[role].requests for role in roles)
        tokens = sum(sides[role].prompt_tokens + sides[role].completion_tokens for role in roles)
        for limit, need, what in (
            (endpoint.requests_per_minute, requests, "requests"),
            (endpoint.tokens_per_minute, tokens, "tokens"),
        ):
            if limit and need / limit / servers > worst:
                worst, binding = need / limit / servers, f"{endpoint.name}: {limit:,.0f} {what}/min"
                binding += f" on each of {servers} servers" if servers > 1 else ""
    return (round(worst / 60, 2), binding) if worst else (None, binding)
