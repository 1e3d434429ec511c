"""A checkpoint is whole or not there, others can load it, and a training goes on from it bit for bit."""

import json
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_models import asked, base, logits, shake, tokenizer
from small_trainings import toy
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from dialogue.errors import RunStopped, UsageError
from trainer.batches.sources import Source
from trainer.loop.card import card
from trainer.loop.checkpoint import (
    State,
    checkpoints,
    latest,
    prune,
    random_now,
    read_state,
    save,
    set_random,
    step_folder,
)
from trainer.loop.folder import whole_folder
from trainer.loop.model_files import template_text
from trainer.loop.request import claim
from trainer.loop.train import train
from trainer.nets.base import load, open_model
from trainer.nets.names import resolve
from trainer.settings import Decoding, LoraSettings, ScratchSettings, TrainSettings
from trainer.text.audit import Audit
from trainer.text.render import Renderer, renderer

SMALL = ScratchSettings(width=16, layers=1, heads=2, kv_heads=1, mlp_width=24, context=128)
LORA = LoraSettings(r=2, alpha=4, dropout=0.1)
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where do I live?"},
    {"role": "assistant", "content": "You live in Warsaw."},
]


def learner(tmp_path: Path, **changes: Any) -> tuple[Any, Any, Renderer, TrainSettings]:
    """Model, tokenizer, renderer and settings of a small training."""
    settings = asked(tmp_path, scratch=SMALL, **changes)
    own = tokenizer(settings.template)
    return load(settings, own, ()), own, renderer(own, settings), settings


def test_others_load_the_folder_and_read_from_it_how_replies_are_drawn_and_where_they_end(tmp_path: Path) -> None:
    decoding = Decoding(temperature=0.7, top_p=0.8, repetition_penalty=1.02, max_new_tokens=99)
    model, own, speech, settings = learner(tmp_path, decoding=decoding)
    shake(model)
    save(tmp_path / "model", model, own, speech, settings, "# A card\n")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert torch.equal(logits(again), logits(model))
    assert again.config.use_cache is True
    assert model.config.use_cache is False
    drawn = GenerationConfig.from_pretrained(tmp_path / "model")
    assert (drawn.do_sample, drawn.temperature, drawn.top_p, drawn.top_k) == (True, 0.7, 0.8, 0)
    assert (drawn.repetition_penalty, drawn.max_new_tokens) == (1.02, 99)
    assert theirs.convert_tokens_to_ids("<|im_end|>") in drawn.eos_token_id
    assert drawn.pad_token_id == own.pad_token_id not in drawn.eos_token_id
    from dialogue.records import Dialogue, Message

    said = Dialogue(id="a", messages=tuple(Message.model_validate(one) for one in MESSAGES))
    ids = theirs.apply_chat_template(MESSAGES, return_dict=False)
    assert ids == speech.encode(said).input_ids.tolist()
    ids = theirs.apply_chat_template(MESSAGES[:2], add_generation_prompt=True, return_dict=False)
    assert ids == speech.prompt(said.messages[:2])
    assert (tmp_path / "model" / "README.md").read_text() == "# A card\n"
    assert (tmp_path / "model" / "template.toml").read_text().startswith("about")
    assert json.loads((tmp_path / "model" / "duologue.json").read_text())["settings"]["template"] == "chatml"
    assert not list((tmp_path / "model").glob("*.bin"))
    assert not (tmp_path / "model" / "state").exists()


def test_a_model_that_is_given_away_tells_no_path_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    """Only an adapter has to say where its base lies."""
    own = tmp_path / "mine.toml"
    own.write_text(template_text("chatml") or "")
    model, tokenizer, speech, _ = learner(tmp_path)
    asked_ = asked(tmp_path, model=str(base(tmp_path / "base")), template=str(own), recipe=str(tmp_path / "r.toml"))
    (tmp_path / "r.toml").touch()
    made_of: Any = SimpleNamespace(lines=Audit().lines)
    text = card(asked_, made_of, [Source(tmp_path / "kept" / "d.jsonl", "00")], {"steps": 3})
    save(tmp_path / "model", model, tokenizer, speech, asked_, text)
    for path in (tmp_path / "model").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert "mine.toml" in (tmp_path / "model" / "README.md").read_text()
    assert json.loads((tmp_path / "model" / "duologue.json").read_text())["settings"]["model"] == "base"


