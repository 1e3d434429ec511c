"""A sector: the tree that its openers grow from, read from a folder of templates and TOML.

`sector.toml` names the sources (lists of topics, of entities), the levels of the tree with their templates, and one or
more presets of shares: how many openers come from which level. A sector holds no code, so a new one is a new folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts.domain import Page, example
from prompts.loader import Prompts
from prompts.roots import Root as Root  # callers know it from here
from prompts.roots import Source, from_data, from_input, from_material, from_page, from_tasks

HOME = "sectors"

Taken = Literal["continue", "reanswer", "preference"]
"""What is done with dialogues that are there already."""


class Novelty(Record):
    """How alike an opener may be to earlier ones, and to the sector's tasks (dialogue/novelty.py)."""

    measure: Literal["rouge-l", "bm25", "shingles"]
    """`shingles`: Jaccard similarity of word 3-grams."""
    most: float = Field(gt=0)
    """What reaches it is refused; with bm25, what exceeds it."""


class Level(Record):
    """One kind of list in the tree."""

    name: str
    source: str = Field(alias="from")
    """A source of the sector, or the level whose items this one grows from."""
    template: str | None = None
    """File in the sector's folder that asks for one list; None: nothing is asked for, the seed itself is the item."""
    batch: int = Field(ge=1)
    """Items asked for in one request."""
    passes: int = Field(default=1, ge=1)
    """Requests for each item of the level above."""
    opener: bool = True
    """Whether its items open dialogues; if not, they are names on the way to others."""
    what: str
    """What its items are called in the prompts of the levels below."""
    alike: bool = False
    """Whether its openers may be alike, or equal: where code draws what each one tells, the dialogues differ behind
    them. A later pass is then not told what the earlier ones gave."""
    longer: float = Field(default=1.0, gt=0)
    """How many times longer its openers are than their people's habit has it."""
    extra: dict[str, str] = Field(default_factory=dict)
    """What is noted in the seeds of its dialogues, under `extra`: which answer is right, say."""
    joins: str | None = None
    """File in the sector's folder with kinds of instruction, and the shapes in which its items, which are such, are
    joined with their passage (prompts/joining.py)."""
    whole: bool = False
    """Whether one request writes a whole dialogue from an item, both sides of it."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """How long answers in its dialogues are expected to be, for `gen plan`; None: as the sector says."""
    wants: str | None = None
    """File in the sector's folder with kinds of task or of change (prompts/wants.py): its openers are tasks, each line
    of a list says what is wanted, and a later pass is not told what earlier ones gave."""
    shows: int = Field(default=1, ge=1)
    """Roots shown in one request: the one that the list belongs to, and others drawn beside it."""
    evolves: bool = False
    """Whether its items are made from the item above by the change that is wanted, and so must differ from it."""
    candidates: int | None = Field(default=None, ge=2)
    """Answers sampled for each of the assistant's turns, of which the best is said: rating.j2 asks for ratings under
    what aspects.toml names. None: one answer is asked for."""


class Shares(Record):
    """A preset: the weight of each opener level, and what it changes in the levels."""

    weights: dict[str, float]
    levels: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Other `batch` or `passes` by level name."""
    novelty: Novelty | None = None
    """Another measure than the sector's."""


