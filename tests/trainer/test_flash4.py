"""FlashAttention 4 as an operator: right wiring by a stand-in on a CPU, the kernels themselves where a GPU has them."""

import sys
import types
import warnings
from collections.abc import Iterator

import pytest
import torch
from flash_stand_in import Calls, alone, put_in_place
from torch import Tensor
from torch.nn import functional as F

from trainer.nets import flash4
from trainer.nets.attention import by_document

BOUNDS = torch.tensor([0, 3, 10, 11, 16], dtype=torch.int32)
SCALE = 0.3


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    """Whether the kernels serve is asked once a process; no test is to answer for another."""
    flash4._serves.cache_clear()
    yield
    flash4._serves.cache_clear()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return put_in_place(monkeypatch)


Parts = tuple[Tensor, Tensor, Tensor]


def _parts(
    kv_heads: int, *, device: str = "cpu", dtype: torch.dtype = torch.float32, width: int = 8, tokens: int = 16
) -> Parts:
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(tokens, count, width, device=device, dtype=dtype).requires_grad_()
        for count in (4, kv_heads, kv_heads)
    )
    return query, key, value


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_outputs_and_gradients_are_those_of_documents_alone(stand_in: Calls, kv_heads: int, compiled: bool) -> None:
    def run(parts: Parts) -> Tensor:
        query, key, value = parts
        return flash4.attend((query * 2, key * 2, value * 2), BOUNDS, 7, SCALE) * 3

    parts, others = _parts(kv_heads), _parts(kv_heads)
    found = (torch.compile(run, backend="aot_eager", fullgraph=True) if compiled else run)(parts)
    wanted = alone(*(part * 2 for part in others), BOUNDS, SCALE) * 3
    torch.testing.assert_close(found, wanted)
    slope = torch.randn_like(wanted)
    found.backward(slope)
    wanted.backward(slope)
    for part, other in zip(parts, others, strict=True):
        torch.testing.assert_close(part.grad, other.grad)
    assert all(call["causal"] and call["max_seqlen_k"] == flash4.LEAST_LONGEST for call in stand_in)
    assert len(stand_in) == 2


def test_without_a_scale_it_is_the_root_of_the_width(stand_in: Calls) -> None:
    flash4.attend(_parts(4), BOUNDS, 7, None)
    assert stand_in[0]["softmax_scale"] == pytest.approx(8**-0.5)


@pytest.mark.parametrize(("longest", "told"), [(1, 256), (129, 256), (2048, 2048)])
def test_short_documents_need_no_kernels_of_their_own(stand_in: Calls, longest: int, told: int) -> None:
    """Where all documents fit into one tile, of at most 192 queries, there are others: compiled in mid-training."""
    flash4.attend(_parts(4), BOUNDS, longest, None)
    assert (stand_in[0]["max_seqlen_q"], stand_in[0]["max_seqlen_k"]) == (told, told)


def test_compiled_kernels_are_counted(stand_in: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash4, "_serves", lambda: False)
    assert flash4.kernels_compiled() == 0
    monkeypatch.setattr(flash4, "_serves", lambda: True)
    assert flash4.kernels_compiled() == 0, "functions without a cache count none"
    found = sys.modules[flash4.MODULE]
    for function, kinds in ((found._flash_attn_fwd, 2), (found._flash_attn_bwd, 3)):
        function.compile_cache = types.SimpleNamespace(cache=dict.fromkeys(range(kinds)))
    assert flash4.kernels_compiled() == 5