def test_a_temperature_of_zero_is_greedy_for_servers_too(tmp_path: Path) -> None:
    model, own, speech, settings = learner(tmp_path, decoding=Decoding(temperature=0))
    save(tmp_path / "model", model, own, speech, settings, "")
    assert GenerationConfig.from_pretrained(tmp_path / "model").do_sample is False


def test_ends_of_replies_that_are_text_are_kept_for_our_server(tmp_path: Path) -> None:
    model, own, speech, settings = learner(tmp_path, template="baize")
    save(tmp_path / "model", model, own, speech, settings, "")
    assert "[|Human|]" in json.loads((tmp_path / "model" / "duologue.json").read_text())["stop_texts"]
    AutoModelForCausalLM.from_pretrained(tmp_path / "model").generate(torch.tensor([[5, 6]]), max_new_tokens=2)


@pytest.mark.parametrize("lora", [None, LORA])
def test_a_finished_model_has_the_precision_asked_for_and_a_checkpoint_keeps_all(
    tmp_path: Path, lora: LoraSettings | None
) -> None:
    where = str(base(tmp_path / "m"))
    model, own, speech, settings = learner(tmp_path, model=where, lora=lora)
    save(tmp_path / "out" / "model", model, own, speech, settings, "", dtype=torch.bfloat16)
    state = State(3, {}, {}, random_now())
    save(tmp_path / "step", model, own, speech, settings, "", state, dtype=torch.bfloat16)
    if lora is None:
        assert open_model(tmp_path / "out").dtype == torch.bfloat16
    assert torch.equal(logits(open_model(tmp_path / "step")), logits(model))
    assert resolve(tmp_path / "out") == str(tmp_path / "out" / "model")


@pytest.mark.parametrize("lora", [None, LORA, LORA.model_copy(update={"dora": True})])
def test_a_training_goes_on_bit_for_bit(tmp_path: Path, lora: LoraSettings | None) -> None:
    """Six steps against three, a checkpoint and three: dropout, moments and weights are the same."""
    where = str(base(tmp_path / "m"))

    def steps(model: Any, optimizer: torch.optim.Optimizer, numbers: range) -> None:
        model.train()
        for number in numbers:
            ids = torch.randint(0, 256, (2, 20), generator=torch.Generator().manual_seed(number))
            loss = model(ids, labels=ids, use_cache=False).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def ready(checkpoint: Path | None = None) -> tuple[Any, torch.optim.Optimizer]:
        settings = asked(tmp_path, model=where, lora=lora)
        model = load(settings, own, (), checkpoint=checkpoint)
        taught = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return model, torch.optim.AdamW(taught, lr=1e-2, betas=(0.9, 0.98))

    own = tokenizer()
    torch.manual_seed(0)
    never, optimizer = ready()
    steps(never, optimizer, range(6))
    torch.manual_seed(0)
    killed, optimizer = ready()
    steps(killed, optimizer, range(3))
    settings = asked(tmp_path, model=where, lora=lora)
    state = State(3, optimizer.state_dict(), {"epoch": 0, "best": 1.25}, random_now())
    save(step_folder(settings.out, 3), killed, own, renderer(own, settings), settings, "", state)
    torch.manual_seed(99)
    found = latest(settings.out)
    assert found is not None
    again, optimizer = ready(found)
    state = read_state(found)
    assert (state.step, state.cursor) == (3, {"epoch": 0, "best": 1.25})
    optimizer.load_state_dict(state.optimizer)
    set_random(state.random)
    steps(again, optimizer, range(3, 6))
    theirs = dict(again.named_parameters())
    assert all(torch.equal(value, theirs[name]) for name, value in never.named_parameters())


