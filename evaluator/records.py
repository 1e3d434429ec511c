"""What the evaluator writes and reads: items, answers, judgments, figures."""

from typing import Any, Literal, NamedTuple

from pydantic import Field

from dialogue.records import Record, Usage

State = Literal["parsed", "unparsed", "refused", "call_failed"]
"""What came of one call. Only a parsed one has a verdict: nothing else ever becomes a number."""
STATES: tuple[State, ...] = ("parsed", "unparsed", "refused", "call_failed")


class Item(Record):
    """One question of a benchmark."""

    benchmark: str
    id: str
    turns: tuple[str, ...]
    """What the user says, turn by turn."""
    category: str | None = None
    references: tuple[str, ...] = ()
    """Reference answers, one a turn, where there are some."""
    passage: str | None = None
    system: str | None = None
    """The system message that it is asked under."""
    row: dict[str, Any] = Field(default_factory=dict)
    """Everything else that the benchmark's file says of it."""

    @property
    def cluster(self) -> str:
        """The question as figures count it: by its name over all benchmarks."""
        return f"{self.benchmark}/{self.id}"


class Answer(Record):
    """One system's answer to an item: all its turns, or as far as it came."""

    benchmark: str
    item: str
    system: str
    sample: int = 0
    turns: tuple[str, ...] = ()
    finish: tuple[str | None, ...] = ()
    """Why each turn ended, as the endpoint said."""
    named: str | None = None
    """The model as the endpoint named itself."""
    failed: str | None = None
    """Why there is no further turn."""


class Verdict(Record):
    """What a judge said, read."""

    scores: tuple[float, ...] = ()
    """In the order in which the answers were shown."""
    preference: float | None = None
    """0 to 1: how much the answer shown first is preferred to the second; 0.5 is a tie."""
    strength: float = 1.0
    """What the verdict weighs, where a protocol weighs strong ones more."""
    read_as: Literal["json", "text", "logprobs", "stored"] = "text"


class Judgment(Record):
    """One judge call: a line of judgments.jsonl."""

    key: str
    """Of everything that was sent and whose answers it shows: an equal call is not made twice."""
    protocol: str
    benchmark: str
    item: str
    category: str | None = None
    shown: tuple[str, ...]
    """The systems in the order in which their answers stood in the prompt."""
    lengths: tuple[int, ...] = ()
    """Characters of those answers."""
    turn: int | None = None
    """From 1; None: all turns at once."""
    order: int = 0
    """0: as the protocol lists the systems; 1: the other way round; of sheets the number of the shuffle."""
    sample: int = 0
    repeat: int = 0
    judge: str | None = None
    """As it was asked for."""
    named: str | None = None
    """As it named itself."""
    fingerprint: str | None = None
    prompt: str | None = None
    """Hash of the prompt's template."""
    seed: int | None = None
    raw: str | None = None
    """The reply, whole."""
    state: State
    detail: str | None = None
    """Why there is no verdict."""
    verdict: Verdict | None = None
    format: Literal["schema", "text"] | None = None
    """Whether the endpoint took the schema."""
    usage: Usage | None = None
    attempt: int = 1
    alternatives: tuple[tuple[str, float], ...] = ()
    """The first token's alternatives with log-probabilities, where the protocol reads them."""

    @property
    def cluster(self) -> str:
        """The question as figures count it."""
        return f"{self.benchmark}/{self.item}"


class Point(NamedTuple):
    """One value that a figure averages."""

    item: str
    """The question's cluster."""
    value: float
    category: str | None = None
    turn: int | None = None
    weight: float = 1.0


class Figure(Record):
    """One number of a report, with how sure it is."""

    name: str
    """What is measured: win_rate, mean_score ..."""
    unit: str
    """percent, points 1-10 ..."""
    system: str
    against: str | None = None
    benchmark: str
    protocol: str
    category: str | None = None
    split: Literal["all", "clean", "contaminated"] = "all"
    value: float | None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    method: str = "none"
    n_asked: int
    """Calls, or answers, that the figure should stand on."""
    n_scored: int
    """Those that it stands on."""
    clusters: int = 0
    """Different questions among those."""
    worst: float | None = None
    """Where more than 2 % have no verdict: the figure if all of those were as bad as can be."""
    best: float | None = None
    headline: bool = False
    """Whether systems are ranked by it."""
    note: str | None = None
