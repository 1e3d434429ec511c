"""The loss of what is taught equals torch's cross entropy, in value and gradients, however it is cut."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.nets.loss import _scored, _scored_at_once, loss_sum, loss_sum_through

Result = tuple[float, Tensor, Tensor]
ROWS, WIDTH, WORDS = 13, 8, 50


def parts(rows: int = ROWS, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden states, head, targets and weights."""
    drawn = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, WIDTH, generator=drawn).to(dtype)
    head = torch.randn(WORDS, WIDTH, generator=drawn)
    return hidden, head, torch.randint(0, WORDS, (rows,), generator=drawn), torch.rand(rows, generator=drawn) * 3


def plain(hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return (F.cross_entropy(hidden.float() @ head.float().T, targets, reduction="none") * weights).sum()


def in_chunks(chunk: int) -> Callable[..., Tensor]:
    return lambda hidden, head, *rest: loss_sum(hidden, head, *rest, chunk=chunk)


def through(chunk: int) -> Callable[..., Tensor]:
    return lambda hidden, head, *rest: loss_sum_through(lambda part: part @ head.T, hidden, *rest, chunk)


def learned(loss: Callable[..., Tensor], hidden: Tensor, head: Tensor, *rest: Tensor, scale: float = 0.25) -> Result:
    """Loss and gradients, with a factor on the way back as the loop has one."""
    hidden, head = hidden.clone().requires_grad_(), head.clone().requires_grad_()
    value = loss(hidden, head, *rest)
    (value * scale).backward()
    assert hidden.grad is not None
    assert head.grad is not None
    return value.item(), hidden.grad, head.grad


def apart(one: Result, other: Result) -> float:
    """The greatest difference, in parts of the scale of what differs.

    Where all but the target is unlikely, a gradient is a small difference of probabilities near one, and float32 leaves
    it about 1e-7 off: no scale below a twentieth counts.
    """
    losses = abs(one[0] - other[0]) / max(abs(other[0]), 1.0)
    slopes = [
        float((mine - theirs).abs().max() / max(theirs.abs().max(), 0.05))
        for mine, theirs in zip(one[1:], other[1:], strict=True)
        if mine.numel()
    ]
    return max([losses, *slopes])


@pytest.mark.parametrize("way", [in_chunks, through])
@pytest.mark.parametrize("chunk", [1, 2, 5, 12, 13, 14, 4096])
def test_chunks_of_any_size_give_cross_entropy(way: Callable[[int], Callable[..., Tensor]], chunk: int) -> None:
    assert apart(learned(way(chunk), *parts()), learned(plain, *parts())) < 1e-6


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 1000))
@example(rows=1, chunk=1, seed=636)
def test_any_number_of_rows_in_any_cut_gives_cross_entropy(rows: int, chunk: int, seed: int) -> None:
    assert apart(learned(in_chunks(chunk), *parts(rows, seed)), learned(plain, *parts(rows, seed))) < 4e-6


@pytest.mark.parametrize("way", [in_chunks, through])
def test_without_rows_the_loss_is_nothing_and_all_have_a_gradient_of_nothing(
    way: Callable[[int], Callable[..., Tensor]],
) -> None:
    """A rank without micro-batch hands in zeros; one that handed in nothing would leave the others waiting."""
    loss, hidden, head = learned(way(4), *parts(0))
    assert (loss, hidden.numel(), head.abs().max().item()) == (0.0, 0, 0.0)


@pytest.mark.parametrize("way", [in_chunks, through])
def test_a_frozen_head_passes_the_gradient_on_and_gets_none(way: Callable[[int], Callable[..., Tensor]]) -> None:
    hidden, head, *rest = parts()
    states = hidden.clone().requires_grad_()
    way(4)(states, head, *rest).backward()
    assert states.grad is not None
    assert head.grad is None
    wanted = learned(plain, hidden, head, *rest, scale=1.0)[1]
    assert float((states.grad - wanted).abs().max() / wanted.abs().max()) < 1e-6


@pytest.mark.parametrize("way", [in_chunks, through])
def test_a_head_tied_to_the_embeddings_gets_both_gradients(way: Callable[[int], Callable[..., Tensor]]) -> None:
    _, head, targets, weights = parts()
    ids = torch.arange(ROWS)

    def gradient(loss: Callable[..., Tensor]) -> Tensor:
        table = nn.Parameter(head.clone())
        loss(F.embedding(ids, table), table, targets, weights).backward()
        assert table.grad is not None
        return table.grad

    wanted = gradient(plain)
    assert float((gradient(way(4)) - wanted).abs().max() / wanted.abs().max()) < 1e-6


