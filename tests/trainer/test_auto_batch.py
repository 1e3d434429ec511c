"""The most tokens at once, found by trying."""

from pathlib import Path

import pytest
import small_trainings
import torch
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import RunStopped, UsageError
from trainer.loop import auto_batch
from trainer.loop.auto_batch import Trial, longest, search, sized
from trainer.loop.parallel import Here
from trainer.nets.learner import Learner

CPU = torch.device("cpu")
ALONE = Here(0, 1, CPU)


@given(st.integers(1, 5000), st.integers(1, 64), st.integers(1, 512), st.integers(0, 100_000))
def test_the_search_ends_at_a_size_that_passes_and_near_one_that_does_not(
    least: int, times: int, grain: int, bears: int
) -> None:
    most, tried = least * times, set[int]()

    def passes(tokens: int) -> bool:
        assert least <= tokens <= most
        assert tokens not in tried, "each try costs seconds"
        tried.add(tokens)
        return tokens <= bears

    found = search(passes, least, most, grain)
    if bears < least:
        assert found is None
    else:
        assert found is not None
        assert found <= min(bears, most)
        assert found == most or min(bears, most) - found <= max(grain, found // 16)
        assert len(tried) <= 2 * most.bit_length() + 2


def test_the_longest_examples_are_tried(tmp_path: Path) -> None:
    grouped = longest(small_trainings.toy(tmp_path, max_length=64), 256, CPU)
    assert (grouped.input_ids.shape, len(grouped.targets)) == ((4, 64), 4 * 63)
    packed = longest(small_trainings.toy(tmp_path, max_length=64, batches="pack"), 200, CPU)
    assert packed.cu_seqlens is not None
    assert packed.cu_seqlens.tolist() == [0, 64, 128, 192, 200]


def test_a_trial_passes_where_memory_bears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(small_trainings.toy(tmp_path, gradient_checkpointing=True), CPU)
    hidden = Learner.hidden

    def heavy(self: Learner, batch: object) -> torch.Tensor:
        if batch.input_ids.numel() > 512:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError("no")
        return hidden(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "hidden", heavy)
    assert [trial.passes(tokens) for tokens in (128, 1024, 512)] == [True, False, True]
    assert search(trial.passes, 128, 4096, 128) == 512


def test_on_a_cpu_half_of_the_free_memory_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = small_trainings.toy(tmp_path, batch_tokens=65_536)
    said: list[str] = []
    found = {}
    for free in (None, 0, 30_000_000, 120_000_000, 10**12):
        monkeypatch.setattr(auto_batch, "free_bytes", lambda free=free: free)
        found[free] = sized(asked, ALONE, said.append).micro_tokens
    assert found[None] == found[0] == 128, "one example always goes through"
    assert 128 < found[30_000_000] < found[120_000_000] < found[10**12] == 65_536
    assert "tokens at once (half of the free memory, by estimate)" in said[-1]
    assert list(tmp_path.iterdir()) == [tmp_path / "data.jsonl"]


def test_where_not_one_example_goes_through_it_is_said_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_batch, "search", lambda *_: None)
    with pytest.raises(RunStopped, match=r"out of memory on cpu.*128 tokens at once.*--gradient-checkpointing"):
        sized(small_trainings.toy(tmp_path), ALONE, print)


def test_several_ranks_are_told_to_name_the_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tries one device, and 2 share the weights"):
        sized(small_trainings.toy(tmp_path), Here(1, 2, CPU), print)
