"""The commands as Python functions, for scripts and notebooks.

    from gen.api import run, plan, dialogues
    summary = run(sector="world-questions", n=20, endpoint="builtin", out="runs/first")
    for dialogue in dialogues("runs/first"): ...

Keyword arguments bear the names of the command's long options, dashes as underscores.
"""

import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialogue.records import Dialogue
from gen.config import run_settings
from gen.extras import extras_named
from gen.loops import OnStart, finish
from gen.mixing import mixture_of, run_parts
from gen.planning import MixturePlan, planned, planned_run
from generator.estimate import Estimate
from generator.settings import RunSettings

if TYPE_CHECKING:
    from dialogue.conversion.convert import Report
    from filters.engine.settings import FilterSettings
    from gen.answering import Summary
    from trainer.loop.plan import Plan
    from trainer.serving.conversation import Conversation
    from trainer.settings import TrainSettings


def run(*, retry_failed: bool = False, config: str | Path | None = None, **options: object) -> dict[str, Any]:
    """Make dialogues as `gen run` does; returns the summary, whose `status` is the command's exit status.

    Of several sectors (`sector="creation:3,recall:1"`, or a dict) it holds a summary each, under `sectors`. What is one
    sector's own is given as `input={"materials": "passages.jsonl"}`, or `sectors={"materials": {"rounds": "2-3"}}`.

    May be called under a running event loop, as in a notebook: it then works in a thread of its own, and an
    interrupt of the cell ends it in good order. Raises UsageError for a bad setting or input.
    """
    mixture = mixture_of(_given(options), _place(config))
    if mixture is not None:
        return run_parts(mixture, lambda part: run_settled(part, retry_failed=retry_failed, about=part.sector))
    return run_settled(run_settings(_given(options), _place(config)), retry_failed=retry_failed)


def run_settled(settings: RunSettings, *, retry_failed: bool = False, about: str | None = None) -> dict[str, Any]:
    """`run` for settings that are made already; `about` stands before every line that it says."""
    from generator.progress import Progress
    from generator.run import run as engine

    def work(on_start: OnStart | None) -> Coroutine[Any, Any, dict[str, Any]]:
        return engine(settings, retry_failed=retry_failed, progress=Progress(about=about), on_start=on_start)

    return finish(work)


def plan(*, config: str | Path | None = None, **options: object) -> Estimate | MixturePlan:
    """What `run` with the same arguments would ask and cost, of several sectors each and the sum; sends nothing.

    Needs no key. Raises UsageError where `run` would.
    """
    mixture = mixture_of(_given(options), _place(config), keys=False)
    return planned(mixture) if mixture else planned_run(run_settings(_given(options), _place(config), keys=False))


def dialogues(path: str | Path) -> Iterator[Dialogue]:
    """The finished dialogues of a run folder, or of a file in any format that `dialogue/formats` reads."""
    from dialogue.reading import read

    return read(Path(path))


