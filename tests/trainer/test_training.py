"""A training from its data to a folder that others load: it learns, says what it did, and is not mixed with another."""

import json
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_models import base
from small_trainings import rows, told, toy, write
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from dialogue.errors import RunStopped, UsageError
from trainer.batches.order import Step
from trainer.loop import checkpoint, parallel
from trainer.loop import train as loop
from trainer.loop.course import Course
from trainer.loop.desk import Desk, lay
from trainer.loop.train import train
from trainer.settings import LoraSettings, TrainSettings

LORA = LoraSettings(r=4, alpha=8, dropout=0.1)
Tokenizer = PreTrainedTokenizerBase


def quietly(settings: TrainSettings) -> dict[str, Any]:
    return train(settings, lambda _: None)


def desk_of(settings: TrainSettings) -> Desk:
    """All that a training begins with."""
    found = loop.read_by(settings)
    loop.claim(settings, found)
    return lay(settings, found, parallel.here(), lambda _: None)


def weights(out: Path) -> dict[str, Tensor]:
    return load_file(out / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainSettings, dict[str, Any]]:
    """A model that has learned who is who, and its summary."""
    settings = toy(
        tmp_path_factory.mktemp("toy"),
        count=400,
        max_steps=120,
        lr=1e-2,
        schedule="linear",
        warmup_steps=5,
        betas=(0.9, 0.98),
        train_on="all",
        validation=30,
        eval_every=20,
        save_every=20,
        samples=2,
        exact=20,
        log_every=10,
    )
    return settings, quietly(settings)


def test_a_toy_model_learns(trained: tuple[TrainSettings, dict[str, Any]]) -> None:
    settings, summary = trained
    losses = told(settings.out, "loss")
    assert losses[0] > 3
    assert losses[-1] < 0.6
    assert summary["eval_loss"] < 0.6
    assert told(settings.out, "eval_loss")[0] > summary["eval_loss"]


def test_the_summary_says_what_was_done(trained: tuple[TrainSettings, dict[str, Any]]) -> None:
    settings, summary = trained
    assert json.loads((settings.out / "summary.json").read_text()) == summary
    assert (summary["steps"], summary["status"]) == (120, 0)
    assert summary["eval_loss"] == min(told(settings.out, "eval_loss"))
    assert summary["audit"]["dialogues"] == 400
    assert summary["n"] == 20
    assert 0 <= summary["exact_replies"] <= 1
    assert summary["parameters"] == sum(one.numel() for one in weights(settings.out).values())
    assert 20_000 < summary["useful_tokens"] <= 120 * 512


def test_the_folder_holds_request_log_data_checkpoints_and_model(
    trained: tuple[TrainSettings, dict[str, Any]],
) -> None:
    settings, summary = trained
    names = {path.name for path in settings.out.iterdir()} - {"tensorboard", ".lock"}
    assert names == {"train.json", "log.jsonl", "data", "tokenizer", "checkpoints", "model", "summary.json"}
    steps = [step for step, _ in checkpoint.checkpoints(settings.out)]
    assert steps == sorted({summary["best_step"], 100, 120})
    assert (settings.out / "model" / "README.md").read_text().startswith("---")
    assert not (settings.out / "model" / "state").exists()
    assert json.loads((settings.out / "train.json").read_text())["asked"]["lr"] == 1e-2


def test_others_load_it_and_it_answers(trained: tuple[TrainSettings, dict[str, Any]]) -> None:
    settings, _ = trained
    model = AutoModelForCausalLM.from_pretrained(settings.out / "model")
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(settings.out / "model")
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "I am Ada."}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    drawn = model.generate(**ids, max_new_tokens=20, do_sample=False)[0, ids["input_ids"].shape[1] :]
    assert tokenizer.decode(drawn) == "Hello Ada!<|im_end|>"


def test_a_look_writes_replies_to_what_was_held_out(trained: tuple[TrainSettings, dict[str, Any]]) -> None:
    settings, _ = trained
    entries = [json.loads(line) for line in (settings.out / "log.jsonl").read_text().splitlines()]
    looks = [entry for entry in entries if "eval_loss" in entry]
    assert [entry["step"] for entry in looks] == [20, 40, 60, 80, 100, 120]
    assert all(len(entry["samples"]) == 2 for entry in looks)
    assert {"id", "reply", "wanted", "finish_reason"} == set(looks[0]["samples"][0])


