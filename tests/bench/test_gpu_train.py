"""The measurement of a GPU, where there is none: a rehearsal that says what it does not show."""

import sys

import pytest
import torch

from bench import gpu_train
from bench.gpu_train import Chat, Measured, _holds
from trainer.loop.warm import MANY

WITHOUT_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is measured")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gpu_train", *words])
    monkeypatch.setitem(gpu_train.TOY, "steps", 1)
    with pytest.raises(SystemExit) as ended:
        gpu_train.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@WITHOUT_GPU
def test_without_a_gpu_the_plan_runs_at_toy_size_and_says_what_is_not_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--padded", "--shapes", "1.3b,350m", "--steps", "50") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("No GPU here: the same at toy size, as a rehearsal. Asked for: 1.3b, 350m.")
    assert told[1].endswith("of 1.3b, 350m: not yet measured on a GPU.")
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in told if line.startswith("| toy")]
    assert [line[0] for line in table] == ["toy, pack", "toy, pad"]
    assert [line[6] for line in table] == ["-", "-"], "no peak memory is told of a CPU"
    assert float(table[0][2]) == 1 > float(table[1][2])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shapes", "9b"], "--shapes 9b: expected one of toy, 350m, 1.3b"),
        (["--steps", "0"], "--steps 0: expected at least 1"),
        (["--longest", "4096", "--micro-tokens", "2048"], "longest <= micro-tokens <= batch-tokens"),
        (["--micro-tokens", "262144"], "longest <= micro-tokens <= batch-tokens"),
        (["--longest", "8"], "expected 16 <= longest"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert run(monkeypatch, *words) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "batches", "share", "compiled", "holds"),
    [
        ("1.3b", "pack", 0.551, 0, True),
        ("1.3b", "pack", 0.549, 0, False),
        ("1.3b", "pad", 0.12, 0, True),
        ("350m", "pack", 0.471, 0, True),
        ("350m", "pack", 0.471, 1, False),
        ("350m", "pack", 0.469, 0, False),
    ],
)
def test_a_figure_holds_that_reaches_its_bar_and_in_which_nothing_was_compiled(
    shape: str, batches: str, share: float, compiled: int, holds: bool
) -> None:
    assert _holds(shape, batches, Measured(2.0, 1, share * 2 * 989e12, 1, 70.0, compiled)) is holds


def test_rows_of_many_short_documents_come_in_the_measured_steps() -> None:
    """They have kernels of their own: a measurement without them would not show what a training is like."""
    sizes = gpu_train.Sizes("pack", 32_768, None, 131_072)
    found = gpu_train._some(gpu_train.steps(Chat(200_000, 2048, 32_000).lengths, sizes, 0, 0), 53)
    assert len(found) == 53
    assert max(len(micro[0]) for step in found for micro in step) >= MANY
