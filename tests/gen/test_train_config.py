"""What `gen train` is asked: flags win over the project's TOML, and that over the recipe."""

import re
from pathlib import Path
from typing import Any

import pytest

from dialogue.errors import UsageError
from gen.train_config import train_settings
from gen.train_names import OURS
from trainer.recipes import names, recipe
from trainer.settings import TrainSettings
from trainer.stages import stages
from trainer.text.template import find

SEEDS = {
    *("ultralm", "baize-7b", "baize-13b", "baize-30b", "baize-sdf", "openchat", "openchat-8192", "opencoderplus"),
    *("belle-full", "belle-lora", "belle-math-increment", "dreamergpt-chain", "moss", "vicuna", "alpaca", "wizardlm"),
    "scratch-small",
}


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "project.toml"
    path.write_text(text)
    return path


def settled(name: str) -> TrainSettings:
    found = [f"{stage['name']}=d.jsonl" for stage in recipe(name).get("stages", ())] or ["d.jsonl"]
    model = "some/model" if "base" in recipe(name) else None
    return train_settings(found, "out", recipe_name=name, flags={"model": model} if model else {})


def test_the_recipes_of_the_seed_systems_are_there() -> None:
    assert set(names()) >= SEEDS


@pytest.mark.parametrize("name", names())
def test_every_recipe_gives_settings_and_names_a_template_that_is_there(name: str) -> None:
    for stage in stages(settled(name)):
        assert stage.recipe == name
        assert find(stage.template)
        assert stage.max_length <= stage.micro_tokens


def test_hyper_parameters_are_those_of_the_seed_systems() -> None:
    baize, chat, long = settled("baize-30b"), settled("openchat"), settled("openchat-8192")
    assert baize.lora is not None
    assert (baize.lr, baize.lora.r, baize.lora.alpha, baize.batch, baize.warmup_steps) == (5e-5, 8, 16, 64, 100)
    assert "o_proj" not in baize.lora.targets
    assert (chat.lr, chat.epochs, chat.batch, chat.warmup_ratio, chat.seed) == (2e-5, 5, 128, 0.03, 42)
    assert long.rope is not None
    assert (long.max_length, long.rope.context, long.rope.kind) == (8192, 8192, "extrapolate")
    assert [stage.train_on for stage in stages(settled("dreamergpt-chain"))] == ["assistant", "all", "all", "all"]
    sdf = settled("baize-sdf").lora
    assert sdf is not None
    assert sdf.onto == "freeze"


def test_flags_win_over_the_toml_and_that_over_the_recipe(tmp_path: Path) -> None:
    config = toml(tmp_path, '[train]\nrecipe = "baize-7b"\nmodel = "m"\nlr = 1e-3\nbatch_tokens = 4096\nlora.r = 32')
    found = train_settings(
        ["d.jsonl"],
        "out",
        config=config,
        flags={"lr": "3e-4", "max_length": 512},
        changes=["lora.dropout=0", "eps=1e-6"],
    )
    assert (found.lr, found.max_length, found.eps) == (3e-4, 512, 1e-6)
    assert (found.batch, found.batch_tokens) == (None, 4096), "the recipe says batch = 64, the TOML names the other one"
    assert found.lora is not None
    assert (found.lora.r, found.lora.alpha, found.lora.dropout) == (32, 16, 0)
    assert found.recipe == "baize-7b"


def test_without_a_model_it_is_from_scratch_by_the_recipe_for_that() -> None:
    found = train_settings(["d.jsonl"], "out")
    assert (found.recipe, found.model, found.scratch.width, found.lr) == ("scratch-small", None, 128, 4e-3)
    plain = train_settings(["d.jsonl"], "out", flags={"model": "m"})
    assert (plain.recipe, plain.lr) == (None, 2e-5)


def test_a_recipe_that_fine_tunes_does_not_train_something_from_scratch_by_oversight() -> None:
    with pytest.raises(UsageError, match=r"recipe ultralm fine-tunes a model \(it was made for LLaMA-13B.*--model"):
        train_settings(["d.jsonl"], "out", recipe_name="ultralm")