def test_the_second_adapters_own_weights_are_kept_beside_the_sum_that_others_load(tmp_path: Path) -> None:
    where = str(base(tmp_path / "m"))
    model, own, speech, settings = learner(tmp_path, model=where, lora=LORA)
    shake(model)
    save(tmp_path / "one", model, own, speech, settings, "")
    again = {"model": str(tmp_path / "one"), "lora": LORA.model_copy(update={"onto": "freeze"})}
    model, own, speech, settings = learner(tmp_path, **again)
    shake(model)
    save(tmp_path / "two", model, own, speech, settings, "", State(1, {}, {}, random_now()))
    assert float((logits(open_model(tmp_path / "two")) - logits(model)).abs().max()) < 1e-6
    resumed = load(settings, own, (), checkpoint=tmp_path / "two")
    assert torch.equal(logits(resumed), logits(model))


def test_the_last_and_the_best_checkpoints_are_kept(tmp_path: Path) -> None:
    model, own, speech, settings = learner(tmp_path)
    assert latest(settings.out) is None
    for step in (2, 4, 6, 8, 10):
        save(step_folder(settings.out, step), model, own, speech, settings, "", State(step, {}, {}, random_now()))
    prune(settings.out, keep=2, best=4)
    assert [step for step, _ in checkpoints(settings.out)] == [4, 8, 10]
    assert latest(settings.out) == step_folder(settings.out, 10)


def test_a_folder_without_state_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint to go on from"):
        read_state(tmp_path)


def killed(work: Callable[[], None], *after: Path) -> None:
    """Do the work in another process, which kills itself, or is killed once one of the paths is there."""
    if (pid := os.fork()) == 0:
        try:
            work()
        finally:
            os._exit(0)
    while after and not any(path.exists() for path in after):
        pass
    if after:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def writes(tmp_path: Path) -> Callable[[int], None]:
    """Writes the finished model and the checkpoint of a step."""
    model, own, speech, settings = learner(tmp_path)

    def write(step: int) -> None:
        shake(model, seed=step)
        save(tmp_path / "out" / "model", model, own, speech, settings, str(step))
        state = State(step, {"moments": torch.full((9, 9), float(step))}, {}, random_now())
        save(step_folder(tmp_path / "out", step), model, own, speech, settings, str(step), state)

    return write


def swept(tmp_path: Path) -> str:
    """The card of the model that is there when the next one begins to write; it can be opened, and nothing else is."""
    with pytest.raises(RunStopped), whole_folder(tmp_path / "out" / "model"):
        raise OSError("none of it")
    checkpoints(tmp_path / "out")
    open_model(tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))
    return (tmp_path / "out" / "model" / "README.md").read_text()


def test_what_others_call_new_or_old_beside_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".bashrc.old").write_text("mine")
    (tmp_path / ".config.new").mkdir()
    (tmp_path / ".other.new").mkdir()  # of another process, which is writing it
    for _ in range(2):
        with whole_folder(tmp_path / "model"):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".bashrc.old", ".config.new", ".other.new", "model"]


@pytest.mark.parametrize(("place", "left"), [("_sync", "2"), ("_take_place", "2"), ("shutil.rmtree", "3")])
def test_a_kill_between_writing_and_renaming_leaves_the_old_one_whole(tmp_path: Path, place: str, left: str) -> None:
    """Before the files are on disk, before the renaming, and when the replaced one is about to go."""
    write = writes(tmp_path)
    write(1)
    write(2)

    def work() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"trainer.loop.folder.{place}", die)
            write(3)

    killed(work)
    assert swept(tmp_path) == left
    assert latest(tmp_path / "out") == step_folder(tmp_path / "out", 2)
    assert read_state(step_folder(tmp_path / "out", 2)).step == 2