def _given(options: Mapping[str, object]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _place(config: str | Path | None) -> Path | None:
    return Path(config) if config else None


def convert(*inputs: str | Path, out: str | Path, split: str | None = None, **options: Any) -> "Report":
    """Convert dialogues as `gen convert` does; returns what was read, written, dropped and not held.

    Options are `from_`, `to`, `sample`, `by`, `seed`, `tree_paths`, `fold`, `split_thoughts` and `overwrite`. Raises
    UsageError for a wrong one or an input that cannot be read; rows that cannot are in the report and in
    OUT.dropped.jsonl.
    """
    from dialogue.conversion.convert import convert as converted
    from gen.converting import conversion

    return converted(conversion([*inputs, out], split=split, **options))


def filter(
    *inputs: str | Path,
    out: str | Path,
    preset: str | None = None,
    config: str | Path | None = None,
    filters: Sequence[Mapping[str, Any]] | None = None,
    benchmarks: Sequence[str] = (),
    against: Sequence[str | Path] = (),
    changes: Sequence[str] = (),
    without: Sequence[str] = (),
    format: str | None = None,
    workers: int = 1,
    cache: str | Path | None = None,
) -> dict[str, Any]:
    """Filter dialogues as `gen filter` does; returns the report, which is also in `out`/report.json.

    `filters` is a chain of tables, as `[{"use": "near_duplicates", "threshold": 0.8}]`. More than one worker asks that
    a script's own work stands under `if __name__ == "__main__":`. Raises UsageError for a wrong setting or input.
    """
    from gen.filter_config import filter_settings

    return filter_settled(
        filter_settings(
            inputs,
            out,
            preset_name=preset,
            config=config,
            filters=filters,
            benchmarks=benchmarks,
            against=against,
            changes=changes,
            without=without,
            format=format,
            workers=workers,
            cache=cache,
        )
    )


def filter_settled(settings: "FilterSettings") -> dict[str, Any]:
    """`filter` for settings that are made already."""
    from filters.engine.walk import filtered
    from gen.progress import Progress, say_inputs

    with Progress("bytes") as progress:
        say_inputs(progress, (*settings.inputs, *settings.against))
        return filtered(settings, progress.show)


def contamination(
    *inputs: str | Path, config: str | Path | None = None, workers: int = 1, **options: object
) -> dict[str, Any]:
    """Report on benchmark items in dialogues as `gen contamination` does; `status` is the command's exit status.

    Options bear the names of the command's, but for `benchmarks`, a list; as
    `contamination("runs/first", benchmarks=["gsm8k.jsonl"], out="leaks", judge="openai")`. May be called under a
    running event loop. Raises UsageError for a wrong setting or input.
    """
    from gen.contamination import settled
    from gen.contamination_config import contamination_settings

    flags = {name: value for name, value in options.items() if value is not None}
    return settled(contamination_settings(inputs, {"workers": workers, **flags}, Path(config) if config else None))


def train(
    *data: str | Path,
    out: str | Path,
    recipe: str | None = None,
    config: str | Path | None = None,
    changes: Sequence[str] = (),
    **options: object,
) -> dict[str, Any]:
    """Train as `gen train` does; returns the summary, whose `model` is the model's folder.

    Options are settings of `trainer.settings.TrainSettings` (`model`, `lr`, `epochs` ...); as
    `train("clean", out="models/first", recipe="vicuna", model="base", epochs=1)`. Lines for people go to stderr.
    Raises UsageError for a wrong setting or input, RunStopped where memory or disk end it.
    """
    from gen.train_config import train_settings

    flags = {name: value for name, value in options.items() if value is not None}
    settings = train_settings(data, out, recipe_name=recipe, config=config, flags=flags, changes=changes)
    return train_settled(settings)


def train_settled(
    settings: "TrainSettings",
    said: Callable[[str], None] | None = None,
    seen: Callable[[str, int, int, str], None] | None = None,
    *,
    auto_batch: bool = False,
) -> dict[str, Any]:
    """`train` for settings that are made already: all stages, one after the other.

    `said` hears lines for people, `seen` the steps: stage, done, of how many, what the last one told. With
    `auto_batch` the tokens that go through the network at once are found by trying.
    """
    with extras_named():
        from trainer.loop.ahead import look_ahead, read_ahead
        from trainer.loop.train import train as learn
        from trainer.nets.unstated import by_model, chosen
        from trainer.stages import stages

        def aloud(line: str) -> None:
            print(line, file=sys.stderr, flush=True)

        summary: dict[str, Any] = {}
        settings = by_model(settings, said or aloud)
        look_ahead(settings, stages(settings))
        read_ahead(settings, stages(settings))
        for line in chosen(settings) if settings.stages else ():
            (said or aloud)(line)
        for number, stage in enumerate(stages(settings)):
            if settings.stages:
                (said or aloud)(f"stage {settings.stages[number]['name']}, {number + 1} of {len(settings.stages)}")
            summary = learn(stage, said or aloud, seen, auto_batch=auto_batch)
        return summary


def train_plan(
    *data: str | Path,
    recipe: str | None = None,
    config: str | Path | None = None,
    changes: Sequence[str] = (),
    device_memory: float | None = None,
    **options: object,
) -> "list[Plan]":
    """What `train` with the same arguments would take, stage by stage, as `gen train --plan` tells; writes nothing.

    `device_memory` plans for a GPU of so many GiB.
    """
    from gen.train_config import train_settings

    flags = {name: value for name, value in {"out": ".", **options}.items() if value is not None}
    settings = train_settings(data, recipe_name=recipe, config=config, flags=flags, changes=changes)
    with extras_named():
        from trainer.loop.plan import plans

        return plans(settings, lambda _line: None, device_memory_gib=device_memory)


def merge(
    *adapters: str | Path, out: str | Path, model: str | Path | None = None, dtype: str | None = None
) -> dict[str, Any]:
    """Fold adapters into their base as `gen merge` does; returns what was folded into what. Raises UsageError."""
    with extras_named():
        from gen.merging import merge as folded

        return folded(adapters, out, model=None if model is None else str(model), dtype=dtype)


def chat(model: str | Path, **options: Any) -> "Conversation":
    """A conversation with a model: `"".join(talk.ask("Hello"))` is its reply, whose pieces come as they are made.

    Options are those of `gen chat`: `system`, `seed`, `temperature`, `top_p`, `top_k`, `repetition_penalty`,
    `max_tokens`, `device`, `dtype`. Raises UsageError.
    """
    with extras_named():
        from gen.talking import chat as talk

        return talk(model, **options)


def answers(model: str | Path, *, prompts: str | Path, out: str | Path, **options: Any) -> "Summary":
    """Answer a file of prompts as `gen chat --prompts` does; returns how many were answered, now and before, or failed.

    Options are those of `chat`, and `max_batch`. The same call goes on where it was left. Raises UsageError.
    """
    with extras_named():
        from gen.answering import answers as answered

        return answered(model, prompts, out, **options)


def evaluate(*, config: str | Path | None = None, **options: object) -> dict[str, Any]:
    """Score models as `gen evaluate` does; returns the report, whose `status` is the command's exit status.

    Options bear the names of [evaluate]'s keys; as `evaluate(models=["main"], benchmarks=["mt_bench.jsonl"],
    judge="large", out="scores", config="project.toml")`. May be called under a running event loop. Raises UsageError
    for a wrong setting or input.
    """
    from gen.evaluate_config import evaluate_settings

    flags = {name: value for name, value in options.items() if value is not None}
    with extras_named():
        from gen.evaluation import settled

        return settled(evaluate_settings(flags, Path(config) if config else None))


def stats(
    path: str | Path,
    *,
    by: str | None = None,
    against: str | Path | None = None,
    tokenizer: str | None = None,
    sample: int = 10_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Statistics of a corpus as `gen stats --json` tells them; docs/stats.md says what each figure is."""
    from evaluator.corpus.report import corpus_stats

    with extras_named():
        real = Path(against) if against else None
        return corpus_stats(Path(path), by=by, against=real, tokens=tokenizer, sample=sample, seed=seed)
