"""What an evaluation is asked."""

from pathlib import Path

from pydantic import Field, model_validator

from dialogue.records import Record
from generator.asking import Speaker, Terms


class AnswerFile(Record):
    """Answers that somebody else has made."""

    path: Path
    name: str | None = None
    """The system's name; None: as the file says."""


class PlaySettings(Record):
    """Dialogues to be played anew."""

    n: int = Field(ge=1)
    sector: str = "world-questions"
    rounds: tuple[int, int] | None = None
    simulator: Speaker
    """Who plays the user, and writes the openers."""
    seed: int = 10_007
    """Another than a run's default, so that the openers are not those of the training data."""


class EvaluateSettings(Record):
    """Everything that an evaluation needs to know."""

    out: Path
    benchmarks: tuple[str, ...] = ()
    """PATH, NAME=PATH or MAP.toml; a run folder or a file of dialogues too."""
    references: tuple[Path, ...] = ()
    """Reference answers in FastChat's layout."""
    protocols: tuple[str, ...] = ()
    """None named: each benchmark's own."""
    systems: dict[str, Speaker] = Field(default_factory=dict)
    """Who answers, by name."""
    answers: tuple[AnswerFile, ...] = ()
    answers_as: str | None = None
    """The layout in which answers are written out besides our own."""
    judge: Speaker | None = None
    baseline: str | None = None
    """A system's name: pair protocols compare with it; None: with one another."""
    judgments: tuple[Path, ...] = ()
    """Stored judgments, instead of any call."""
    as_stored: bool = False
    """Whether stored verdicts count as they stand, instead of being read anew."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many items of each benchmark."""
    samples: int = Field(default=1, ge=1)
    """Answers to each item, for checks."""
    judge_samples: int | None = Field(default=None, ge=1)
    """Calls for each view; None: the protocol's own."""
    play: PlaySettings | None = None
    """Dialogues that the systems hold with the user simulator, instead of a benchmark."""
    repeats: int = Field(default=1, ge=1)
    """How often the whole judging is repeated, to see how far a judge agrees with itself."""
    contamination: Path | None = None
    """The folder or report of `gen contamination`: scores on clean and on contaminated items apart."""
    difficulty: Path | None = None
    """CSV with `index` and `difficulty`: of instructions, for AlpacaEval's length control."""
    anchors: Path | None = None
    """CSV with index, tanh_std_delta_len, difficulty, y_equivalent: its regularising rows."""
    people: Path | None = None
    """A filled-in sheet with people's verdicts."""
    compare: tuple[Path, ...] = ()
    """Folders of other evaluations whose systems are compared with these."""
    prompts: Path | None = None
    seed: int = 0
    terms: Terms = Terms()

    @model_validator(mode="after")
    def _sound(self) -> "EvaluateSettings":
        if self.judgments and (self.systems or self.answers):
            raise ValueError("--from-judgments reads what was judged: leave out --model and --answers")
        if self.as_stored and not self.judgments:
            raise ValueError("--as-stored is for --from-judgments")
        if self.play is not None and (self.benchmarks or self.answers or self.judgments):
            raise ValueError("--play makes its own dialogues: leave out --benchmark, --answers and --from-judgments")
        if self.play is not None and (not self.systems or self.judge is None):
            raise ValueError("--play needs --model, the systems that play, and --judge")
        if not self.judgments and not self.benchmarks and self.play is None:
            more = " (--compare and --people go with the whole command)" if self.compare or self.people else ""
            raise ValueError(f"--benchmark is missing: name a benchmark's file, as PATH or NAME=PATH{more}")
        if not self.judgments and not self.systems and not self.answers:
            raise ValueError("--model is missing: name an endpoint, or a file of answers with --answers")
        return self


def by(settings: EvaluateSettings) -> str | None:
    """Who judges, as reports name them."""
    if settings.judge is None:
        return None
    return settings.judge.endpoint.model or settings.judge.endpoint.name
