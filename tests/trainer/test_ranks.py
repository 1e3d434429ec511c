"""Two processes under torchrun, each with its part of the model, train what one does: FSDP2 over gloo, on a CPU."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from small_models import base
from small_trainings import told, toy
from torch import Tensor
from transformers import AutoModelForCausalLM

from trainer.loop import checkpoint
from trainer.loop.train import train
from trainer.settings import LoraSettings, TrainSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LORA = LoraSettings(r=4, alpha=8)
STEPS = 6
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
PROGRAM = """
import json, os, shutil, sys
from pathlib import Path
import torch
from trainer.loop.parallel import leave
from trainer.loop.train import train
from trainer.settings import TrainSettings
torch.set_num_threads(1)
first = os.environ["RANK"] == "0"
for job in json.loads(Path(sys.argv[1]).read_text()):
    settings = TrainSettings.model_validate(job["settings"])
    if first and job["onto"]:
        shutil.copytree(job["onto"], settings.out, dirs_exist_ok=True)
    summary = train(settings, print)
    note = settings.out.with_name(f"{settings.out.name}.rank{os.environ['RANK']}.json")
    note.write_text(json.dumps(summary))
leave(0)
"""


class Job(NamedTuple):
    """A training in two processes, and what its folder holds before."""

    settings: TrainSettings
    onto: Path | None = None


def cut_after(out: Path, step: int, to: Path) -> Path:
    """What a training's folder was when it had saved this step."""
    (to / "checkpoints").mkdir(parents=True)
    for name in ("train.json", "tokenizer"):
        if (out / name).is_file():
            shutil.copy(out / name, to / name)
        elif (out / name).is_dir():
            shutil.copytree(out / name, to / name)
    shutil.copytree(checkpoint.step_folder(out, step), checkpoint.step_folder(to, step))
    return to


