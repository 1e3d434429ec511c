"""Every prompt of a sector, rendered with an example."""

from collections.abc import Iterator, Mapping, Sequence

from dialogue.faults import Fault
from dialogue.records import Seed
from generator.agents import SEPARATOR
from generator.consulting import Desk, desk_of
from generator.openers.tree import Batch, Shelf
from generator.openers.writer import render_list, specs_of
from generator.sources import identify, shelves_of
from generator.stage import sentinel_of
from generator.taking_prompts import judging_prompts, taking_prompts
from generator.tools.box import tools_of
from generator.tools.guide import Guide, guide_of
from generator.tools.replies import FAULTS
from generator.trained_user import brief_of, steered
from generator.transcript import request
from generator.user.acts import Rules, TurnPlan
from generator.user.noise import typed
from generator.user.script import Script, script
from prompts.bars import bars
from prompts.joining import joins
from prompts.loader import Prompts
from prompts.sector import Sector, page_of
from prompts.tasks import TOOLS, ToolPlan, tool_plan
from prompts.wants import wants

ANSWER = "(the assistant's last answer)"
OPENER = "(the opener)"
ABOUT = "(what it is about)"
HELD = "(a held fact)"
EXAMPLE = "example"
RESULTS = 'Calculate("12 * 34.5") => 414'


def every_prompt(
    prompts: Prompts, sector: Sector, language: str, rounds: tuple[int, int], preset: str, trained: bool = False
) -> Iterator[tuple[str, str]]:
    """Title and text of each: one list of every level, the simulator's note for every act and form, the assistant's.

    With `trained` the brief of a model of the user's side besides.

    Raises UsageError where a template or a table of wordings lacks something.
    """
    if sector.takes in ("reanswer", "preference"):
        yield from taking_prompts(prompts, sector, language, rounds, preset)
        return
    if sector.bar_file:
        bars(prompts, sector.bar_file, language)
    page = page_of(prompts, sector)
    shelves = shelves_of(prompts, sector, language, None, 0)
    yield from _lists(prompts, sector, language, shelves)
    topic = None if sector.takes else _topic(prompts, sector, shelves[sector.levels[0].name])
    seed = Seed(language=language, topic=topic)
    plan = script(
        prompts,
        sector.column,
        run_seed=0,
        id=EXAMPLE,
        seed=seed,
        rounds=rounds,
        preset=preset,
        own_opener=sector.takes is not None,
        facts=sector.fact_file,
        noise=sector.noise,
        task=None if sector.takes else tool_plan(prompts, sector, language, sector.levels[0].name, 0, EXAMPLE).task,
        page=page,
    )
    if any(level.whole for level in sector.levels):
        yield "the whole conversation in one request", request(prompts, plan, 0, EXAMPLE)
        yield "the whole conversation, asked for again after a fault", request(prompts, plan, 0, EXAMPLE, "(why)")
    yield from _simulator(prompts, plan)
    if trained and not steered(sector):
        yield "trained user, system", brief_of(prompts, seed, plan) or ""
    if sector.takes:
        return
    opener = typed(prompts, OPENER, plan.persona.traits, language, EXAMPLE) if plan.noise else OPENER
    yield from _tools(prompts, sector, language)
    yield "assistant, the opener as it is typed", opener
    yield from _joined(prompts, sector, language, shelves, opener)
    yield from judging_prompts(prompts, sector, language)
    yield from _guides(plan, [level.name for level in sector.levels if level.opener])
    if page:
        yield from _consulting(desk_of(prompts, page, language, None))


def _lists(prompts: Prompts, sector: Sector, language: str, shelves: Mapping[str, Shelf]) -> Iterator[tuple[str, str]]:
    """What the opener writer is asked for, level by level."""
    for level in sector.levels:
        if level.template is None:
            continue
        shelf = shelves[level.name]
        batch = Batch(level, language, 0, shelf.size(0), shelf.example_path(), ())
        specs = specs_of(prompts, sector, batch, 0, lambda key: identify(0, sector, key))
        text = render_list(prompts, sector, batch, specs)
        yield f"opener writer, list of {level.name} ({sector.template(level)})", text


