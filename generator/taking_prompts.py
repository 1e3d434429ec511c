"""The prompts of sectors that take up dialogues or have answers judged, rendered with an example."""

from collections.abc import Iterator

from dialogue.faults import Fault
from dialogue.records import Message, Seed
from generator.agents import SEPARATOR
from generator.later import reprise
from generator.ratings import asked, of_samples, principles, request
from generator.stage import sentinel_of
from generator.user.script import script
from prompts.loader import Prompts
from prompts.sector import Sector

EXAMPLE = "example"
ASKED = "(the user's last message)"
ANSWERS = ("(an answer)", "(another answer)")
LATER = ("(what the user wrote next?)", "(what the user wrote then)")
NEW = "(the new answer)"


def taking_prompts(
    prompts: Prompts, sector: Sector, language: str, rounds: tuple[int, int], preset: str
) -> Iterator[tuple[str, str]]:
    """Title and text of each. Raises UsageError where a template or a table of wordings lacks something."""
    if sector.takes == "preference":
        yield from _ratings(prompts, sector, language)
    else:
        yield from _resumed(prompts, sector, language, rounds, preset)


def _ratings(prompts: Prompts, sector: Sector, language: str) -> Iterator[tuple[str, str]]:
    for name, guide in principles(prompts, sector, language).guides.items():
        yield f"assistant, of several the one that it is dealt to, system before the dialogue: {name}", guide
    talk = [Message(role="user", content=ASKED)]
    rating = request(prompts, sector, language, talk, ANSWERS, EXAMPLE)
    yield "user's endpoint, rating the answers", rating
    again = request(prompts, sector, language, talk, ANSWERS, EXAMPLE, "(why)")
    yield "user's endpoint, rating again after a fault", again


def judging_prompts(prompts: Prompts, sector: Sector, language: str) -> Iterator[tuple[str, str]]:
    """Title and text of what is asked about answers that were sampled for a turn; nothing where none are."""
    wanted = max((level.candidates or 0 for level in sector.levels), default=0)
    if not wanted:
        return
    rubric, talk = of_samples(prompts, sector, language), [Message(role="user", content=ASKED)]
    answers = [f"(answer {number} to it)" for number in range(1, wanted + 1)]
    for title, again in (("judging the answers to a message", None), ("judging again after a fault", "(why)")):
        yield f"user's endpoint, {title}", asked(prompts, rubric, language, talk, answers, EXAMPLE, again)


def _resumed(
    prompts: Prompts, sector: Sector, language: str, rounds: tuple[int, int], preset: str
) -> Iterator[tuple[str, str]]:
    drawn = script(
        prompts,
        sector.column,
        run_seed=0,
        id=EXAMPLE,
        seed=Seed(language=language),
        rounds=rounds,
        preset=preset,
        own_opener=True,
        noise=sector.noise,
    )
    plan, sentinel = reprise(drawn, LATER), sentinel_of(0)
    yield "user simulator, system", plan.block(prompts, sentinel)
    yield "user simulator, first user message", plan.cue(prompts)
    fault = Fault("politeness", "thanks", "Thank you!")
    for number, again in ((2, None), (3, fault)):
        turn = plan.turn(number, (), NEW)
        note = plan.note(prompts, turn, may_end=again is None, sentinel=sentinel, again=again)
        yield f"user simulator, last message: {turn.form}{', after a fault' if again else ''}", NEW + SEPARATOR + note