def test_none_unsets_what_a_recipe_sets() -> None:
    found = train_settings(["d.jsonl"], "out", recipe_name="baize-7b", flags={"model": "m"}, changes=["lora=none"])
    assert found.lora is None
    kept = train_settings(["d.jsonl"], "out", recipe_name="moss", flags={"model": "m", "thoughts": "none"})
    assert kept.thoughts == "none"


def test_layers_of_an_adapter_may_stand_with_commas_between_them() -> None:
    found = train_settings(["d"], "out", flags={"model": "m"}, changes=["lora.r=8", "lora.targets=q_proj, v_proj"])
    assert found.lora is not None
    assert (found.lora.targets, found.lora.alpha, found.lr) == (("q_proj", "v_proj"), 16, 2e-4)
    one = train_settings(["d"], "out", flags={"model": "m"}, changes=["lora.r=8", "lora.targets=q_proj"])
    assert one.lora is not None
    assert one.lora.targets == ("q_proj",)


@pytest.mark.parametrize("name", OURS)
def test_what_others_call_a_setting_is_told_by_our_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"command line: {name}: here it is {re.escape(OURS[name])}"):
        train_settings(["d.jsonl"], "out", changes=[f"{name}=1"])


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("vocabulary", "scratch.vocabulary"),
        ("r", "lora.r"),
        ("targets", "lora.targets"),
        ("temperature", "decoding.temperature"),
        ("lora.rank", "lora.r"),
        ("lora.lora_alpha", "lora.alpha"),
        ("learnin_rate", "lr"),
        ("gradient_acumulation_steps", "batch, examples of a whole step; micro_tokens go through at once"),
    ],
)
def test_a_setting_of_an_inner_table_and_a_mistyped_one_of_others_are_told(name: str, ours: str) -> None:
    with pytest.raises(UsageError) as told:
        train_settings(["d.jsonl"], "out", changes=[f"{name}=1"])
    assert str(told.value).endswith(f": here it is {ours}")


@pytest.mark.parametrize(("name", "near"), [("rop", "rope"), ("lora.alphaa", "alpha")])
def test_a_mistyped_setting_is_told_as_the_nearest_one(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=rf"unknown key '.*'; did you mean {near}\?$"):
        train_settings(["d.jsonl"], "out", changes=[f"{name}=1"])


def test_text_settings_are_taken_as_typed() -> None:
    found = train_settings(
        ["d.jsonl"], "out", flags={"model": "123", "template": "chatml"}, changes=["weight_by=weight"]
    )
    assert (found.model, found.weight_by) == ("123", "weight")


@pytest.mark.parametrize(
    ("given", "share", "files"),
    [
        ("0.05", 0.05, ()),
        (200, 200.0, ()),
        (["200"], 200.0, ()),
        ("none", 0.0, ()),
        ([], 0.0, ()),
        ("dev.jsonl", 0.0, ("dev.jsonl",)),
        (Path("dev"), 0.0, ("dev",)),
        (["a.jsonl", "b.jsonl"], 0.0, ("a.jsonl", "b.jsonl")),
        ("2026-11-28", 0.0, ("2026-11-28",)),
    ],
)
def test_what_is_held_out_is_a_number_or_files(given: object, share: float, files: tuple[str, ...]) -> None:
    found = train_settings(["d.jsonl"], "out", flags={"validation": given})
    assert (found.held_share, tuple(map(str, found.held_files))) == (share, files)


def test_files_for_validation_are_given_to_the_stage_they_name(tmp_path: Path) -> None:
    lines = ['[train]\nmodel = "m"\nvalidation = 0.1', '[[train.stages]]\nname = "f1"']
    lines += [
        '[[train.stages]]\nname = "f2"\nvalidation = "two.jsonl"',
        '[[train.stages]]\nname = "f3"\nvalidation = 9',
    ]
    config = toml(tmp_path, "\n".join(lines))

    def held(*given: str) -> list[Any]:
        found = train_settings(["d.jsonl"], "out", config=config, flags={"validation": list(given)} if given else {})
        return [stage.held_share or [str(path) for path in stage.held_files] for stage in stages(found)]

    assert held() == [0.1, ["two.jsonl"], 9]
    assert held("f1=a.jsonl", "f1=b.jsonl") == [["a.jsonl", "b.jsonl"], ["two.jsonl"], 9]
    assert held("f3=a.jsonl") == [0.1, ["two.jsonl"], ["a.jsonl"]]
    assert held("f3=a.jsonl", "rest.jsonl") == [["rest.jsonl"], ["rest.jsonl"], ["a.jsonl"]]