class Sector(Record):
    """A sector under one preset of shares."""

    name: str
    prefix: str
    """What its dialogues' ids begin with."""
    title: str
    column: str
    """Its column in the table of follow-up acts."""
    rounds: str
    """Least and most rounds, "3-7"."""
    preset: str
    """How the rounds are spread over that range."""
    takes: Taken | None = None
    """The sector has no tree: --input brings dialogues, and this is what is done with them (generator/given.py)."""
    sources: tuple[Source, ...] = ()
    levels: tuple[Level, ...] = ()
    """Each stands below the one that it grows from."""
    facts: str | None = None
    """File in the sector's folder with facts that its people tell and ask for again (prompts/facts.py); None: what
    stands behind their questions is drawn from languages/*/words.toml."""
    tools: str | None = None
    """File in the sector's folder with the tools of its assistant and the tasks for them (prompts/tasks.py)."""
    problems: str | None = None
    """File in the sector's folder with problems whose answers code works out (prompts/tasks.py)."""
    searched: Path | None = None
    """The user's file of passages that its assistant searches, in the place of the sector's own."""
    own_page: Page | None = None
    """The user's page, in the place of the example; read once, so that it stays as it is for the whole of a run."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """How long an answer is expected to be, for `gen plan`; None: as in any dialogue (generator/side.py)."""
    noise: bool = True
    """Whether messages lose capitals, marks and letters as their people type (users/noise.toml)."""
    novelty: Novelty | None = None
    """How openers are compared; None: as those of all sectors are (generator/openers/pool.py)."""
    bars: str | None = None
    """File in the sector's folder with what an instruction must not hold, and what an answer must not be."""
    waived: tuple[str, ...] = ()
    """Checks of a user's turn that it does without (dialogue/faults.py): stage directions belong to a play."""
    shares: dict[str, float] = Field(default_factory=dict)
    """Weight of each opener level under the preset in force."""
    share_preset: str = ""
    """The preset in force."""
    share_presets: tuple[str, ...] = ()
    """All presets that sector.toml has."""
    default_shares: str = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> "Sector":
        if self.takes:
            if self.levels or self.sources or self.shares:
                raise ValueError("a sector that takes up dialogues has no sources, levels or shares")
            return self
        known = {source.name for source in self.sources}
        brought = {source.name for source in self.sources if source.material}
        for level in self.levels:
            if level.source not in known:
                raise ValueError(f"level {level.name}: from = {level.source!r}, but above it are {sorted(known)}")
            if level.name in known:
                raise ValueError(f"level {level.name}: the name is taken")
            known.add(level.name)
            if level.candidates and (level.whole or self.tools or self.problems or self.bars or self.page):
                raise ValueError(
                    f"level {level.name}: candidates do not go with whole, tools, problems, bars or a page"
                )
            if level.template is None and (level.batch > 1 or level.passes > 1 or level.source not in brought):
                raise ValueError(f"level {level.name}: no template, so one item from a source of material is expected")
        openers = {level.name for level in self.levels if level.opener}
        if stray := set(self.shares) - openers:
            raise ValueError(f"shares.{self.share_preset}: {sorted(stray)[0]!r} is no level that gives openers")
        if not any(weight > 0 for weight in self.shares.values()) or min(self.shares.values()) < 0:
            raise ValueError(f"shares.{self.share_preset}: weights must be positive, got {self.shares}")
        return self

    @property
    def bar_file(self) -> str | None:
        """The file of its bars, as the loader names it."""
        return f"{HOME}/{self.name}/{self.bars}" if self.bars else None

    @property
    def fact_file(self) -> str | None:
        """The file of its facts, as the loader names it."""
        return f"{HOME}/{self.name}/{self.facts}" if self.facts else None

    @property
    def tool_file(self) -> str | None:
        """The file of its tools, as the loader names it."""
        return f"{HOME}/{self.name}/{self.tools}" if self.tools else None

    @property
    def problem_file(self) -> str | None:
        """The file of its problems, as the loader names it."""
        return f"{HOME}/{self.name}/{self.problems}" if self.problems else None

    @property
    def page(self) -> str | None:
        """The file with an example of a page about an assistant, as the loader names it, where sources come from one:
        the sector's dialogues are those of such an assistant with its clients (prompts/domain.py)."""
        return next((f"{HOME}/{self.name}/{source.file}" for source in self.sources if source.page), None)

    def level(self, name: str) -> Level:
        """The level of this name."""
        return next(level for level in self.levels if level.name == name)

    @property
    def input(self) -> Source | None:
        """The source that --input FILE replaces."""
        return next((source for source in self.sources if source.input), None)

    def template(self, level: Level) -> str:
        """The level's template, as the loader names it."""
        return f"{HOME}/{self.name}/{level.template}"

    def joins(self, level: Level) -> str | None:
        """The level's file of kinds and shapes, as the loader names it."""
        return f"{HOME}/{self.name}/{level.joins}" if level.joins else None

    def wants(self, level: Level) -> str | None:
        """The level's file of kinds, as the loader names it."""
        return f"{HOME}/{self.name}/{level.wants}" if level.wants else None

    def whole(self, kind: str | None) -> bool:
        """Whether one request writes a whole dialogue of this kind."""
        return any(level.whole for level in self.levels if level.name == kind)

    def candidates(self, kind: str | None, own: bool = False) -> int | None:
        """How many answers are sampled for each turn of a dialogue of this kind; None where one is asked for.

        A user's own opener that names no kind is answered as all others are, where the shares have them all alike.
        """
        known = {level.name: level.candidates for level in self.levels}
        if own and kind not in known:
            drawn = {known[name] for name, weight in self.shares.items() if weight}
            return drawn.pop() if len(drawn) == 1 else None
        return known.get(kind or "")

    def source(self, level: Level) -> Source:
        """The source at the root of the level's branch."""
        found = next((source for source in self.sources if source.name == level.source), None)
        return found or self.source(self.level(level.source))


