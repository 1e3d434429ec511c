"""What the pages read of a report.json; keys that they do not know are left alone, missing ones are empty."""

from pydantic import BaseModel, ConfigDict, JsonValue


class Shape(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Shape):
    """A message as an example shows it, long ones cut."""

    role: str = ""
    content: str = ""


class Shown(Shape):
    """A dialogue as an example shows it."""

    id: str = ""
    messages: tuple[Message, ...] = ()


class Example(Shown):
    """A dialogue that was dropped."""

    reason: str = ""
    evidence: dict[str, JsonValue] = {}
    beside: Shown | None = None
    """What was kept instead."""


class Edit(Shown):
    """A dialogue that was edited."""

    after: tuple[Message, ...] = ()


class Measured(Shape):
    """The values of one measure, and its limits."""

    values: tuple[tuple[float, int], ...] = ()
    """Value, floored to two significant digits, and how many dialogues have it."""
    least: float | None = None
    most: float | None = None
    at: tuple[tuple[float, int], ...] = ()
    """Threshold, and how many dialogues lie beyond it: above, or below where there is no upper limit."""
    at_least: tuple[tuple[float, int], ...] = ()
    """Where there are two limits, the same of the lower one."""


class FilterShape(Shape):
    """One filter of the chain."""

    name: str
    use: str = ""
    read: int = 0
    looked_at: int | None = None
    """How many of them concerned it; None where an older report does not tell."""
    dropped: int = 0
    edited: int = 0
    noted: int = 0
    notes: int = 0
    """Lines that they have."""
    reasons: dict[str, int] = {}
    settings: dict[str, JsonValue] = {}
    measures: dict[str, Measured] = {}
    details: dict[str, JsonValue] = {}
    examples: tuple[Example, ...] = ()
    edits: tuple[Edit, ...] = ()


class Recall(Shape):
    """How many of the near duplicates were found."""

    predicted: float | None = None
    planted: int = 0
    found: int = 0
    with_original: int | None = None
    levels: tuple[tuple[float, int, int], ...] = ()
    """Jaccard from, planted, found."""


class Sized(Shape):
    """Details of a filter that looks for copies."""

    clusters: tuple[tuple[int, int], ...] = ()
    """Size, and how many there are."""


class Near(Sized):
    """Details of the near duplicates."""

    threshold: float
    level: str = ""
    ngram: int = 0
    perms: int = 0
    bands: int = 0
    rows: int = 0
    documents: int = 0
    pairs: int = 0
    jaccard: tuple[tuple[float, int], ...] = ()
    at: tuple[tuple[float, int], ...] = ()
    recall: Recall = Recall()
    capped_buckets: int = 0
    pairs_file: str | None = None


class BenchmarkShape(Shape):
    """One benchmark's row."""

    name: str
    layout: str = ""
    items: int = 0
    items_hit: int = 0
    dialogues_hit: int = 0
    certain: int = 0
    candidate: int = 0
    longest_span: float | None = None
    """In words."""
    coverage: float | None = None
    clean_items: int | tuple[str, ...] = 0
    """How many, or which."""

    @property
    def clean(self) -> int:
        """How many items were not hit."""
        return self.clean_items if isinstance(self.clean_items, int) else len(self.clean_items)


class Overlap(Shape):
    """Items of one benchmark that stand in another."""

    benchmark: str
    inside: str
    items: int = 0
    of: int = 0
    examples: JsonValue = None


class Row(Shape):
    """How much a rule or tier found."""

    by: str
    found: int = 0
    misnamed: int = 0
    share: float | None = None
    low: float = 0.0
    high: float = 1.0


class Kind(Shape):
    """One kind of planted leak."""

    kind: str
    planted: int = 0
    line: str = ""
    found: tuple[Row, ...] = ()


class Unplanted(Shape):
    """The same dialogues with nothing planted."""

    hosts: int = 0
    found: tuple[Row, ...] = ()


class SelfTest(Shape):
    """Planted leaks, and what found them."""

    hosts: int = 0
    items: int = 0
    benchmarks: dict[str, int] = {}
    kinds: tuple[Kind, ...] = ()
    unplanted: Unplanted = Unplanted()


class Leaks(Shape):
    """What both pages tell of contamination."""

    benchmarks: tuple[BenchmarkShape, ...] = ()
    overlap: tuple[Overlap, ...] = ()
    self_test: SelfTest | None = None


class HitShape(Shape):
    """A message beside the item that it looks like."""

    id: str = ""
    benchmark: str = ""
    item: str = ""
    tier: str = ""
    rule: str = ""
    rules: tuple[str, ...] = ()
    part: str = ""
    message: int | None = None
    span_words: int | None = None
    coverage: float | None = None
    containment: float | None = None
    text: str = ""
    text_span: tuple[int, int] | None = None
    item_text: str = ""
    verdict: str | None = None
    verdict_reason: str | None = None


class Spent(Shape):
    """What questions have cost."""

    cost_usd: float | None = None


class Asked(Shape):
    """What became of the questions to a model."""

    model_config = ConfigDict(frozen=True, extra="allow")

    model: str | None = None
    endpoint: str | None = None
    questions: int = 0
    stopped: str | None = None
    spent: Spent = Spent()

    @property
    def ends(self) -> dict[str, int]:
        """How many questions ended how."""
        extra = self.__pydantic_extra__ or {}
        return {name: n for name, n in extra.items() if isinstance(n, int) and name != "per_item"}


class Input(Shape):
    """A file that was read."""

    path: str
    bytes: int = 0
    rows: int = 0
    digest: str = ""
    torn: bool = False


class Report(Shape):
    """What both reports have."""

    read: int = 0
    refused: int = 0
    settings: dict[str, JsonValue] = {}
    inputs: tuple[Input, ...] = ()
    versions: dict[str, str | None] = {}


class FilterReport(Report):
    """report.json of `gen filter`."""

    kept: int = 0
    dropped: int = 0
    edited: int = 0
    filters: tuple[FilterShape, ...] = ()
    against: tuple[str, ...] = ()
    notes: str | None = None


class ContaminationReport(Report, Leaks):
    """report.json of `gen contamination`."""

    hits: tuple[HitShape, ...] = ()
    hits_total: int | None = None
    judge: Asked | None = None
    rephrase: Asked | None = None