def test_data_is_given_to_the_stage_it_names(tmp_path: Path) -> None:
    config = toml(
        tmp_path,
        '[[train.stages]]\nname = "f2b"\ndata = "own.jsonl"\n[[train.stages]]\nname = "f4"\ntrain_on = "all"\n'
        "validation = 500\n",
    )
    data = ["f1=a.jsonl", "f1=b=b.jsonl", "f2=c.jsonl", "f3=d.jsonl", "f4=e.jsonl"]
    found = train_settings(data, "out", recipe_name="dreamergpt-chain", config=config, flags={"model": "m"})
    assert [[str(path) for path in stage.data] for stage in stages(found)] == [
        ["a.jsonl", "b=b.jsonl"],
        ["c.jsonl"],
        ["own.jsonl"],
        ["d.jsonl"],
        ["e.jsonl"],
    ]
    with pytest.raises(UsageError, match="f3=PATH"):
        train_settings(["f1=a", "f2=a", "f2b=a"], "out", recipe_name="dreamergpt-chain", flags={"model": "m"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nlrr = 1", r"\[train\]: unknown key 'lrr'; did you mean lr"),
        ("[train.lora]\nrank = 1", r"\[train\].lora: rank: here it is lora.r$"),
        ("[train.lora]\nwidth = 1", r"\[train\].lora: width: here it is scratch.width$"),
        ("[train.lora]\nzone = 1", r"\[train\].lora: unknown key 'zone'; there are: r, alpha"),
        ('[train]\nlora = { r = 0, alpha = 1 }\nmodel = "m"', r"\[train\]: lora.r: .*got '0'"),
        ("[train]\nlr = -1", r"project.toml: \[train\]: lr: .*got '-1'"),
        ('[train]\nrecipe = "baize"', r"recipe baize: no such recipe.*did you mean baize-"),
        ("[train]\nbatch = 4\nbatch_tokens = 64\n", "batch = 4, batch_tokens = 64: give one of them"),
        ('[[train.stages]]\nname = "a"\nepoch = 3', r"stages\[0\]: unknown key 'epoch'; did you mean epochs"),
        ("[train]\nstages = 3", "expected tables"),
        ("[train]\nmax_length = 32768\n", "micro_tokens = 1536"),
        ("train = 3", r"expected a table \[train\]"),
        ('[train]\nformat = "sharegtp"', "sharegpt"),
        ("[train]\nlr = inf", r"lr: .*finite number \(got 'inf'\)"),
        ("[train]\nmax_steps = 'none'\nepochs = inf", "epochs: .*finite number"),
        ("[train]\nvalidation = inf", "validation: .*finite number"),
        ("[train]\nbetas = [2, 0.9]", r"betas.0: .*less than 1 \(got '2'\)"),
        ('[train]\nmodel = "m"\nlora = { r = 2, alpha = 4, targets = [] }', "lora.targets"),
        ('[train]\nmodel = "m"\nlora = { r = 2, alpha = inf }', "lora.alpha: .*finite number"),
        ('[train]\nmodel = "m"\nlora = { alpha = 2 }', r"\[train\]: lora.r: is missing$"),
        ("[train]\nscratch = { width = 96, kv_heads = 3 }", r"\[train\]: scratch: heads = 4, kv_heads = 3: .*divisor$"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_mend(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as found:
        train_settings(["d.jsonl"], "out", config=toml(tmp_path, text))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flags": {"lrr": "1"}}, "command line: unknown key 'lrr'; did you mean lr"),
        ({"changes": ["lora.rr=1"]}, "command line.lora: unknown key 'rr'"),
        ({"changes": ["lora"]}, "--set lora: expected SETTING=VALUE"),
        ({"flags": {"validation": ["held.jsonl", "0.1"]}}, r"validation: expected a share .*, one kind alone"),
        ({"flags": {"validation": ["0.1", "0.2"]}}, r"validation: expected a share .*, one kind alone"),
        ({"flags": {"validation": "-3"}}, "validation: expected a number of 0 or more"),
        ({"flags": {"validation": "2.5"}}, r"validation: expected a share below 1 or whole dialogues \(got '2.5'\)"),
        ({"flags": {"validation": ""}}, "validation: expected a file, not an empty text"),
        ({"flags": {"validation": ["a.jsonl", " "]}}, "validation: expected a file, not an empty text"),
        ({"flags": {"validation": "f1=held.jsonl"}}, "f1=held.jsonl: no such file, and no stage f1"),
        ({"flags": {"lr": "fast"}}, "command line: lr: .*got 'fast'"),
        ({"recipe_name": "nowhere.toml"}, "nowhere.toml: no such recipe"),
    ],
)
def test_flags_that_are_wrong_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train_settings(["d.jsonl"], "out", **options)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match="DATA is missing"):
        train_settings([], "out")
    with pytest.raises(UsageError, match="--out is missing"):
        train_settings(["d.jsonl"])
    with pytest.raises(UsageError, match="DATA is missing"):
        train_settings([])
    with pytest.raises(UsageError, match="DATA is missing: gen train f1=PATH"):
        train_settings([], "out", recipe_name="dreamergpt-chain", flags={"model": "m"})


def test_a_stage_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"f1=d\.jsonl: no such file, and no stage f1; this training has no stages"):
        train_settings(["f1=d.jsonl"], "out")
    with pytest.raises(UsageError, match=r"f9=d\.jsonl: no such file, and no stage f9; there are: f1, f2, "):
        train_settings(["f9=d.jsonl"], "out", recipe_name="dreamergpt-chain", flags={"model": "m"})
    (tmp_path / "a=b.jsonl").write_text("")
    named = str(tmp_path / "a=b.jsonl")
    assert list(map(str, train_settings([named], "out").data)) == [named]


