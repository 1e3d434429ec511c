"""A training that is killed, again and again, ends in the weights of one that never was, bit for bit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import base
from small_trainings import told, toy

from trainer.loop import checkpoint
from trainer.loop.train import train
from trainer.settings import LoraSettings, TrainSettings

PATIENCE_S = 120
INTERRUPTED = 130
LORA = LoraSettings(r=4, alpha=8, dropout=0.2)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums of one thread come in one order, and a forked process has no other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Child:
    """A process that trains, forked from this one, which has all libraries; its lines stand in a file."""

    def __init__(self, settings: TrainSettings) -> None:
        self.said = settings.out.with_suffix(".said")
        self.said.write_text("")
        if (pid := os.fork()) == 0:
            status = 1
            try:
                train(settings, self._say)
                status = 0
            except KeyboardInterrupt:
                status = INTERRUPTED
            finally:
                os._exit(status)
        self.pid = pid

    def _say(self, line: str) -> None:
        with self.said.open("a") as file:
            file.write(line + "\n")

    def wait_until(self, there: Callable[[], bool]) -> None:
        """Until it is there; the test fails where the training ends before."""
        until = time.monotonic() + PATIENCE_S
        while not there():
            assert os.waitpid(self.pid, os.WNOHANG) == (0, 0), self.said.read_text()
            assert time.monotonic() < until, "it did not come"
            time.sleep(0.002)

    def end(self, number: int = 0) -> int:
        """Send it a signal and wait for its end; its status, or minus the signal that ended it."""
        os.kill(self.pid, number)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def last_step(out: Path) -> int:
    found = checkpoint.latest(out)
    return 0 if found is None else int(found.name[5:])


def killed(settings: TrainSettings) -> int:
    """Train until a new checkpoint is there, and kill; the step of the last whole checkpoint."""
    before, places = last_step(settings.out), settings.out / "checkpoints"
    process = Child(settings)
    process.wait_until(lambda: any(int(path.name[5:]) > before for path in places.glob("step-*")))
    assert process.end(signal.SIGKILL) == -signal.SIGKILL
    return last_step(settings.out)


def as_never_killed(folder: Path, weights: str, **changes: Any) -> None:
    """Three kills, each after new checkpoints, against a training in this process that none disturbs."""
    never = toy(folder, out="never", **changes)
    summary = train(never, lambda _: None)
    torn = toy(folder, out="torn", **changes)
    steps = [killed(torn) for _ in range(3)]
    assert steps == sorted(set(steps))
    assert steps[0] > 0
    assert steps[-1] < never.max_steps  # type: ignore[operator]
    last = Child(torn)
    assert last.end() == 0
    said = last.said.read_text()
    assert f"goes on from {checkpoint.step_folder(torn.out, steps[-1])}, {steps[-1]:,} steps done" in said
    mine, theirs = (one.out / "model" / weights for one in (torn, never))
    assert mine.read_bytes() == theirs.read_bytes()
    assert told(torn.out, "loss") == told(never.out, "loss")
    assert told(torn.out, "eval_loss") == told(never.out, "eval_loss")
    again = train(torn, lambda _: None)
    assert {**again, "model": ""} == {**summary, "model": ""}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_kills_leave_no_trace_in_a_model_from_scratch(tmp_path: Path) -> None:
    as_never_killed(
        tmp_path,
        "model.safetensors",
        max_steps=60,
        save_every=3,
        validation=20,
        eval_every=10,
        schedule="cosine",
        warmup_steps=5,
        weight_decay=0.1,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_kills_leave_no_trace_in_an_adapter_with_dropout(tmp_path: Path) -> None:
    where = str(base(tmp_path / "m", max_position_embeddings=256))
    as_never_killed(
        tmp_path, "adapter_model.safetensors", model=where, lora=LORA, max_steps=40, save_every=2, batches="pack"
    )


def test_a_training_ends_the_same_wherever_it_was_cut(tmp_path: Path) -> None:
    """In one process: after each checkpoint in turn, from that one alone."""
    never = toy(tmp_path, out="never", max_steps=8, save_every=2, keep=9, batch_tokens=600, epochs=0.5, count=300)
    train(never, lambda _: None)
    wanted = (never.out / "model" / "model.safetensors").read_bytes()
    for step in (2, 4, 6):
        cut = never.model_copy(update={"out": tmp_path / f"cut{step}"})
        (cut.out / "checkpoints").mkdir(parents=True)
        where = checkpoint.step_folder(cut.out, step)
        subprocess.run(["cp", "-r", checkpoint.step_folder(never.out, step), where], check=True)
        subprocess.run(["cp", "-r", never.out / "tokenizer", never.out / "train.json", cut.out], check=True)
        train(cut, lambda _: None)
        assert (cut.out / "model" / "model.safetensors").read_bytes() == wanted
        assert told(cut.out, "loss") == told(never.out, "loss")[step:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_after_its_step_with_a_checkpoint_of_that(tmp_path: Path, number: signal.Signals) -> None:
    settings = toy(tmp_path, max_steps=5_000, epochs=5_000, save_every=5_000)
    process = Child(settings)
    process.wait_until(lambda: "step 3/" in process.said.read_text())
    assert process.end(number) == INTERRUPTED
    (step,) = (step for step, _ in checkpoint.checkpoints(settings.out))
    assert 3 <= step < 5_000
    assert len(told(settings.out, "loss")) == step
    state = checkpoint.read_state(checkpoint.step_folder(settings.out, step))
    assert (state.step, state.cursor["step"]) == (step, step)
    assert not (settings.out / "summary.json").exists()


def test_an_interrupted_training_goes_on_to_the_weights_of_one_that_never_was(tmp_path: Path) -> None:
    never = toy(tmp_path, out="never", max_steps=9, save_every=4, validation=20, eval_every=4)
    summary = train(never, lambda _: None)
    torn = never.model_copy(update={"out": tmp_path / "torn"})

    def interrupt(line: str) -> None:
        if line.startswith("step 6/"):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(torn, interrupt)
    assert last_step(torn.out) == 6
    again = train(torn, lambda _: None)
    assert {**again, "model": ""} == {**summary, "model": ""}
    files = [(one.out / "model" / "model.safetensors").read_bytes() for one in (never, torn)]
    assert files[0] == files[1]