def in_two(folder: Path, jobs: list[Job]) -> str:
    """Train one after the other under torchrun; what was said."""
    program, asked = folder / "two.py", folder / "jobs.json"
    program.write_text(PROGRAM)
    listed = [{"settings": job.settings.model_dump(mode="json"), "onto": job.onto and str(job.onto)} for job in jobs]
    asked.write_text(json.dumps(listed))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    done = subprocess.run(
        [sys.executable, *LAUNCHER, str(program), str(asked)],
        env={**os.environ, **threads, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONFAULTHANDLER": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


class Pair(NamedTuple):
    """The same training in one process and in two."""

    one: Path
    two: Path


class Runs(NamedTuple):
    folder: Path
    settings: dict[str, TrainSettings]
    """By name, of the training in one process."""
    pairs: dict[str, Pair]
    said: str


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("ranks")
    untied = str(base(folder / "untied", max_position_embeddings=256))
    other = str(base(folder / "other", template="vicuna", max_position_embeddings=256, tie_word_embeddings=True))
    # Steps of 15 dialogues in micro-batches of 128 tokens: an odd number of them for most.
    common: dict[str, Any] = {
        "batch": 15, "batch_tokens": None, "micro_tokens": 128, "max_steps": STEPS, "save_every": 2, "lr": 1e-3,
        "weight_decay": 0.1, "eps": 1e-6, "keep": 9,
    }  # fmt: skip
    kinds: dict[str, dict[str, Any]] = {
        "scratch": {"validation": 21, "eval_every": 2, "batches": "pack"},
        "untied": {"model": untied, "batches": "group", "gradient_checkpointing": True},
        "adapter": {"model": other, "lora": LORA, "batches": "pack"},
    }
    settings = {name: toy(folder, out=f"{name}.one", **common, **kind) for name, kind in kinds.items()}
    jobs = []
    for name, one in settings.items():
        train(one, lambda _: None)
        jobs.append(Job(one.model_copy(update={"out": folder / f"{name}.two"})))
    for name in ("scratch", "adapter"):
        begun = cut_after(settings[name].out, 2, folder / f"{name}.begun")
        jobs.append(Job(settings[name].model_copy(update={"out": folder / f"{name}.one-two"}), begun))
    jobs.append(Job(jobs[0].settings))  # once more: it is done
    said = in_two(folder, jobs)
    return Runs(folder, settings, {name: Pair(folder / f"{name}.one", folder / f"{name}.two") for name in kinds}, said)


def weights(out: Path) -> dict[str, Tensor]:
    (file,) = (out / "model").glob("*.safetensors")
    return load_file(file)


def apart(one: Path, two: Path) -> float:
    mine, theirs = weights(one), weights(two)
    assert mine.keys() == theirs.keys()
    return max(float((value - theirs[name]).abs().max()) for name, value in mine.items())


def losses_apart(one: list[float], two: list[float]) -> float:
    return max(abs(mine - theirs) for mine, theirs in zip(one, two, strict=True))


NAMES = ["scratch", "untied", "adapter"]


def test_some_steps_give_one_rank_more_micro_batches_than_the_other(runs: Runs) -> None:
    from trainer.batches.store import Store, View
    from trainer.loop.course import course, sizes_of

    for settings in runs.settings.values():
        store = Store(settings.out / "data")
        found = course(View(store, store.learned).lengths, sizes_of(settings, False), settings)
        counts = [len(step) for step in found.steps()]
        assert any(count % 2 for count in counts), counts
        assert max(counts) > 2


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_have_the_losses_and_gradients_of_one(runs: Runs, name: str) -> None:
    one, two = runs.pairs[name]
    assert losses_apart(told(one, "loss"), told(two, "loss")) < 1e-5
    assert losses_apart(told(one, "grad_norm"), told(two, "grad_norm")) < 1e-5 * max(told(one, "grad_norm"))
    assert len(told(two, "loss")) == STEPS


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_end_in_the_weights_of_one(runs: Runs, name: str) -> None:
    assert apart(*runs.pairs[name]) < 1e-5


def test_what_was_held_out_is_counted_once_over_both(runs: Runs) -> None:
    one, two = runs.pairs["scratch"]
    assert losses_apart(told(one, "eval_loss"), told(two, "eval_loss")) < 1e-5


def test_tokens_of_both_are_told(runs: Runs) -> None:
    one, two = (json.loads((out / "summary.json").read_text()) for out in runs.pairs["scratch"])
    assert one["useful_tokens"] == two["useful_tokens"]
    assert one["parameters"] == two["parameters"]
    assert one["best_step"] == two["best_step"]


def test_a_matrix_under_two_names_is_written_once(runs: Runs) -> None:
    one, two = runs.pairs["scratch"]
    assert (one / "model" / "model.safetensors").stat().st_size == (two / "model" / "model.safetensors").stat().st_size
    model = AutoModelForCausalLM.from_pretrained(two / "model")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("name", ["scratch", "adapter"])
def test_two_processes_go_on_from_the_checkpoint_of_one(runs: Runs, name: str) -> None:
    out = runs.folder / f"{name}.one-two"
    assert apart(runs.pairs[name].one, out) < 1e-5
    assert len(told(out, "loss")) == STEPS - 2


@pytest.mark.parametrize("name", NAMES)
def test_one_process_goes_on_from_the_checkpoint_of_two(runs: Runs, tmp_path: Path, name: str) -> None:
    out = cut_after(runs.pairs[name].two, 4, tmp_path / "out")
    train(runs.settings[name].model_copy(update={"out": out}), lambda _: None)
    assert apart(runs.pairs[name].one, out) < 1e-5
    assert len(told(out, "loss")) == STEPS - 4


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_two_holds_what_one_of_one_does(runs: Runs, name: str) -> None:
    mine, theirs = (checkpoint.read_state(checkpoint.step_folder(out, 4)) for out in runs.pairs[name])
    assert mine.optimizer.keys() == theirs.optimizer.keys()
    for parameter, moments in mine.optimizer.items():
        for key, value in moments.items():
            assert value.shape == theirs.optimizer[parameter][key].shape
            assert torch.allclose(value, theirs.optimizer[parameter][key], atol=1e-5), (parameter, key)
    assert mine.cursor["step"] == theirs.cursor["step"] == 4


def test_the_second_rank_says_and_writes_nothing(runs: Runs) -> None:
    summaries = [json.loads((runs.folder / f"scratch.two.rank{rank}.json").read_text()) for rank in (0, 1)]
    assert summaries[0] == summaries[1] == json.loads((runs.pairs["scratch"].two / "summary.json").read_text())
    told_twice = [line for line in runs.said.splitlines() if line.startswith("step 1/")]
    assert len(told_twice) == len(NAMES)
    assert {path.name for path in runs.pairs["untied"].one.iterdir()} == {
        path.name for path in runs.pairs["untied"].two.iterdir()
    }