def test_without_a_gpu_it_does_not_serve(stand_in: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert not flash4.serves()


@pytest.mark.parametrize(("generation", "serves"), [(8, False), (9, True), (10, True), (12, False)])
def test_it_serves_on_the_generations_it_has_kernels_for(
    stand_in: Calls, monkeypatch: pytest.MonkeyPatch, generation: int, serves: bool
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (generation, 0))
    monkeypatch.setattr(flash4, "find_spec", lambda _: object())
    assert flash4.serves() is serves


@pytest.mark.parametrize(("width", "fits"), [(8, True), (64, True), (128, True), (20, False), (256, False)])
def test_heads_it_has_no_kernels_for_are_left_to_torch(width: int, fits: bool) -> None:
    assert flash4.fits(width) is fits


def test_a_packed_row_goes_to_it_on_a_gpu_that_has_it(stand_in: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    class OnGpu(Tensor):
        """A tensor that says it is on a GPU."""

        @property
        def is_cuda(self) -> bool:  # type: ignore[override]
            return True

    monkeypatch.setattr(flash4, "_serves", lambda: True)
    parts = [torch.randn(1, 4, 16, 8, dtype=torch.bfloat16) for _ in range(3)]
    found, _ = by_document(
        torch.nn.Identity(), parts[0].as_subclass(OnGpu), *parts[1:], None, SCALE, 0.0, None, BOUNDS, 7
    )
    wanted = alone(*(part[0].transpose(0, 1) for part in parts), BOUNDS, SCALE)
    torch.testing.assert_close(torch.Tensor(found[0]).float(), wanted.float(), atol=2e-2, rtol=2e-2)
    assert len(stand_in) == 1
    with pytest.raises(
        (NotImplementedError, RuntimeError)
    ):  # with a window it is torch's turn, which has no kernel here
        by_document(torch.nn.Identity(), parts[0].as_subclass(OnGpu), *parts[1:], None, SCALE, 0.0, 4, BOUNDS, 7)
    assert len(stand_in) == 1


def test_flash_attention_2_under_the_same_name_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("flash_attn")
    package.__path__ = []
    for name in ("flash_attn.cute", flash4.MODULE):  # of FlashAttention 4, where it is installed and was loaded
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "flash_attn", package)
    monkeypatch.setattr(flash4, "find_spec", lambda _: object())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not flash4._loads()


def test_kernels_that_cannot_be_loaded_are_told_and_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise OSError("libcuda.so.1: cannot open")

    monkeypatch.setattr(flash4, "find_spec", lambda _: object())
    monkeypatch.setattr(flash4, "import_module", broken)
    with pytest.warns(UserWarning, match=r"libcuda.so.1.*torch's own attention"):
        assert not flash4._loads()


LENGTHS = {"few": [3, 7, 1, 5], "longer than a tile": [1, 130, 257, 700, 64, 128], "many": [2, 5] * 200}


@pytest.mark.skipif(not (torch.cuda.is_available() and flash4.serves()), reason="needs a GPU with FlashAttention 4")
@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("width", [64, 128])
def test_the_kernels_agree_with_documents_alone(kv_heads: int, width: int, kind: str) -> None:
    lengths = torch.tensor(LENGTHS[kind], device="cuda")
    bounds = F.pad(lengths.cumsum(0), (1, 0)).int()
    shape = {"width": width, "tokens": int(lengths.sum())}
    parts = _parts(kv_heads, device="cuda", dtype=torch.bfloat16, **shape)
    others = [part.detach().float().requires_grad_() for part in parts]
    found = flash4.attend(parts, bounds, int(lengths.max()), SCALE)
    wanted = alone(*others, bounds, SCALE)
    slope = torch.randn_like(wanted)
    found.backward(slope.to(torch.bfloat16))
    wanted.backward(slope)
    for part, other in [(found, wanted), *((p.grad, o.grad) for p, o in zip(parts, others, strict=True))]:
        assert part is not None
        assert other is not None
        assert float((part.float() - other).norm() / other.norm()) < 2e-2


def test_lengths_of_each_kind_are_what_they_are_called() -> None:
    assert len(LENGTHS["few"]) <= flash4.MANY_DOCUMENTS < len(LENGTHS["many"])
    assert max(LENGTHS["longer than a tile"]) > flash4.LEAST_LONGEST