def test_a_kill_between_the_two_renamings_of_a_replacement_gives_the_old_one_back(tmp_path: Path) -> None:
    write = writes(tmp_path)
    write(1)
    rename = Path.rename

    def work() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "rename", lambda path, to: die() if path.suffix == ".new" else rename(path, to))
            write(2)

    killed(work)
    assert not (tmp_path / "out" / "model").exists()
    assert swept(tmp_path) == "1"


@pytest.mark.parametrize("step", range(2, 12))
def test_a_kill_at_any_moment_leaves_whole_checkpoints_only(tmp_path: Path, step: int) -> None:
    write = writes(tmp_path)
    wait = step_folder(tmp_path / "out", step)
    places = [wait, wait.with_name(f".{wait.name}.new"), tmp_path / "out" / ".model.old"]

    def work() -> None:
        for number in range(1, 1_000):
            write(number)

    killed(work, places[step % 3], wait)  # the others are there for a moment only, which may be missed
    found = latest(tmp_path / "out")
    if found is None:
        assert step % 3 == 2, "killed while the first model was replaced"
        return
    state = read_state(found)
    assert (found / "README.md").read_text() == str(state.step)
    assert torch.equal(state.optimizer["moments"], torch.full((9, 9), float(state.step)))
    open_model(found)
    swept(tmp_path)


@contextmanager
def no_larger_than(size: int) -> Iterator[None]:
    """No file of this process may grow further, as on a disk with a quota or an old file system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("most", "why"), [(20, "File too large"), (200, "a file was written only in part")])
def test_a_disk_that_refuses_a_file_ends_the_training_in_a_line(tmp_path: Path, most: int, why: str) -> None:
    """The weights, which Rust writes, or the moments, which C++ does."""
    model, own, speech, settings = learner(tmp_path)
    state = State(1, {"moments": torch.zeros(100_000)}, {}, random_now())
    with no_larger_than(most * 1024), pytest.raises(RunStopped, match=rf"step-000001: {why}; what was finished"):
        save(step_folder(tmp_path / "out", 1), model, own, speech, settings, "", state)
    assert latest(tmp_path / "out") is None


def test_a_disk_that_refuses_the_request_is_told_in_a_line(tmp_path: Path) -> None:
    settings = asked(tmp_path)
    settings.out.mkdir()
    with no_larger_than(100), pytest.raises(RunStopped, match=r"train.json: File too large"):
        claim(settings, [])
    claim(settings, [])


def test_a_disk_that_refuses_the_first_checkpoint_is_not_said_to_have_saved_anything(tmp_path: Path) -> None:
    settings, small = toy(tmp_path), 60 * 1024
    with no_larger_than(small), pytest.raises(RunStopped, match=r"no checkpoint of .*out is saved yet; mend the disk"):
        train(settings, lambda _: None)

    def full_after_the_first(line: str) -> None:
        if line.startswith("step 6/"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (small, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    with (
        no_larger_than(resource.getrlimit(resource.RLIMIT_FSIZE)[0]),
        pytest.raises(RunStopped, match="what was finished is saved; mend the disk"),
    ):
        train(settings, full_after_the_first)
    assert train(settings, lambda _: None)["steps"] == 12


def test_a_full_disk_ends_the_training_with_the_way_to_go_on_and_the_old_one_whole(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("needs leave to mount a tmpfs")
    try:
        model, own, speech, settings = learner(tmp_path)
        save(small / "model", model, own, speech, settings, "old")
        for left in (200, 100, 60, 30, 8):
            (small / "ballast").write_bytes(b"")
            free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
            (small / "ballast").write_bytes(bytes(max(0, free - left * 1024)))
            state = State(1, {"moments": torch.zeros(40_000)}, {}, random_now())
            with pytest.raises(RunStopped, match="disk full"):
                save(small / "model", model, own, speech, settings, "new", state)
            assert sorted(path.name for path in small.iterdir()) == ["ballast", "model"]
            assert (small / "model" / "README.md").read_text() == "old"
            assert load_file(small / "model" / "model.safetensors")
    finally:
        # Lazily: the weights that were read last may still be mapped from there.
        subprocess.run(["umount", "--lazy", small], check=True)