def test_a_training_that_is_done_is_not_done_again(
    trained: tuple[TrainSettings, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, summary = trained
    monkeypatch.setattr(loop, "lay", lambda *_: pytest.fail("trained again"))
    assert quietly(settings) == summary
    assert quietly(settings.model_copy(update={"log_every": 3, "save_every": 7, "keep": 1})) == summary


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"lr": 1.0}, r"lr = 0\.01, now 1\.0"),
        ({"seed": 5}, "seed = 0, now 5"),
        ({"train_on": "assistant"}, "train_on = 'all', now 'assistant'"),
        ({"validation": 0.1}, "validation"),
    ],
)
def test_another_request_in_its_folder_is_refused_and_the_setting_named(
    trained: tuple[TrainSettings, dict[str, Any]], changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        quietly(trained[0].model_copy(update=changed))


def test_other_data_in_its_folder_are_refused_and_the_same_under_another_name_are_not(
    trained: tuple[TrainSettings, dict[str, Any]], tmp_path: Path
) -> None:
    settings, summary = trained
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(settings.data[0].read_bytes())
    assert quietly(settings.model_copy(update={"data": (copy,)})) == summary
    write(copy, rows(3))
    with pytest.raises(UsageError, match="on other data"):
        quietly(settings.model_copy(update={"data": (copy,)}))


def grads(settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], dict[str, Tensor]]:
    """Losses of three steps at a rate that changes nothing, and the gradient of the last one before it is clipped."""
    found: dict[str, Tensor] = {}
    kept: list[Desk] = []
    real: Callable[..., Tensor] = torch.nn.utils.clip_grad_norm_

    def look(parameters: Any, limit: float) -> Tensor:
        found.update({name: one.grad.clone() for name, one in kept[0].learner.named_parameters()})
        return real(parameters, limit)

    laid = loop.lay
    monkeypatch.setattr(loop, "lay", lambda *parts: kept.append(laid(*parts)) or kept[0])
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", look)
    quietly(settings)
    monkeypatch.undo()
    return told(settings.out, "loss"), found


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    scale = max(float(value.abs().max()) for value in other.values())
    return max(float((value - other[name]).abs().max()) for name, value in one.items()) / scale


@pytest.mark.parametrize("batches", ["group", "pack", "pad"])
def test_a_step_is_the_same_however_it_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: str) -> None:
    """Forty dialogues a step in micro-batches of 128, 512 or 2,048 tokens: loss and gradient are of all their tokens.

    The mean of micro-batches' means would be another number: the short answers of one would count as much as the long
    ones of the next.
    """
    common: dict[str, Any] = {"batch": 40, "batch_tokens": None, "max_steps": 3, "lr": 1e-30, "batches": batches}
    small = toy(tmp_path, out="small", micro_tokens=128, **common)
    losses, slopes = grads(small, monkeypatch)
    for width in (512, 2048):
        other = toy(tmp_path, out=str(width), micro_tokens=width, **common)
        found = grads(other, monkeypatch)
        assert max(abs(mine - theirs) for mine, theirs in zip(losses, found[0], strict=True)) <= 2e-6
        assert apart(slopes, found[1]) <= 1e-6


def test_the_loss_of_a_step_is_the_mean_over_its_taught_tokens(tmp_path: Path) -> None:
    settings = toy(tmp_path, batch=10, batch_tokens=None, micro_tokens=128, max_steps=3, lr=1e-30)
    desk = desk_of(settings)
    model = desk.model.eval()
    model.set_attn_implementation("eager")
    wanted, means = [], []
    for step in desk.course.steps():
        lost, micro_means = [], []
        for micro in step:
            mine = []
            for example in (example for row in micro for example in row):
                one = desk.learned[example]
                ids = torch.tensor(one.input_ids.tolist())[None]
                logits = model(input_ids=ids, use_cache=False).logits[0, :-1]
                taught = torch.tensor(one.labels[1:].tolist())
                mine += F.cross_entropy(logits, taught, reduction="none")[taught >= 0].tolist()
            lost += mine
            micro_means.append(sum(mine) / len(mine))
        wanted.append(sum(lost) / len(lost))
        means.append(sum(micro_means) / len(micro_means))
    quietly(settings)
    found = told(settings.out, "loss")
    assert max(abs(mine - theirs) for mine, theirs in zip(found, wanted, strict=True)) < 2e-6
    assert max(abs(mine - theirs) for mine, theirs in zip(found, means, strict=True)) > 1e-4, "the trap is no trap"