def test_a_token_of_weight_nothing_counts_nothing_and_of_weight_two_counts_as_two() -> None:
    hidden, head, targets, weights = parts(3)
    weights = torch.tensor([0.0, 1.0, 2.0])
    chosen = torch.tensor([1, 2, 2])
    once = learned(in_chunks(2), hidden, head, targets, weights)
    thrice = learned(plain, hidden[chosen], head, targets[chosen], torch.ones(3))
    assert abs(once[0] - thrice[0]) < 1e-5
    assert float((once[2] - thrice[2]).abs().max()) < 1e-6
    assert once[1][0].abs().max() == 0


def test_large_logits_stay_finite() -> None:
    hidden, head, targets, weights = parts()
    found = learned(in_chunks(4), hidden * 1e3, head * 10, targets, weights)
    wanted = learned(plain, hidden * 1e3, head * 10, targets, weights)
    assert found[1].isfinite().all()
    assert apart(found, wanted) < 1e-5


@pytest.mark.parametrize("way", [in_chunks, through])
def test_products_in_bfloat16_are_close_and_the_sum_is_float32(way: Callable[[int], Callable[..., Tensor]]) -> None:
    hidden, head, targets, weights = parts(400)
    with torch.autocast("cpu", torch.bfloat16):
        found = learned(way(64), hidden.bfloat16(), head, targets, weights)
        value = way(64)(hidden.bfloat16(), head, targets, weights)
    assert value.dtype == torch.float32
    assert found[1].dtype == torch.bfloat16
    assert found[2].dtype == torch.float32
    wanted = learned(plain, hidden, head, targets, weights)
    assert abs(found[0] - wanted[0]) / wanted[0] < 2e-3
    for mine, theirs in zip(found[1:], wanted[1:], strict=True):
        assert float((mine.float() - theirs).norm() / theirs.norm()) < 1e-2


def test_many_chunks_in_bfloat16_are_added_in_float32() -> None:
    """Sums of bfloat16 stand still once they are some hundred times the summands."""
    hidden, head, targets, weights = parts(3000)
    wanted = learned(plain, hidden, head, targets, weights)
    for chunk in (1, 3000):
        found = learned(in_chunks(chunk), hidden.bfloat16(), head, targets, weights)
        assert float((found[2] - wanted[2]).norm() / wanted[2].norm()) < 1e-2


def test_where_nothing_is_learned_no_gradient_is_made() -> None:
    hidden, head, targets, weights = parts()
    table = nn.Parameter(head)
    with torch.no_grad():
        found = loss_sum(hidden, table, targets, weights)
    assert not found.requires_grad
    assert abs(found.item() - plain(hidden, head, targets, weights).item()) < 1e-4


def test_a_factor_on_the_way_back_is_not_rounded_to_bfloat16() -> None:
    """It would make all slopes of the body too long or too short by the same share, up to 0.4 %, and not the head's."""
    hidden, head, targets, _ = parts(400)
    given = hidden.bfloat16(), head, targets, torch.ones(400)
    whole, part = (learned(in_chunks(64), *given, scale=scale)[1].double().norm() for scale in (1.0, 1.7539))
    assert float(part / whole) == pytest.approx(1.7539, rel=7e-4)  # between two numbers of bfloat16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_compiled_is_the_same_bit_for_bit(dtype: torch.dtype) -> None:
    hidden, head, targets, weights = parts(40)
    logits = (hidden @ head.T).to(dtype)
    for mine, theirs in zip(*(way(logits, targets, weights) for way in (_scored, _scored_at_once)), strict=True):
        assert torch.equal(mine, theirs)


def test_the_head_is_cast_once_whatever_the_number_of_chunks() -> None:
    hidden, head, targets, weights = parts(40)
    with torch.autocast("cpu", torch.bfloat16), torch.profiler.profile(record_shapes=True) as told:
        loss_sum(hidden, head, targets, weights, chunk=4)
    casts = [event for event in told.events() if event.name == "aten::_to_copy" and event.input_shapes[0] == [50, 8]]
    assert len(casts) == 1