def names(prompts: Prompts) -> list[str]:
    """All sectors there are."""
    return [name for name in prompts.folders(HOME) if prompts.path(f"{HOME}/{name}/sector.toml")]


def check_name(prompts: Prompts, name: str) -> None:
    """Raise UsageError, with near names, where there is no sector of this name."""
    known = names(prompts)
    if name not in known:
        raise UsageError(f"sector {name!r}: no such sector{_near(name, known)}")


def load(prompts: Prompts, name: str, shares: str | None = None) -> Sector:
    """The sector of this name under a preset of shares, its default one if None is named."""
    check_name(prompts, name)
    file = f"{HOME}/{name}/sector.toml"
    fields = dict(prompts.data(file))
    if fields.get("takes"):
        return _taking(prompts, name, fields, shares)
    presets: dict[str, Any] = fields.get("shares") or {}
    preset = shares or str(fields.get("default_shares"))
    if preset not in presets:
        raise UsageError(f"{prompts.path(file)}: no shares named {preset!r}{_near(preset, presets)}")
    try:
        chosen = Shares.model_validate(presets[preset])
        fields["levels"] = _changed(fields.get("levels") or [], chosen.levels)
        fields |= {"shares": chosen.weights, "share_preset": preset, "share_presets": tuple(presets)}
        fields |= {"novelty": chosen.novelty} if chosen.novelty else {}
        return Sector.model_validate({"name": name} | fields)
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {one_line(error)}") from None
    except ValueError as error:
        raise UsageError(f"{prompts.path(file)}: shares.{preset}: {error}") from None


def _taking(prompts: Prompts, name: str, fields: Mapping[str, Any], shares: str | None) -> Sector:
    """A sector that takes up dialogues."""
    if shares is not None:
        raise UsageError(f"--shares {shares}: {name} takes up dialogues of yours and draws no openers; leave it out")
    try:
        return Sector.model_validate({"name": name, **fields})
    except ValidationError as error:
        raise UsageError(f"{prompts.path(f'{HOME}/{name}/sector.toml')}: {one_line(error)}") from None


def page_of(prompts: Prompts, sector: Sector) -> Page | None:
    """The page about the sector's assistant, the user's or the example; None where the sector has none."""
    if sector.page is None:
        return None
    return sector.own_page or example(prompts.path(sector.page) or Path(sector.page))


def roots(prompts: Prompts, sector: Sector, level: Level, language: str, input: Path | None = None) -> Sequence[Root]:
    """The roots of the level's branch in a language: the sector's own, or those of the user's file where it fits."""
    source = sector.source(level)
    if source.page and (page := page_of(prompts, sector)):
        return from_page(page, source, language, shown=sector.own_page is None)
    if source.material:
        own = prompts.path(f"{HOME}/{sector.name}/{source.file}")
        file = input or own or Path(source.file)
        return from_material(file, source.material, source.what, language, shown=input is None)
    if source.tasks:
        shipped = prompts.read(f"{HOME}/{sector.name}/{source.file}")
        return from_tasks(shipped, input if source.input else None, source, language)
    if input is not None and source.input:
        return from_input(input, source.what, language)
    return from_data(prompts, f"{HOME}/{sector.name}/{source.file}", source.what, language)


def _changed(levels: Iterable[Mapping[str, Any]], changes: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    found = [dict(level) for level in levels]
    if stray := set(changes) - {level.get("name") for level in found}:
        raise ValueError(f"levels.{sorted(stray)[0]}: no such level")
    for name, change in changes.items():
        if odd := set(change) - {"batch", "passes"}:
            raise ValueError(f"levels.{name}.{sorted(odd)[0]}: a preset changes batch and passes only")
    return [level | dict(changes.get(level.get("name", ""), {})) for level in found]


def _near(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else f" (there are: {', '.join(names)})"
