"""`gen train`: real trainings of toys through the command, its plan, its complaints, its end before the end."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import small_models
import small_trainings
import torch
from runs import ROOT, begin, end

from gen.api import train_plan
from gen.main import main

TOML = """
[train]
max_length = 128
batch_tokens = 512
micro_tokens = 256
max_steps = 8
lr = 3e-3
log_every = 2
save_every = 2
samples = 0
[train.scratch]
vocabulary = 320
width = 32
heads = 4
kv_heads = 2
mlp_width = 64
context = 256
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with dialogues and a project of a training of seconds, where commands are given."""
    small_trainings.write(tmp_path / "d.jsonl", small_trainings.rows(60))
    (tmp_path / "p.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words: object) -> int:
    return main(["train", *map(str, words), "--config", "p.toml"])


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which a command is refused as wrong."""
    capsys.readouterr()
    assert train(*words) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("gen train: ")]
    assert out == ""
    assert len(lines) == 1, err
    return lines[0]


def asked_of(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "train.json").read_text())["asked"]
    return found


def test_a_training_leaves_a_model_and_says_where(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForCausalLM

    assert train("d.jsonl", "--out", "o", "--set", "validation=0.2") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("8 steps, ")
    assert out.splitlines()[1].startswith("eval loss ")
    assert out.splitlines()[-1] == "o/model"
    assert "60 dialogues -> 60 examples" in err
    assert [line.split()[1] for line in err.splitlines() if "loss" in line and "lr" in line] == [
        f"{step}/8" for step in (2, 4, 6, 8)
    ]
    AutoModelForCausalLM.from_pretrained("o/model")
    assert train("d.jsonl", "--out", "o", "--set", "validation=0.2", "--json") == 0
    out, err = capsys.readouterr()
    assert err == "o: done already; for another training name another --out\n", "nothing is said of what is not done"
    again = json.loads(out)
    assert (again["steps"], again["model"], again["status"]) == (8, "o/model", 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epoch", "3"), "--epoch: no such option; did you mean --epochs"),
        (("--batch-size", "8"), "--batch-size: no such option; here it is --batch, examples of a whole step"),
        (("--learning-rate=1e-4",), "--learning-rate=1e-4: no such option; here it is --lr"),
        (("--save-dtype=bfloat16",), "no such option; give it as --set save_dtype=bfloat16"),
        (("--save_dtype", "bfloat16"), "no such option; give it as --set save_dtype=..."),
        (("--output_dir", "o"), "no such option; here it is --out"),
        (("--save-total-limit", "3"), "no such option; here it is --set keep"),
        (("--validation", "v.jsonl", "w.jsonl"), "w.jsonl: no such option; DATA stands together, before the options;"),
        (("--eval-dataset", "v.jsonl"), "no such option; here it is --validation"),
        (("--resume",), "here it is nothing: the same command goes on from the last checkpoint"),
        (("--device-memory", "much"), "argument --device-memory: much: expected GiB, as 80"),
        (("--show", "none"), "argument --show"),
    ],
)
def test_a_flag_that_is_none_is_told_with_the_near_ones(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        train("d.jsonl", "--out", "o", *words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--recipe", "vicunna", "--model", "m"), "--recipe vicunna: no such recipe.*did you mean vicuna"),
        (("--set", "lrr=1"), "command line: unknown key 'lrr'; did you mean lr"),
        (("--set", "learning_rate=1e-4"), "command line: learning_rate: here it is lr"),
        (("--batch", "8", "--set", "batch_tokens=100"), "batch = 8, batch_tokens = 100: give one of them"),
        (("--set", "batch=8", "--set", "batch_tokens=100"), "batch = 8, batch_tokens = 100: give one of them"),
        (("--batch", "8", "--set", "batch=9"), "batch = 8, batch = 9: given twice"),
        (("--set", "data=x"), "--set data=x: DATA is given as d.jsonl already"),
        (("--model", "m", "--set", "scratch.width=64"), "--set scratch.width: is of a model from scratch"),
        (("--lr", "fast"), "lr: .*got 'fast'"),
        (("--template", "chatlm"), "template = 'chatlm': no .*chatml"),
        (("--format", "sharegtp"), "sharegpt"),
        (("--model", "./nowhere"), "model ./nowhere: no such folder"),
        (("--micro-tokens", "256", "--auto-batch"), "--micro-tokens and --auto-batch: leave one of them out"),
        (("--plan", "--show", "1"), "--show and --plan: leave one of them out"),
        (("--validation", "v.jsonl"), "validation: v.jsonl: no such file or folder; it takes a share below 1"),
        (("--device-memory", "80"), "--device-memory 80: goes with --plan"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_and_begins_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert re.search(message, refused(capsys, "d.jsonl", "--out", "o", *words))
    assert not (here / "o").exists()


def test_common_wishes_are_flags(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--batch", "4", "--train-on", "all", "--validation", "9", "--seed", "3")
    assert train("d.jsonl", "--out", "o", *words, "--eval-every", "4", "--save-every", "2") == 0
    asked = asked_of(here / "o")
    assert [asked[name] for name in ("batch", "batch_tokens", "train_on", "validation", "seed", "eval_every")] == [
        *(4, None, "all", 9, 3, 4)
    ]
    err = capsys.readouterr().err
    assert "held out: 9 examples; 51 are learned from" in err
    assert re.search(r"the model is that of step [48], the lowest eval loss, \d\.\d{4}, of 2 that were looked at", err)
    assert "ETA " in err


def test_files_for_validation_are_one_option_each(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(("v.jsonl", "w.jsonl")):
        small_trainings.write(here / name, small_trainings.rows(4, seed=number + 1))
    words = ("d.jsonl", "--validation", "v.jsonl", "--validation", "w.jsonl")
    assert train(*words, "--plan", "--json") == 0
    assert json.loads(capsys.readouterr().out)["held_out"] == 8
    assert train(*words, "--list") == 0
    assert 'validation = ["v.jsonl", "w.jsonl"]' in capsys.readouterr().out


def test_smaller_steps_are_said_and_planned(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_models.base(here / "m")
    (here / "p.toml").write_text("[train]\nmax_length = 64\nmicro_tokens = 256\nsamples = 0\nepochs = 4\n")
    assert train("d.jsonl", "--out", "o", "--model", "m") == 0
    out, err = capsys.readouterr()
    steps = re.search(r"batch = 8: small data, (\d+) steps; state --batch or batch_tokens to have another", err)
    assert steps is not None
    assert out.startswith(f"{steps[1]} steps")
    assert train("d.jsonl", "--model", "m", "--plan", "--epochs", "0.5") == 0
    out = capsys.readouterr().out
    assert "batch = 8: small data" in out
    assert re.search(r"only \d steps teach little", out)
    assert train("d.jsonl", "--out", "o", "--model", "m") == 0, "it is the same request"


def test_data_that_cannot_be_read_is_told_with_its_place(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (here / "d.jsonl").read_text().splitlines(keepends=True)
    (here / "empty.jsonl").write_text("")
    (here / "middle.jsonl").write_text("".join([*lines[:4], '{"messages": [', "\n", *lines[4:]]))
    assert "nowhere.jsonl: no such file" in refused(capsys, "nowhere.jsonl", "--out", "a")
    assert "empty.jsonl" in refused(capsys, "empty.jsonl", "--out", "b")
    assert "middle.jsonl:5" in refused(capsys, "middle.jsonl", "--out", "c")
    (here / "folder").mkdir()
    assert "folder: no dialogues.jsonl, kept.jsonl" in refused(capsys, "folder", "--out", "d")
    assert not list(here.glob("?/checkpoints"))
    assert train("d.jsonl", "--out", "b") == 0, "a request that came to nothing does not stand in the way"


def test_a_torn_last_line_is_cut_and_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (here / "d.jsonl").read_text()
    (here / "torn.jsonl").write_text(text + '{"id": "torn", "messages": [{"role": "us')
    assert train("torn.jsonl", "--out", "o") == 0
    err = capsys.readouterr().err
    assert "torn.jsonl: its last line was cut off and is left out" in err
    assert "60 dialogues -> 60 examples" in err


def test_what_is_shown_is_explained_and_nothing_to_show_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (here / "d.jsonl").read_text()
    (here / "torn.jsonl").write_text(text + '{"id": "torn", "messages": [{"role": "us')
    assert train("torn.jsonl", "--show", "1") == 0
    said = capsys.readouterr().err.splitlines()
    assert "torn.jsonl: its last line was cut off and is left out" in said
    assert "between ⟪ and ⟫: what is taught; the rest is only read" in said
    (here / "empty.jsonl").write_text("")
    assert "empty.jsonl: holds nothing to show" in refused(capsys, "empty.jsonl", "--show", "1")
    (here / "binary").write_bytes(bytes(range(256)) * 9)
    assert "binary" in refused(capsys, "binary", "--show", "1")


def test_what_is_written_is_for_those_to_read_who_may_read_the_folder(here: Path) -> None:
    before = os.umask(0o027)
    try:
        assert train("d.jsonl", "--out", "o") == 0
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (here / "o/model").iterdir()} == {0o640}
    assert not (here / "o/checkpoints/step-000008/README.md").exists()
    assert (here / "o/model/README.md").stat().st_size


def test_a_folder_takes_no_other_request(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("d.jsonl", "--out", "o") == 0
    assert "--out o: was asked with lr = 0.003, now 0.5" in refused(capsys, "d.jsonl", "--out", "o", "--lr", "0.5")
    small_trainings.write(here / "other.jsonl", small_trainings.rows(50, seed=3))
    assert "--out o: holds a training on other data" in refused(capsys, "other.jsonl", "--out", "o")


@pytest.mark.parametrize("held", ["summary.json", "model", "log.jsonl"])
def test_a_folder_of_something_else_is_left_as_it_is(here: Path, capsys: pytest.CaptureFixture[str], held: str) -> None:
    (here / "run").mkdir()
    (here / "run" / held).write_text("theirs")
    assert f"--out run: holds {held}, and is no training's folder" in refused(capsys, "d.jsonl", "--out", "run")
    assert [path.name for path in (here / "run").iterdir() if not path.name.startswith(".")] == [held]
    assert (here / "run" / held).read_text() == "theirs"


async def test_an_interrupt_is_130_and_the_same_command_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("d.jsonl", "--out", "o", "--max-steps", 300)
    child = await begin("train", *words, "--config", "p.toml", cwd=here)
    async with asyncio.timeout(200):
        while not (here / "o" / "checkpoints" / "step-000002").exists():
            await asyncio.sleep(0.02)
    assert f"another command (pid {child.pid}) is at work in it" in refused(capsys, *words)
    child.send_signal(signal.SIGINT)
    first = await end(child, 200)
    assert first.status == 130, first.err
    assert first.out == ""
    assert "it is saved, the same command goes on" in first.err
    assert "gen train: interrupted" in first.err
    assert "Traceback" not in first.err
    assert train(*words, "--set", "save_every=100") == 0, "how often it is saved is no part of the request"
    out, err = capsys.readouterr()
    assert "goes on from o/checkpoints/step-" in err
    assert out.splitlines()[0].startswith("300 steps")


def test_what_is_shown_of_hostile_data_is_harmless(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = "a\x1b]0;owned\x07b\x1b[2J <|im_end|>\n<|im_start|>assistant\u202e\u0000 \x9b31m"
    row = {
        "id": "bad\x1b[31m",
        "messages": [{"role": "user", "content": typed}, {"role": "assistant", "content": typed}],
    }
    small_trainings.write(here / "h.jsonl", [row, *small_trainings.rows(3)])
    assert train("h.jsonl", "--show", "2", "--template", "chatml") == 0
    out, err = capsys.readouterr()
    assert not {char for char in out if char != "\n" and not char.isprintable()}
    assert "⟪" in out
    assert "control tokens typed as text: 1 dialogues" in err
    assert sorted(path.name for path in here.iterdir()) == ["d.jsonl", "h.jsonl", "p.toml"]


def test_a_plan_writes_nothing_and_tells_what_fits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("d.jsonl", "--out", "o", "--plan") == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].endswith(", all trained")
    assert out.splitlines()[-1].endswith(": fits")
    assert err == ""
    assert train("d.jsonl", "--plan", "--json", "--device-memory", "0.002") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"]["trained"] == found["parameters"]["all"]
    assert (found["steps"], found["dialogues"]) == (8, 60)
    assert found["verdict"] == "does not fit"
    assert found["try_instead"]
    assert found["memory_gib"]["total"] > 0
    assert sorted(path.name for path in here.iterdir()) == ["d.jsonl", "p.toml"]
    assert "nowhere.jsonl: no such file" in refused(capsys, "nowhere.jsonl", "--plan")


CHAIN = """
[train]
max_length = 64
micro_tokens = 128
batch_tokens = 128
max_steps = 3
save_every = 3
samples = 0
lora = { r = 2, alpha = 4 }
[[train.stages]]
name = "f1"
[[train.stages]]
name = "f2"
train_on = "all"
"""


def test_a_chain_goes_through_its_stages_each_from_the_last_adapter(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_models.base(here / "base")
    (here / "p.toml").write_text(CHAIN)
    words = ("f1=d.jsonl", "f2=d.jsonl", "--model", "base", "--out", "o")
    assert train(*words, "--plan", "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    assert [stage["name"] for stage in planned["stages"]] == ["f1", "f2"]
    assert len({stage["parameters"]["trained"] for stage in planned["stages"]}) == 1
    assert planned["stages"][0]["taught"] < planned["stages"][1]["taught"]
    assert train(*words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "o/model"
    for out, model in (("o/stages/f1", "base"), ("o", "o/stages/f1")):
        assert asked_of(here / out)["model"] == model
        assert (here / out / "model" / "adapter_model.safetensors").exists()
    from transformers import AutoTokenizer

    assert len(AutoTokenizer.from_pretrained("o/model")) >= 256
    again = train_plan("f1=d.jsonl", "f2=d.jsonl", config="p.toml", model="base")
    assert [plan.steps for plan in again] == [3, 3]


def test_out_of_memory_names_the_batch_the_longest_and_the_change(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.nets.learner import Learner

    hidden, calls = Learner.hidden, []

    def heavy(self: Learner, batch: Any) -> torch.Tensor:
        calls.append(batch)
        if len(calls) == 7:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return hidden(self, batch)

    monkeypatch.setattr(Learner, "hidden", heavy)
    assert train("d.jsonl", "--out", "o") == 3
    err = capsys.readouterr().err
    documents, places, longest = len(calls[-1].input_ids), calls[-1].input_ids.numel(), calls[-1].max_seqlen
    assert (
        f"gen train: out of memory on cpu: a micro-batch of {documents:,} documents, {places:,} tokens at once, "
        f"the longest of {longest:,}; try the same with --gradient-checkpointing" in err
    )
    assert "--micro-tokens 128 (smaller pieces; another --out)" in err
    assert "Traceback" not in err
    assert train("d.jsonl", "--out", "o", "--gradient-checkpointing") == 0, "the remedy is no other request"


def test_the_batch_that_is_found_belongs_to_the_request(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.loop import auto_batch

    assert train("d.jsonl", "--out", "o", "--auto-batch") == 0
    assert "--auto-batch: 512 tokens at once (half of the free memory, by estimate)" in capsys.readouterr().err
    assert asked_of(here / "o")["micro_tokens"] == 512, "a step has no more"
    monkeypatch.setattr(auto_batch, "search", None)
    assert train("d.jsonl", "--out", "o", "--auto-batch") == 0, "it is taken from there, not looked for again"
    assert "was asked with micro_tokens = 512" in refused(capsys, "d.jsonl", "--out", "o")


@pytest.mark.parametrize(
    "words",
    [
        ("train", "d.jsonl", "--out", "o"),
        ("train", "d.jsonl", "--plan"),
        ("train", "d.jsonl", "--show", "1"),
        ("merge", "adapter", "--out", "o"),
        ("chat", "model"),
        ("serve", "model"),
    ],
    ids=" ".join,
)
def test_without_the_extra_its_name_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    for package in ("torch", "transformers", "tokenizers", "peft"):
        (tmp_path / "none" / package).mkdir(parents=True)
        (tmp_path / "none" / package / "__init__.py").write_text(
            f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')\n"
        )
    small_trainings.write(tmp_path / "d.jsonl", small_trainings.rows(3))
    path = os.pathsep.join([str(tmp_path / "none"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "gen.main", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "pip install 'duologue[train]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "o").exists()


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """Two processes of one training."""
    launch = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "gen.main", "train")
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    return subprocess.run(
        [sys.executable, *launch, *map(str, words), "--config", "p.toml"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **threads},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_under_torchrun_one_process_speaks_for_all(here: Path) -> None:
    done = torchrun("d.jsonl", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "o/model"
    assert done.stdout.count("8 steps") == 1
    assert done.stderr.count("60 dialogues -> 60 examples") == 1
    other = torchrun("d.jsonl", "--out", "o", "--lr", "0.5")
    assert other.returncode == 1, "torchrun's own"
    assert other.stderr.count("gen train: --out o: was asked with lr") == 1
    assert "exitcode  : 2" in other.stderr
    assert "exitcode  : 70" not in other.stderr
    assert "this is a bug" not in other.stderr


def test_what_is_not_stated_is_as_the_model_has_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second round speaks as the first one did, in examples of as many tokens as the model has positions."""
    small_models.base(here / "m", template="vicuna", max_position_embeddings=192)
    (here / "p.toml").write_text(TOML.replace("max_length = 128\n", "").replace("micro_tokens = 256\n", ""))
    assert train("d.jsonl", "--out", "o", "--model", "m", "--template", "vicuna") == 0
    assert "max_length = 192: the model's own; state it to have another" in capsys.readouterr().err
    assert train("d.jsonl", "--out", "o2", "--model", "o") == 0
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        "template = vicuna: the model's own; state it to have another",
        "max_length = 192: the model's own; state it to have another",
    ]
    assert (asked_of(here / "o2")["template"], asked_of(here / "o2")["max_length"]) == ("vicuna", 192)
    assert train("d.jsonl", "--model", "o2", "--show", "1") == 0
    assert "USER: " in capsys.readouterr().out
    assert train("d.jsonl", "--model", "o2", "--out", "o3", "--template", "chatml", "--max-length", "64") == 0
    assert (asked_of(here / "o3")["template"], asked_of(here / "o3")["max_length"]) == ("chatml", 64)


def test_a_template_of_ones_own_goes_with_the_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.toml").write_text(
        (ROOT / "trainer/templates/chatml.toml").read_text().replace("_start|>user", "_start|>asks")
    )
    assert train("d.jsonl", "--out", "o", "--template", "mine.toml") == 0
    assert train("d.jsonl", "--out", "o2", "--model", "o") == 0
    assert "template = o/model/template.toml: the model's own" in capsys.readouterr().err
    assert (here / "o2/model/template.toml").read_text() == (here / "mine.toml").read_text()


def test_a_model_that_cannot_be_taught_is_refused_before_the_data_is_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import T5Config

    T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2).save_pretrained(here / "t5")
    small_models.base(here / "m", max_position_embeddings=64)
    assert "model t5: t5 is no causal LM" in refused(capsys, "nowhere.jsonl", "--model", "t5", "--out", "o")
    assert "max_length = 128: the model has 64 positions" in refused(
        capsys, "nowhere.jsonl", "--model", "m", "--out", "o"
    )


def test_files_named_twice_alike_or_empty_are_said_before_they_are_learned(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "copy.jsonl").write_bytes((here / "d.jsonl").read_bytes())
    (here / "empty.jsonl").write_text("\n")
    assert train("d.jsonl", "./d.jsonl", "copy.jsonl", "empty.jsonl", "--out", "o", "--max-steps", "2") == 0
    told = capsys.readouterr().err.splitlines()
    for line in (
        "d.jsonl: named twice, and read as often",
        "copy.jsonl: the same bytes as d.jsonl, and read as well",
        "empty.jsonl: no dialogue in it",
    ):
        assert line in told
    assert any(line.startswith("180 dialogues -> 180 examples") for line in told)


def test_data_without_a_dialogue_is_refused_with_why(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "clean").mkdir()
    for name, text in (("clean/kept.jsonl", ""), ("clean/dropped.jsonl", "{}\n"), ("empty.jsonl", "")):
        (here / name).write_text(text)
    assert "clean/kept.jsonl: nothing to learn from (no dialogue in it; its filter dropped all, clean/report.html" in (
        refused(capsys, "clean", "--out", "a")
    )
    both = refused(capsys, "clean", "empty.jsonl", "--out", "b")
    assert "clean/kept.jsonl, empty.jsonl: nothing to learn from (no dialogue in any of them)" in both


def test_what_is_refused_is_named_by_file_and_line_and_in_the_plan(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = {"id": "mute", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": ""}]}
    small_trainings.write(here / "more.jsonl", [*small_trainings.rows(3), silent])
    place = "refused, an empty answer: 1 (the first: more.jsonl:4 (mute))"
    assert train("d.jsonl", "more.jsonl", "--plan") == 0
    assert place in capsys.readouterr().out
    assert train("d.jsonl", "more.jsonl", "--out", "o", "--max-steps", "2") == 0
    assert place in capsys.readouterr().err.splitlines()
    assert place in (here / "o/model/README.md").read_text()
    summary = json.loads((here / "o/summary.json").read_text())
    assert "more.jsonl:4 (mute)" in json.dumps(summary)


def test_rows_of_prompt_and_completion_teach_the_completion(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user, wrong, right = (
        {"role": role, "content": text} for role, text in (("user", "Say."), ("assistant", "no"), ("assistant", "yes"))
    )
    rows = [
        {"prompt": [user, wrong, user], "completion": [right]},
        {"messages": [user, {**wrong, "weight": 0}, user, right]},
    ]
    small_trainings.write(here / "rows.jsonl", rows)
    assert train("rows.jsonl", "--show", "2", "--train-on", "assistant") == 0
    told = capsys.readouterr()
    assert re.findall("⟪([^⟫]*)⟫", told.out) == ["yes", "<|end|>"] * 2
    assert "of weight 0, read and not learned: 2 answers" in told.err.splitlines()