def test_what_a_weight_is_moves_the_loss(tmp_path: Path) -> None:
    """Two for one message and nothing for another: the loss is the weighted mean."""
    told_rows = rows(20)
    for number, row in enumerate(told_rows):
        for message in row["messages"]:
            if message["role"] == "assistant":
                message["weight"] = float(number % 3)
    settings = toy(tmp_path, weight_by="weight", batch=20, batch_tokens=None, max_steps=1, lr=1e-30)
    write(settings.data[0], told_rows)
    desk = desk_of(settings)
    (step,) = desk.course.steps()
    total, weight = 0.0, 0.0
    for example in (example for micro in step for row in micro for example in row):
        one = desk.learned[example]
        with torch.no_grad():
            logits = desk.model(input_ids=torch.tensor(one.input_ids.tolist())[None], use_cache=False).logits[0, :-1]
        targets = torch.tensor(one.input_ids[1:].tolist())
        counts = torch.tensor(one.weights[1:].tolist())
        total += float((F.cross_entropy(logits, targets, reduction="none") * counts).sum())
        weight += float(counts.sum())
    quietly(settings)
    assert abs(told(settings.out, "loss")[0] - total / weight) < 2e-6


def test_the_best_model_is_put_in_place_not_the_last(tmp_path: Path) -> None:
    """A rate that climbs until it forgets: what was best by the held-out loss is kept, with the loss that it had."""
    settings = toy(
        tmp_path, count=60, max_steps=24, lr=3.0, warmup_steps=24, validation=20, eval_every=4, save_every=4, keep=1
    )
    summary = quietly(settings)
    losses = dict(zip(range(4, 28, 4), told(settings.out, "eval_loss"), strict=True))
    best = min(losses, key=lambda step: losses[step])
    assert best != 24, "it did not forget"
    assert (summary["best_step"], summary["eval_loss"]) == (best, losses[best])
    kept = load_file(checkpoint.step_folder(settings.out, best) / "model.safetensors")
    assert all(torch.equal(value, kept[name]) for name, value in weights(settings.out).items())


def test_a_step_that_was_not_looked_at_is_not_the_best(tmp_path: Path) -> None:
    """Looked at after 3, 6, 9 and 12 steps, saved after 4, 8 and 12: only the last one is known."""
    summary = quietly(toy(tmp_path, validation=20, eval_every=3, save_every=4))
    assert summary["best_step"] == 12


def test_an_adapter_with_tokens_of_its_template_is_trained_and_its_best_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter((3.0, 1.0, 2.0, 4.0))
    monkeypatch.setattr("trainer.loop.train.eval_loss", lambda *_: next(losses))
    where = str(base(tmp_path / "m", template="vicuna", max_position_embeddings=256))
    settings = toy(
        tmp_path,
        model=where,
        lora=LORA,
        max_steps=8,
        validation=20,
        eval_every=2,
        save_every=2,
        keep=1,
    )
    summary = quietly(settings)
    assert (summary["best_step"], summary["eval_loss"]) == (4, 1.0)
    kept, put = checkpoint.step_folder(settings.out, 4), settings.out / "model"
    best, found = (load_file(folder / "adapter_model.safetensors") for folder in (kept, put))
    assert best.keys() == found.keys()
    assert all(torch.equal(value, best[name]) for name, value in found.items())


def test_another_base_of_the_same_name_is_another_request(tmp_path: Path) -> None:
    """An adapter that goes on standing on other weights would be of neither."""
    where = base(tmp_path / "m", max_position_embeddings=256)
    settings = toy(tmp_path, model=str(where), lora=LORA, max_steps=2)
    quietly(settings)
    quietly(settings)
    base(tmp_path / "m", max_position_embeddings=256, seed=5)
    with pytest.raises(UsageError, match=r"the weights of .*/m have changed since; name another folder"):
        quietly(settings)


def test_a_folder_from_before_a_setting_was_there_was_asked_for_its_default(tmp_path: Path) -> None:
    settings = toy(tmp_path, max_steps=2)
    quietly(settings)
    path = settings.out / "train.json"
    about = json.loads(path.read_text())
    del about["asked"]["brief"]
    path.write_text(json.dumps(about))
    quietly(settings)
    with pytest.raises(UsageError, match="was asked with brief = False, now True"):
        quietly(settings.model_copy(update={"brief": True, "train_on": "user"}))


def test_a_base_without_weights_is_told_before_the_data_is_encoded(tmp_path: Path) -> None:
    where = base(tmp_path / "m", max_position_embeddings=256)
    (where / "model.safetensors").rename(where / "pytorch_model.bin")
    lines: list[str] = []
    with pytest.raises(UsageError, match="m: holds no weights in safetensors, and no others are read"):
        train(toy(tmp_path, model=str(where)), lines.append)
    assert lines == []
    assert not (tmp_path / "out").exists()


