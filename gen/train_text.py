"""What `gen train` shows: its progress, its summary, its plan."""

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from gen.progress import Progress
from gen.ranks import speaks
from gen.toml_text import toml_value

if TYPE_CHECKING:
    from trainer.loop.plan import Plan
    from trainer.settings import TrainSettings


class Telling:
    """On a terminal a bar with notes above it; elsewhere the notes, and a line for what is new of the steps."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stderr
        self._progress = Progress("steps", self._file)
        self._told = ""

    def __enter__(self) -> "Telling":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.close()

    def say(self, line: str) -> None:
        """A note."""
        if speaks():
            self._progress.say(line)

    def seen(self, stage: str, done: int, total: int, more: str) -> None:
        """So much of a stage is done; `more` is what the last step told of itself."""
        if self._file.isatty():
            self._progress.show(stage, done, total, more)
            return
        self._progress.note(stage, done)
        if more and more != self._told:
            self._told = more
            self.say(f"step {done:,}/{total:,}  {more}  {self._progress.eta(total)}".rstrip())


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """The summary of a training for a person; the model's folder last."""
    lines = [f"{summary['steps']:,} steps, {summary['useful_tokens']:,} tokens"]
    if summary.get("eval_loss") is not None:
        lines.append(f"eval loss {summary['eval_loss']:.4f}")
    if "exact_replies" in summary:
        lines.append(f"exact replies: {summary['exact_replies']:.1%} of {summary['n']:,} held-out turns")
    return [*lines, str(summary["model"])]


def settings_lines(settings: "TrainSettings", to_be_given: Mapping[str, Any]) -> list[str]:
    """All settings as the TOML that says them whole, tables last, as TOML wants it; with what is `to_be_given` yet."""
    left_out = {"scratch"} if settings.model is not None else set[str]()
    values = settings.model_dump(mode="json", exclude=left_out)
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = ["[train]"]
    for name, value in values.items():
        if value is None or value == to_be_given.get(name):
            lines.append(f"# {name}: {'not set' if value is None else 'to be given'}")
        elif name not in tables and value != []:
            lines.append(_assigned(name, value))
    for name, table in tables.items():
        if table:
            lines += ["", f"[train.{name}]", *(_assigned(key, value) for key, value in table.items())]
    return lines


def _assigned(name: str, value: Any) -> str:
    return f"# {name}: not set" if value is None else f"{_key(name)} = {toml_value(value)}"


def _key(name: str) -> str:
    """As TOML takes it: quoted where it has more than letters, digits and underscores."""
    return name if name.replace("_", "").isalnum() and name.isascii() else toml_value(name)


def plan_lines(plans: Sequence["Plan"]) -> list[str]:
    """Plans for a person, stage after stage."""
    lines = [line for plan in plans for line in _plan_lines(plan)]
    if len(plans) > 1:
        lines.append(f"all stages: {sum(plan.steps for plan in plans):,} steps, {_hours(sum(p.hours for p in plans))}")
    return lines


def _plan_lines(plan: "Plan") -> list[str]:
    counted, memory = plan.parameters, plan.memory_gib
    share = "all trained" if counted.trained == counted.all else f"{counted.trained:,} trained"
    held = f", {plan.held_out:,} more held out" if plan.held_out else ""
    kept, other = memory.activations, memory.activations_checkpointed
    if plan.gradient_checkpointing:
        kept, other = other, kept
    parts = {
        **memory.model_dump(include={"weights", "gradients", "moments", "copies"}),
        "activations": kept,
        "logits": memory.logits,
    }
    size = (
        "" if plan.device_memory_gib is None else f", {_gib(plan.device_memory_gib)} GiB{'' if plan.gpu else ' free'}"
    )
    return [
        *([f"stage {plan.name}"] if plan.name else []),
        f"parameters   {counted.all:,}, {share}",
        f"data         {plan.dialogues:,} dialogues -> {plan.examples:,} examples{held}, {plan.tokens:,} tokens, "
        f"{plan.taught:.1%} taught",
        f"steps        {plan.steps:,} of {plan.tokens_a_step:,} tokens, {plan.epochs:g} epochs; at most "
        f"{plan.micro_tokens:,} tokens at once",
        *(f"             {note}" for note in plan.notes),
        f"memory       {_gib(memory.total)} GiB: " + ", ".join(f"{name} {_gib(part)}" for name, part in parts.items()),
        f"             {'without' if plan.gradient_checkpointing else 'with'} gradient checkpointing: activations "
        f"{_gib(other)}",
        f"time         {_hours(plan.hours)} of steps: {plan.flops:.3g} FLOPs at {plan.utilisation:.0%} of "
        f"{_rate(plan.flops_per_s)} ({plan.peak})",
        f"{plan.device}{size}: {plan.verdict}"
        + (f"; try {', or '.join(plan.try_instead)}" if plan.try_instead else ""),
    ]


def _gib(number: float) -> str:
    return f"{number:,.1f}" if number >= 0.1 else f"{number:.2g}"


def _hours(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:,.1f} min" if hours * 60 >= 1 else "under a minute"


def _rate(flops_per_s: float) -> str:
    return f"{flops_per_s / 1e12:,.0f} TFLOP/s" if flops_per_s >= 1e12 else f"{flops_per_s / 1e9:,.0f} GFLOP/s"
