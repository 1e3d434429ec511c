"""Everything about a run that can be wrong, looked at before the first request and before anything is written."""

from collections.abc import Collection
from dataclasses import dataclass

from dialogue.errors import UsageError
from generator.builtin.languages import LANGUAGES
from generator.client.meter import Meter
from generator.client.prices import price_of
from generator.given import look_through
from generator.own import SystemPrompt, check_openers, system_prompts
from generator.settings import RunSettings, endpoint_of
from generator.showcase import every_prompt
from generator.sources import check_capacity, check_input, rounds_of, streams
from generator.trained_user import steered
from prompts.domain import page
from prompts.loader import Prompts, check_overlay
from prompts.sector import Sector, load


@dataclass(frozen=True, slots=True)
class Checked:
    """What the look found and the run needs."""

    prompts: Prompts
    sector: Sector
    languages: Collection[str]
    """All that the run will speak: those asked for, and those that own openers bring."""
    systems: list[SystemPrompt]
    meter: Meter
    note: str | None = None
    """What is to be told before the first request: of dialogues passed over, of answers that will be alike."""


def check(settings: RunSettings) -> Checked:
    """Raise UsageError for the first thing that is wrong with the settings or with a file that they name."""
    prompts = Prompts(settings.prompts)
    if settings.prompts:
        check_overlay(settings.prompts)
    sector = load(prompts, settings.sector, settings.shares)
    _check_assistants(settings, sector)
    _check_user(settings, sector)
    check_input(settings, sector)
    if sector.tools and settings.input:
        sector = sector.model_copy(update={"searched": settings.input})
    if sector.page and settings.input:
        sector = sector.model_copy(update={"own_page": page(settings.input)})
    languages, role = set(settings.language), settings.roles["user"]
    shown = rounds_of(settings, sector), settings.preset or sector.preset, role.trained and role.brief
    taking = look_through(settings, prompts, sector)
    if taking is not None:
        languages = set(taking.languages)
    elif settings.openers:
        languages |= check_openers(settings.openers, settings.n)
    else:
        check_capacity(settings, sector, streams(settings, prompts, sector))
    for language in sorted(languages):
        _check_language(settings, language)
        # A template or a table with a fault in it must not wait for its turn.
        for _ in every_prompt(prompts, sector, language, *shown):
            pass
    systems = system_prompts(settings.system) if settings.system else []
    if systems and any(sector.whole(name) for name, weight in sector.shares.items() if weight):
        raise UsageError(
            f"--system {settings.system}: with --shares {sector.share_preset} one request writes a whole dialogue, "
            "and no assistant reads a system prompt; leave it out, or choose other shares "
            f"({', '.join(sector.share_presets)})"
        )
    meter = Meter(
        {role: price_of(settings.endpoint(role), settings.prices) for role in settings.roles},
        max_cost_usd=settings.max_cost_usd,
        max_requests=settings.max_requests,
    )
    note = taking.note if taking else _alike(settings, sector)
    return Checked(prompts, sector, languages, systems, meter, note)


def _alike(settings: RunSettings, sector: Sector) -> str | None:
    """What to tell of several answers where chance has no part in them."""
    wanted = max((level.candidates or 0 for level in sector.levels if sector.shares.get(level.name)), default=0)
    if not wanted or settings.roles["assistant"].sampling.temperature != 0:
        return None
    return (
        f"assistant: temperature 0: the {wanted} answers asked for at each turn will hardly differ; "
        "equal ones count once, and one alone is not judged"
    )


def _check_assistants(settings: RunSettings, sector: Sector) -> None:
    """Raise UsageError where several are to answer what one answers."""
    several = [name for role in settings.assistants if (name := endpoint_of(role))]
    if several and sector.takes != "preference":
        raise UsageError(
            f"[roles] assistant, or --assistant: {', '.join(several)}: in {sector.name} one endpoint answers; name one "
            "(only the sector preference compares the answers of several)"
        )


def _check_user(settings: RunSettings, sector: Sector) -> None:
    """Raise UsageError where a model that was taught the user's side cannot play the user, or none was taught."""
    role = settings.roles["user"]
    if not role.trained:
        return
    if settings.endpoint("user").is_builtin:
        raise UsageError(
            f"{role.endpoint}: builtin is no model and was taught nothing, so it is no trained user; name one that was "
            "(gen train --train-on user)"
        )
    drawn = {name for name, weight in sector.shares.items() if weight}
    mend = "let a simulator play the user (--endpoint), or choose a sector such as world-questions"
    if any(sector.whole(name) or sector.candidates(name) for name in drawn):
        others = ", ".join(name for name in sector.share_presets if name != sector.share_preset)
        why = f"with --shares {sector.share_preset} one request writes a whole dialogue, or its endpoint rates answers"
        mend = f"{mend}, or other shares ({others})"
    elif sector.takes in ("reanswer", "preference"):
        why = "its endpoint puts messages that are there already, or rates answers"
    elif steered(sector):
        why = "code draws what the user says next, and answers are held to it; such a model cannot be told"
    else:
        return
    name = settings.endpoint("user").base_url[0]
    raise UsageError(f"{name}: a trained user cannot play the user of {sector.name}: {why}; {mend}")


def _check_language(settings: RunSettings, language: str) -> None:
    if language not in LANGUAGES and any(settings.endpoint(role).is_builtin for role in settings.roles):
        brought = "--openers" if settings.openers else "--input"
        place = "--language" if language in settings.language else f"{brought}: language"
        raise UsageError(
            f"{place} {language}: the builtin endpoint writes {', '.join(LANGUAGES)} only; name another --endpoint"
        )
