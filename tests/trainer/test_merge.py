"""Merged logits are those of base and adapters."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import asked, base, llama, logits, shake, tokenizer
from small_trainings import toy
from test_adapters import LORA, made
from test_checkpoint import no_larger_than
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from dialogue.errors import RunStopped, UsageError
from gen.main import main
from trainer.loop.checkpoint import save
from trainer.loop.model_files import write_adapter
from trainer.loop.train import train
from trainer.nets import merge as folding
from trainer.nets.base import load, open_model
from trainer.nets.merge import folders_of, merged
from trainer.settings import LoraSettings, RopeSettings
from trainer.text.render import renderer

EVERYWHERE = LoraSettings(r=3, alpha=5)


def merge(*adapters: Path, model: Path | None = None) -> torch.Tensor:
    return logits(merged(*folders_of([str(one) for one in adapters], str(model) if model else None)))


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("new", [0, 2])
def test_merged_says_what_base_and_adapter_said(tmp_path: Path, dora: bool, tied: bool, new: int) -> None:
    place = base(tmp_path / "m", tie_word_embeddings=tied)
    said = made(tmp_path / "a", place, EVERYWHERE.model_copy(update={"dora": dora}), new=new)
    assert float((merge(tmp_path / "a") - said).abs().max()) < 1e-5
    assert float((logits(open_model(place))[..., :256] - said[..., :256]).abs().max()) > 0.01


def test_a_second_adapter_beside_the_first_is_summed(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA)
    second = EVERYWHERE.model_copy(update={"onto": "freeze"})
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=second), tokenizer(), ())
    shake(model, seed=7)
    both = logits(model)
    del model.peft_config["first"]  # the second alone, as others keep such adapters
    (tmp_path / "b").mkdir()
    write_adapter(tmp_path / "b", model, str(place))
    assert float((merge(tmp_path / "a", tmp_path / "b") - both).abs().max()) < 1e-5
    assert float((merge(tmp_path / "b", tmp_path / "a") - both).abs().max()) < 1e-5


def test_an_adapter_trained_on_a_merged_one_is_stacked(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    dora = EVERYWHERE.model_copy(update={"dora": True})
    made(tmp_path / "a", place, dora)
    whole = merged(*folders_of([str(tmp_path / "a")]))
    whole.save_pretrained(tmp_path / "whole")
    said = made(tmp_path / "b", tmp_path / "whole", dora)
    assert float((merge(tmp_path / "a", tmp_path / "b", model=place) - said).abs().max()) < 1e-5


def test_what_cannot_be_merged_is_said(tmp_path: Path) -> None:
    place, other = base(tmp_path / "m"), base(tmp_path / "other", seed=3)
    wide = base(tmp_path / "wide", hidden_size=64)
    made(tmp_path / "a", place, LORA)
    made(tmp_path / "b", other, LORA)
    with pytest.raises(UsageError, match="no adapter named, so nothing to merge"):
        folding.merge([], tmp_path / "none", str(place))
    with pytest.raises(UsageError, match="a whole model already"):
        merge(place)
    with pytest.raises(UsageError, match=r"stands on .*m, .* on .*other"):
        merge(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match=r"--model .*wide: hidden_size = 64, and .*a was trained on .*m with 32"):
        merge(tmp_path / "a", model=wide)
    with pytest.raises(UsageError, match="an adapter itself"):
        merge(tmp_path / "a", model=tmp_path / "b")


def test_an_adapter_is_not_folded_into_another_family_of_the_same_shapes(tmp_path: Path) -> None:
    place, moved = base(tmp_path / "m"), base(tmp_path / "moved")
    qwen = base(tmp_path / "qwen", make=qwen2)
    made(tmp_path / "a", place, LORA)
    with pytest.raises(UsageError, match=r"--model .*qwen: model_type = qwen2, and .*a was trained on .*m with llama"):
        merge(tmp_path / "a", model=qwen)
    merge(tmp_path / "a", model=moved)
    shutil.rmtree(place)
    merge(tmp_path / "a", model=moved)


def qwen2(rows: int) -> torch.nn.Module:
    shape = llama(rows).config
    names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    same = {name: getattr(shape, name) for name in (*names, "num_key_value_heads", "max_position_embeddings")}
    return Qwen2ForCausalLM(Qwen2Config(**same))


def test_the_merged_folder_is_whole_says_what_it_is_made_of_and_takes_no_other_merge(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    bits = llama(len(tokenizer())).bfloat16()
    bits.save_pretrained(place)
    settings = asked(
        tmp_path, model=str(place), lora=EVERYWHERE, rope=RopeSettings(context=256), decoding={"top_p": 0.5}
    )
    own = tokenizer()
    model = load(settings, own, ())
    shake(model)
    save(tmp_path / "run" / "model", model, own, renderer(own, settings), settings, "")
    about = folding.merge([str(tmp_path / "run")], tmp_path / "whole")
    assert about["dtype"] == "bfloat16"
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "whole", dtype=torch.float32)
    assert float((logits(whole) - logits(model)).abs().max()) < 0.05  # bfloat16 has three digits
    assert whole.config.max_position_embeddings == 256
    assert whole.generation_config.top_p == 0.5
    assert AutoTokenizer.from_pretrained(tmp_path / "whole").chat_template
    assert (tmp_path / "whole" / "template.toml").exists()
    assert "run" not in (tmp_path / "whole" / "README.md").read_text().split("---")[1]
    assert folding.merge([str(tmp_path / "run")], tmp_path / "whole") == about
    exact = folding.merge([str(tmp_path / "run")], tmp_path / "exact", dtype="float32")
    assert exact["dtype"] == "float32"
    assert float((logits(open_model(tmp_path / "exact")) - logits(model)).abs().max()) < 1e-5
    with pytest.raises(UsageError, match="holds another merge"):
        folding.merge([str(tmp_path / "run")], tmp_path / "whole", dtype="float32")
    with pytest.raises(UsageError, match="is there already"):
        folding.merge([str(tmp_path / "run")], place)


def test_the_command_merges_and_says_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA)
    assert main(["merge", str(tmp_path / "a"), "--out", str(tmp_path / "w")]) == 0
    assert capsys.readouterr().out.split("\n")[-2] == str(tmp_path / "w")
    assert main(["merge", str(place), "--out", str(tmp_path / "v")]) == 2
    assert "a whole model already" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "a")]) == 2
    assert "--out is missing" in capsys.readouterr().err


def trained(folder: Path, name: str, model: Path, **changes: Any) -> Path:
    """An adapter by a training of two steps that goes on from a model."""
    settings = toy(folder, out=name, model=str(model), lora=LORA, max_steps=2, validation=9, **changes)
    train(settings, lambda _: None)
    return settings.out


def test_an_adapter_that_another_one_holds_is_not_counted_twice(tmp_path: Path) -> None:
    place = base(tmp_path / "m", max_position_embeddings=256)
    first = trained(tmp_path, "f1", place)
    second = trained(tmp_path, "f2", first)
    third = trained(tmp_path, "f3", second)
    frozen = LORA.model_copy(update={"onto": "freeze"})
    beside = tmp_path / "beside"
    train(toy(tmp_path, out="beside", model=str(first), lora=frozen, max_steps=2), lambda _: None)
    for places, message in (
        ((first, second), "f2 went on from .*f1 and holds it already, so it would count twice; leave .*f1 out"),
        ((second, first), "f2 went on from .*f1 and holds it already"),
        ((first, third), "f3 went on from .*f1 and holds it already"),
        ((first / "model", beside), "beside went on from .*f1/model and holds it already"),
        ((second, beside), "f2 and .*beside went on from the same adapter and both hold it"),
        ((first, first / "model"), "the same adapter, which would count twice"),
    ):
        with pytest.raises(UsageError, match=message):
            folders_of([str(one) for one in places])
    about = folding.merge([str(third)], tmp_path / "whole")
    card = (tmp_path / "whole" / "README.md").read_text()
    assert card.count("It went on from the adapter of sha256 ") == 2
    assert about["adapters"][0]["hash"] in card
    assert float((merge(third) - logits(open_model(third / "model"))).abs().max()) < 1e-5
    other = trained(tmp_path, "other", place, seed=1)
    assert folders_of([str(third), str(other)])[0] == [third / "model", other / "model"]


def test_the_card_of_a_merged_model_tells_what_the_adapters_learned(tmp_path: Path) -> None:
    place = base(tmp_path / "m", max_position_embeddings=256)
    (place / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    one, other = trained(tmp_path, "one", place), trained(tmp_path, "two", place, seed=1)
    made(tmp_path / "foreign", place, EVERYWHERE)
    folding.merge([str(one), str(tmp_path / "foreign"), str(other)], tmp_path / "whole")
    card = (tmp_path / "whole" / "README.md").read_text()
    head = card.split("---")[1]
    assert 'base_model: "m"' in head
    assert 'license: "apache-2.0"' in head
    assert re.findall(r"^\d\. (\w+): LoRA of rank", card, re.MULTILINE) == ["one", "foreign", "two"]
    assert "AutoModelForCausalLM" in card
    of_each = card.split("## Adapter ")[1:]
    data = json.loads((one / "train.json").read_text())["data"][0]["sha256"]
    for part, name in ((of_each[0], "one"), (of_each[2], "two")):
        loss = json.loads((tmp_path / name / "summary.json").read_text())["eval_loss"]
        assert f"| eval_loss | {loss:.4g} |" in part
        assert f"data.jsonl | {data} |" in part
        assert "data.jsonl: its origin is not known here" in part
        assert "### Settings" in part
    assert "not known here" in of_each[1]
    assert "eval_loss" not in of_each[1]
    assert str(tmp_path) not in card


def test_a_merged_model_is_used_as_the_adapter_whose_template_it_has(tmp_path: Path) -> None:
    place = base(tmp_path / "m", max_position_embeddings=256)
    user = trained(tmp_path, "user", place, train_on="user")
    made(tmp_path / "foreign", place, EVERYWHERE)
    folding.merge([str(user), str(tmp_path / "foreign")], tmp_path / "whole")
    assert json.loads((tmp_path / "whole" / "duologue.json").read_text())["settings"]["train_on"] == "user"
    assert "It was taught the user's side" in (tmp_path / "whole" / "README.md").read_text()


def test_a_merge_that_a_disk_ended_says_that_nothing_was_written(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA)
    with no_larger_than(50 * 1024), pytest.raises(RunStopped, match="nothing of it was written; mend the disk"):
        folding.merge([str(tmp_path / "a")], tmp_path / "w")
    assert not (tmp_path / "w").exists()