def test_one_thread_alone_reads_the_order_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that share an iterator meet in it now and then, and the training ends."""
    readers = set()
    steps = Course.steps

    def watched(course: Course, start: int = 0) -> Iterator[Step]:
        for step in steps(course, start):
            readers.add(threading.get_ident())
            yield step

    monkeypatch.setattr(Course, "steps", watched)
    assert quietly(toy(tmp_path, max_steps=6))["steps"] == 6
    assert len(readers) == 1


def test_nothing_held_out_leaves_the_last_model(tmp_path: Path) -> None:
    summary = quietly(toy(tmp_path, max_steps=2))
    assert (summary["best_step"], summary["eval_loss"]) == (None, None)
    last = load_file(checkpoint.step_folder(tmp_path / "out", 2) / "model.safetensors")
    assert all(torch.equal(value, last[name]) for name, value in weights(tmp_path / "out").items())


def test_the_model_is_written_in_the_precision_asked_for_and_checkpoints_in_their_own(tmp_path: Path) -> None:
    quietly(toy(tmp_path, max_steps=2, save_dtype="float16"))
    last = load_file(checkpoint.step_folder(tmp_path / "out", 2) / "model.safetensors")
    assert {value.dtype for value in last.values()} == {torch.float32}
    assert all(torch.equal(value, last[name].half()) for name, value in weights(tmp_path / "out").items())
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out" / "model").dtype == torch.float16


def test_the_gradient_is_clipped_by_its_whole_norm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logged is the norm before; a step of plain descent then moves as far as the limit."""
    settings = toy(tmp_path, max_steps=1, clip=0.125)
    monkeypatch.setattr("trainer.loop.desk.optimizer", lambda net, _: torch.optim.SGD(net.parameters(), lr=1.0))
    before = {name: value.clone() for name, value in desk_of(settings).model.state_dict().items()}
    quietly(settings)
    moved = math.sqrt(sum(float((value - before[name]).pow(2).sum()) for name, value in weights(settings.out).items()))
    assert told(settings.out, "grad_norm")[0] > 1
    assert moved == pytest.approx(0.125 * settings.lr, rel=1e-2)


def test_matrices_decay_and_vectors_do_not(tmp_path: Path) -> None:
    desk = desk_of(toy(tmp_path, weight_decay=0.1))
    decayed, plain = desk.optimizer.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert all(one.ndim >= 2 for one in decayed["params"])
    assert all(one.ndim < 2 for one in plain["params"])
    count = sum(len(group["params"]) for group in desk.optimizer.param_groups)
    assert count == len(list(desk.model.parameters()))


def test_two_commands_do_not_train_in_one_folder(tmp_path: Path) -> None:
    from dialogue.lock import take_folder

    settings = toy(tmp_path)
    with take_folder(settings.out), pytest.raises(UsageError, match="another command"):
        quietly(settings)


def test_the_same_request_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    one, two = toy(tmp_path, out="one", max_steps=3), toy(tmp_path, out="two", max_steps=3)
    quietly(one)
    quietly(two)
    files = [(settings.out / "model" / "model.safetensors").read_bytes() for settings in (one, two)]
    assert files[0] == files[1]
    quietly(toy(tmp_path, out="three", max_steps=3, seed=1))
    assert (tmp_path / "three" / "model" / "model.safetensors").read_bytes() != files[0]


def test_a_training_that_came_to_nothing_ends_and_says_what_to_change(tmp_path: Path) -> None:
    settings = toy(tmp_path, lr=1e30, max_steps=8, save_every=1, validation=10, eval_every=1)
    with pytest.raises(RunStopped, match=r"step 2: the loss or its gradient is no number; .* lr \(now 1e\+30\)"):
        quietly(settings)
    assert not (settings.out / "model").exists()


def test_weights_that_are_no_numbers_are_not_saved_though_nothing_was_logged_yet(tmp_path: Path) -> None:
    settings = toy(tmp_path, lr=1e30, max_steps=8, save_every=1, log_every=8)
    with pytest.raises(RunStopped, match="step 2: the loss or its gradient is no number; what was saved before"):
        quietly(settings)
    ((step, folder),) = checkpoint.checkpoints(settings.out)
    assert step == 1
    assert all(value.isfinite().all() for value in load_file(folder / "model.safetensors").values())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_compiled_code_learns_the_same_from_rows_of_one_shape(tmp_path: Path) -> None:
    common: dict[str, Any] = {"batches": "pack", "max_steps": 3, "validation": 20, "eval_every": 3, "save_every": 3}
    plain, compiled = (toy(tmp_path, out=str(way), compile=way, **common) for way in (False, True))
    quietly(plain)
    lines: list[str] = []
    train(compiled, lines.append)
    assert any(line.startswith("compiled before the first step, in ") for line in lines)
    for name in ("loss", "eval_loss"):
        found, wanted = told(compiled.out, name), told(plain.out, name)
        assert max(abs(mine - theirs) for mine, theirs in zip(found, wanted, strict=True)) < 1e-4