def _tools(prompts: Prompts, sector: Sector, language: str) -> Iterator[tuple[str, str]]:
    """What an assistant with tools is told."""
    tools = guide_of(prompts, sector, language, ToolPlan(enabled=TOOLS))
    if tools is None:
        return
    tools_of(prompts, sector, language)  # a file of passages that cannot be read must not wait for its turn
    yield "assistant, system, kept in the record", tools.meta(None)
    yield "assistant, system, all tools off", Guide(prompts, language, (), tools.commands).meta(None)
    yield "assistant, how a reply looks, below the system", tools.protocol()
    yield "assistant, results of its commands", tools.results(RESULTS)
    for check in FAULTS:
        yield f"assistant, asked again: {check}", tools.again(check, "(a piece of the reply)")


def _joined(
    prompts: Prompts, sector: Sector, language: str, shelves: Mapping[str, Shelf], opener: str
) -> Iterator[tuple[str, str]]:
    """The opener with its passage, in each shape that there is."""
    for level in sector.levels:
        piece = shelves[level.name].root(0).piece
        if piece and (file := sector.joins(level)):
            found = joins(prompts, file, language)
            for shape in found.shapes:
                title = f"assistant, an {level.name} joined with its passage: {shape}"
                yield title, opener.join(found.around(shape, piece.text))


def _topic(prompts: Prompts, sector: Sector, shelf: Shelf) -> str:
    """What the example's card says that it is about."""
    level, root = shelf.level, shelf.root(0)
    if level.wants and not level.evolves:
        found = wants(prompts, sector.wants(level) or "", shelf.language)
        return found.wanted(next(iter(found.kinds)), 0.0)
    known = root.piece if root.piece and (level.joins or sector.page) else root.task
    return known.title if known else shelf.example_path()[0][1]


def _simulator(prompts: Prompts, plan: Script) -> Iterator[tuple[str, str]]:
    sentinel = sentinel_of(0)
    yield "user simulator, system", plan.block(prompts, sentinel)
    yield "user simulator, first user message", plan.cue(prompts)
    for turn in _turns(plan.law):
        note = plan.note(prompts, turn, may_end=True, sentinel=sentinel)
        yield f"user simulator, last message: {turn.act}, {turn.form}", ANSWER + SEPARATOR + note
    fault = Fault("politeness", "thanks", "Thank you!")
    note = plan.note(prompts, plan.turn(2, (), ANSWER), may_end=False, sentinel=sentinel, again=fault)
    yield "user simulator, asked again after a fault", ANSWER + SEPARATOR + note


def _guides(plan: Script, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the assistant is told beside a dialogue, each text once with the first kind of opener that it is for."""
    seen: set[str] = set()
    for kind in kinds:
        text = plan.guide(kind)
        if text is not None and text not in seen:
            seen.add(text)
            yield f"assistant, system message that no record keeps: {kind}", text


def _consulting(desk: Desk) -> Iterator[tuple[str, str]]:
    """What the assistant of a page is told."""
    kept = "kept in the record" if desk.page.keep_notes else "that no record keeps"
    yield f"assistant, system message {kept}, with the sources of the dialogue", desk.guide()
    for check in ("unasked", "uncited", "strange_source"):
        text = desk.again(Fault("bad_reply", check, "(a piece of the reply)"))
        yield f"assistant, asked again, below the system message: {check}", text


def _turns(law: Rules) -> Iterator[TurnPlan]:
    """A plan for every act there is in every form it can take, and one more for each wording of its own."""
    words, opening = law.brief or (6, 15), None if law.brief else "so"
    for act in sorted(act for act in law.forms if any(shares[act] for shares in law.turns)):
        asked = ABOUT if act == "remind" else None
        for form, weight in law.forms[act].items():
            if weight > 0:
                plan = TurnPlan(number=2, act=act, form=form, words=words, opening=opening, leave=True, detail=asked)
                tells = law.reminds and act == "reveal"
                yield plan.model_copy(update={"release": HELD, "value": "(its value)"}) if tells else plan
        detail = ABOUT if act in ("change", "correct") else None
        if detail or act == "doubt":
            right = True if act == "doubt" else None
            yield TurnPlan(
                number=2, act=act, form=form, words=words, detail=detail, doubt_right=right, release=HELD, thanks=True
            )
