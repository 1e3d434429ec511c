"""Every prompt of a sector, rendered with an example."""

from collections.abc import Iterator

from dialogue.faults import Fault
from dialogue.records import Seed
from generator.agents import SEPARATOR
from generator.estimate import example_path
from generator.openers.tree import Batch
from generator.openers.writer import render_list, specs_of
from generator.sources import identify, shelves_of
from generator.stage import sentinel_of
from generator.user.acts import TurnPlan
from generator.user.script import script
from prompts.loader import Prompts
from prompts.sector import Sector

ANSWER = "(the assistant's last answer)"
OPENER = "(the opener)"
EXAMPLE = "example"


def every_prompt(
    prompts: Prompts, sector: Sector, language: str, rounds: tuple[int, int], preset: str
) -> Iterator[tuple[str, str]]:
    """Title and text of each: one list of every level, the simulator's request for each act, the assistant's."""
    shelves = shelves_of(prompts, sector, language, None, 0)
    for level in sector.levels:
        shelf = shelves[level.name]
        batch = Batch(level, language, 0, shelf.size(0), example_path(shelf), ())
        specs = specs_of(prompts, sector, batch, 0, lambda key: identify(0, sector, key))
        text = render_list(prompts, sector, batch, specs)
        yield f"opener writer, list of {level.name} ({sector.template(level)})", text
    sentinel = sentinel_of(0)
    seed = Seed(language=language, topic=example_path(shelves[sector.levels[0].name])[0][1])
    plan = script(
        prompts,
        sector.column,
        run_seed=0,
        id=EXAMPLE,
        seed=seed,
        rounds=rounds,
        preset=preset,
        own_opener=False,
    )
    yield "user simulator, system", plan.block(prompts, sentinel)
    yield "user simulator, first user message", plan.cue(prompts)
    past: list[TurnPlan] = []
    for number in range(2, plan.rounds + 1):
        turn = plan.turn(number, past, ANSWER)
        note = plan.note(prompts, turn, may_end=number > rounds[0], sentinel=sentinel)
        yield f"user simulator, last message of turn {number} ({turn.act})", ANSWER + SEPARATOR + note
        past.append(turn)
    fault = Fault("politeness", "thanks", "Thank you!")
    note = plan.note(prompts, plan.turn(2, (), ANSWER), may_end=False, sentinel=sentinel, again=fault)
    yield "user simulator, asked again after a fault", ANSWER + SEPARATOR + note
    yield "assistant", OPENER
