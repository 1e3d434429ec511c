"""What is wrong with a training is told before it begins, of every stage of a chain, and leaves nothing behind."""

import json
import re
from pathlib import Path

import pytest
import small_models
import small_trainings

from gen.main import main
from trainer.nets.unstated import OTHER

SETTINGS = """
[train]
max_length = 64
batch_tokens = 512
micro_tokens = 256
max_steps = 2
samples = 0
"""
SCRATCH = "[train.scratch]\nvocabulary = 320\nwidth = 32\nheads = 4\nkv_heads = 2\nmlp_width = 64\ncontext = 256\n"
ADAPTER = "[train.lora]\nr = 2\nalpha = 4\n"
STAGES = '[[train.stages]]\nname = "f1"\ndata = ["d.jsonl"]\n[[train.stages]]\nname = "f2"\ndata = ["e.jsonl"]\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of dialogues and a small model, where commands are given."""
    small_trainings.write(tmp_path / "d.jsonl", small_trainings.rows(30))
    small_trainings.write(tmp_path / "e.jsonl", small_trainings.rows(30, seed=1))
    small_models.base(tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def train(text: str, *words: object) -> int:
    Path("p.toml").write_text(SETTINGS + text)
    return main(["train", *map(str, words), "--config", "p.toml"])


def refused(capsys: pytest.CaptureFixture[str], text: str, *words: object) -> str:
    """The one line with which a request is refused; there is nothing more in the folder than before."""
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    assert train(text, *words) == 2
    out, err = capsys.readouterr()
    aside = ("from scratch: ", "lr = ", "stage ")
    lines = [line for line in err.splitlines() if not line.startswith(aside) and not line.endswith(OTHER)]
    assert out == ""
    assert len(lines) == 1, err
    assert set(Path().rglob("*")) - set(before) <= {Path("p.toml")}
    return lines[0]


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ('model = "./nowhere"\n', r"stages\.f2: model ./nowhere: no such folder"),
        ('model = "no-such/model"\n', r"stages\.f2: model no-such/model: "),
        ('model = "t5"\n', r"stages\.f2: model t5: t5 is no causal LM"),
        ('model = "short"\n', r"stages\.f2: max_length = 64: the model has 32 positions"),
        ('model = "base"\nlora = { r = 2, alpha = 4, targets = ["k_pro"] }\n', r"stages\.f2: lora\.targets: .*k_pro"),
        ('lora = { r = 2, alpha = 4, targets = ["k_pro"] }\n', r"stages\.f2: lora\.targets: .*no linear layer k_pro"),
        ('wandb = "mine"\n', r"stages\.f2: wandb = mine: not installed"),
        ('template = "vicuna"\nthoughts = "keep"\n', r"stages\.f2: thoughts = keep: template vicuna has no place"),
        (
            'model = "odd"\ntemplate = "own"\n',
            r"stages\.f2: template = own: the chat template of .*odd' cannot be",
        ),
    ],
)
def test_what_is_wrong_with_a_later_stage_is_told_before_the_first_begins(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stage: str, message: str
) -> None:
    from transformers import T5Config

    T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2).save_pretrained(here / "t5")
    small_models.base(here / "short", max_position_embeddings=32)
    odd = small_models.base(here / "odd")
    (odd / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    _without_wandb(monkeypatch)
    assert re.search(message, refused(capsys, STAGES + stage, "--model", "base", "--out", "o"))


def test_data_of_a_later_stage_that_is_not_there_is_told_before_the_first_begins(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "e.jsonl").unlink()
    told = refused(capsys, STAGES, "--model", "base", "--out", "o")
    assert "stages.f2: e.jsonl: no such file or folder" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "".join([*['{"messages": [{"role": "user", "content": "a"}]}\n'] * 3, "{nothing\n", "{}\n"]),
            "e.jsonl:4: not JSON",
        ),
        ('{"messages": [{"role": "user", "content": "a"}]}\n', "e.jsonl: nothing to learn from (1 dialogues -> 0"),
        ("", "e.jsonl: nothing to learn from"),
    ],
    ids=["not JSON", "without an answer", "empty"],
)
def test_data_of_a_later_stage_is_read_before_the_first_begins(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (here / "e.jsonl").write_text(text)
    told = refused(capsys, STAGES, "--model", "base", "--out", "o")
    assert f"stages.f2: {message}" in told


def test_a_later_stage_that_holds_everything_out_is_told_before_the_first_begins(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, STAGES + "validation = 30\n", "--model", "base", "--out", "o")
    assert "stages.f2: e.jsonl: 30 dialogues, and validation = 30 are held out; lower it" in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "stages.f2: validation: v.jsonl: no such file or folder; it takes a share below 1, a number of"),
        ("", "stages.f2: validation: v.jsonl: nothing is taught in it (no dialogue in it)"),
        ('{"messages": [{"role": "user", "content": "a"}]}\n', "stages.f2: validation: v.jsonl: nothing is taught"),
        (json.dumps(small_trainings.rows(30, seed=1)), "stages.f2: e.jsonl: nothing to learn from (30 dialogues"),
    ],
    ids=["not there", "empty", "without an answer", "the data themselves"],
)
def test_a_file_for_validation_of_a_later_stage_is_read_before_the_first_begins(
    here: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    if text is not None:
        (here / "v.jsonl").write_text(text)
    assert message in refused(capsys, STAGES + 'validation = "v.jsonl"\n', "--model", "base", "--out", "o")


def test_stages_are_named_as_they_begin(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(STAGES + "validation = 0.1\n", "--model", "base", "--out", "o") == 0
    err = capsys.readouterr().err
    assert [line for line in err.splitlines() if line.startswith("stage ")] == ["stage f1, 1 of 2", "stage f2, 2 of 2"]


def test_examples_of_a_chain_are_as_long_as_its_models_have_positions(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody states max_length, neither for the training nor for a stage."""
    text = STAGES + 'model = "short"\ntemplate = "chatml"\n'
    small_models.base(here / "short", max_position_embeddings=48)
    (here / "p.toml").write_text(SETTINGS.replace("max_length = 64\n", "") + text)
    assert main(["train", "--model", "base", "--out", "o", "--config", "p.toml"]) == 0
    assert "max_length = 48: the model's own; state it to have another" in capsys.readouterr().err
    asked = [json.loads((here / out / "train.json").read_text())["asked"] for out in ("o/stages/f1", "o")]
    assert [one["max_length"] for one in asked] == [48, 48]


def test_tokens_at_once_need_not_suffice_for_a_length_that_nobody_stated(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SETTINGS.replace("max_length = 64\n", "").replace("micro_tokens = 256\n", "")
    (here / "p.toml").write_text(text)
    words = ["train", "d.jsonl", "--model", "base", "--config", "p.toml"]
    assert main([*words, "--out", "o", "--micro-tokens", "160"]) == 0
    capsys.readouterr()
    assert main([*words, "--out", "p", "--micro-tokens", "64"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert "max_length = 128 tokens; give --micro-tokens 128, or --max-length 64" in told


def test_what_nobody_stated_and_is_chosen_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(SCRATCH, "d.jsonl", "--out", "s") == 0
    found = capsys.readouterr().err.splitlines()[0]
    assert re.fullmatch(
        r"from scratch: a Llama of 0\.0\d M parameters with a tokenizer of its own, recipe scratch-small; "
        r"--model fine-tunes one",
        found,
    )
    assert train("[train.lora]\nr = 2\n", "d.jsonl", "--model", "base", "--out", "o") == 0
    said = capsys.readouterr().err.splitlines()
    assert said[:3] == [
        "template = own: the model's own; state it to have another",
        "lr = 0.0002: usual for an adapter; state it to have another",
        "lora.alpha = 4: twice the rank; state it to have another",
    ]
    assert train("[train.lora]\nr = 2\n" + STAGES, "--model", "base", "--out", "c") == 0
    assert capsys.readouterr().err.splitlines()[:3] == said[:3]
    asked = [json.loads((here / out / "train.json").read_text())["asked"] for out in ("o", "c/stages/f1", "c")]
    assert [(one["lr"], one["lora"]["alpha"]) for one in asked] == [(2e-4, 4)] * 3
    assert train(ADAPTER, "d.jsonl", "--model", "base", "--out", "t", "--lr", "1e-3") == 0
    assert "usual for an adapter" not in capsys.readouterr().err


def test_a_stage_may_start_from_what_an_earlier_one_will_make(here: Path) -> None:
    third = '[[train.stages]]\nname = "f3"\ndata = ["d.jsonl"]\nmodel = "o/stages/f1/model"\n'
    assert train(STAGES + third, "--model", "base", "--out", "o") == 0
    asked = json.loads((here / "o" / "train.json").read_text())["asked"]
    assert asked["model"] == "o/stages/f1/model"


@pytest.mark.parametrize("plan", [(), ("--plan",)])
def test_an_adapters_layers_and_missing_packages_are_told_before_the_data_is_encoded(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plan: tuple[str, ...]
) -> None:
    def encodes(*_: object) -> None:
        raise AssertionError("the data was encoded first")

    _without_wandb(monkeypatch)
    monkeypatch.setattr("trainer.loop.desk.build", encodes)
    words = ("d.jsonl", "--model", "base", "--out", "o", *plan)
    wrong = ADAPTER + 'targets = ["q_proj", "w_pack"]\n'
    assert "lora.targets: llama has no linear layer w_pack (" in refused(capsys, wrong, *words)
    assert "wandb = mine: not installed (pip install wandb)" in refused(capsys, ADAPTER, *words, "--set", "wandb=mine")
    assert "lora.bits = 4: needs bitsandbytes" in refused(capsys, ADAPTER + "bits = 4\n", *words)


def test_data_that_only_stages_have_is_shown_stage_by_stage(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(STAGES + 'train_on = "all"\n', "--model", "base", "--show", "2") == 0
    out, err = capsys.readouterr()
    assert [int(line.split()[3]) > 20 for line in out.splitlines() if line.endswith(" taught")] == [False] * 2 + [
        True
    ] * 2
    assert [line for line in err.splitlines() if line.startswith("stage ")] == [
        "stage f1: d.jsonl",
        "stage f2: e.jsonl",
    ]
    assert train(SCRATCH + STAGES, "--recipe", "scratch-small", "--show", "1") == 0
    assert "stage f2: e.jsonl" in capsys.readouterr().err
    assert not (here / "o").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"asked": {}}', '{"asked": 3, "data": [], "template": ""}', '{"data": [3], "asked": {}}']
)
@pytest.mark.parametrize("more", [(), ("--auto-batch",)])
def test_a_foreign_or_torn_request_is_left_and_told_with_its_path(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, more: tuple[str, ...]
) -> None:
    (here / "o").mkdir()
    (here / "o" / "train.json").write_text(text)
    (here / "o" / ".lock").touch()
    if more:  # which looks first what a training that has begun goes through at once
        (here / "o" / "model").mkdir()
    told = refused(capsys, SCRATCH, "d.jsonl", "--out", "o", *more)
    assert "o/train.json: not what a training was asked for (" in told
    assert "name another --out" in told
    assert (here / "o" / "train.json").read_text() == text


def test_a_torn_summary_is_told_with_its_path(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(SCRATCH, "d.jsonl", "--out", "o") == 0
    (here / "o" / "summary.json").write_text('{"steps": 2, ')
    assert "o/summary.json: broken JSON" in refused(capsys, SCRATCH, "d.jsonl", "--out", "o")


@pytest.mark.parametrize("held", ["tokenizer", "data"])
def test_a_folder_whose_tokenizer_or_data_a_training_would_overwrite_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], held: str
) -> None:
    (here / "o" / held).mkdir(parents=True)
    (here / "o" / held / "theirs.txt").write_text("theirs")
    (here / "o" / ".lock").touch()
    told = refused(capsys, SCRATCH, "d.jsonl", "--out", "o")
    assert f"--out o: holds {held}, and is no training's folder" in told
    assert (here / "o" / held / "theirs.txt").read_text() == "theirs"


def test_a_wrong_request_leaves_none_of_the_folders_above_behind(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "empty.jsonl").write_text("")
    assert "empty.jsonl" in refused(capsys, SCRATCH, "empty.jsonl", "--out", "a/b/c")
    (here / "kept").mkdir()
    assert "empty.jsonl" in refused(capsys, SCRATCH, "empty.jsonl", "--out", "kept/b/c")
    assert (here / "kept").is_dir(), "it was there before"
    empty = STAGES.replace("d.jsonl", "empty.jsonl")
    assert "empty.jsonl" in refused(capsys, SCRATCH + empty, "--recipe", "scratch-small", "--out", "a/b")


def _without_wandb(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.util import find_spec

    monkeypatch.setattr(
        "trainer.loop.weights_biases.find_spec", lambda name: None if name == "wandb" else find_spec(name)
    )