def test_what_is_typed_goes_over_what_every_stage_states(tmp_path: Path) -> None:
    config = toml(
        tmp_path,
        '[train]\nmodel = "m"\n[[train.stages]]\nname = "a"\nlr = 1e-3\nbatch_tokens = 4096\n'
        '[[train.stages]]\nname = "b"\nlr = 2e-3\nlora = { r = 4, alpha = 8 }\n',
    )
    found = train_settings(
        ["d.jsonl"], "out", config=config, flags={"lr": "5e-4"}, changes=["batch=8", "lora.r=16", "lora.alpha=32"]
    )
    made = stages(found)
    assert [(one.lr, one.batch, one.batch_tokens) for one in made] == [(5e-4, 8, None)] * 2
    assert [one.lora and (one.lora.r, one.lora.alpha) for one in made] == [(16, 32.0)] * 2


def test_a_stage_that_does_without_an_adapter_is_given_none(tmp_path: Path) -> None:
    config = toml(
        tmp_path,
        '[train]\nmodel = "m"\n[[train.stages]]\nname = "a"\nlora = { r = 4, alpha = 8 }\n'
        '[[train.stages]]\nname = "b"\nmodel = "n"\nlora = "none"\n',
    )
    found = stages(train_settings(["d.jsonl"], "out", config=config, changes=["lora.r=16", "lora.alpha=32"]))
    assert [one.lora and one.lora.r for one in found] == [16, None]


def test_a_recipe_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('template = "vicuna"\nmodel = "m"\nlr = 7e-6\n')
    found = train_settings(["d.jsonl"], "out", recipe_name=str(path))
    assert (found.template, found.lr, found.recipe) == ("vicuna", 7e-6, str(path))
    path.write_text("lr = ")
    with pytest.raises(UsageError, match="not TOML"):
        train_settings(["d.jsonl"], "out", recipe_name=str(path))


def test_settings_load_neither_torch_nor_transformers() -> None:
    import subprocess
    import sys

    code = "import sys, gen.train_config; print(sorted({'torch', 'transformers', 'peft'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
