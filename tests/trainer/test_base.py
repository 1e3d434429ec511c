"""The model that a training starts from."""

from pathlib import Path

import pytest
import torch
from small_models import asked, base, llama, logits, shake, tokenizer
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

from dialogue.errors import UsageError
from trainer.nets.base import load, open_model, skeleton
from trainer.nets.names import resolve, tokenizer_place
from trainer.settings import LoraSettings, RopeSettings, ScratchSettings
from trainer.text.tokenizer import prepare


def test_a_model_from_scratch_has_the_shape_asked_for_and_the_seed_decides_its_weights(tmp_path: Path) -> None:
    own = tokenizer()
    scratch = ScratchSettings(width=16, layers=1, heads=2, kv_heads=1, mlp_width=24, context=96)
    one, again = (load(asked(tmp_path, scratch=scratch, seed=3), own, ()) for _ in range(2))
    other = load(asked(tmp_path, scratch=scratch, seed=4), own, ())
    assert one.get_input_embeddings().weight.shape == (len(own), 16)
    assert one.get_output_embeddings().weight is one.get_input_embeddings().weight
    assert torch.equal(logits(one), logits(again))
    assert not torch.equal(logits(one), logits(other))
    assert one.config.pad_token_id == own.pad_token_id
    assert one.config.use_cache is False


def test_a_folder_is_loaded_in_float32_for_training_and_as_it_is_for_use(tmp_path: Path) -> None:
    whole = llama(len(tokenizer()))
    whole.bfloat16().save_pretrained(tmp_path / "m")
    model = load(asked(tmp_path, model=str(tmp_path / "m")), tokenizer(), ())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.training
    assert open_model(tmp_path / "m").dtype == torch.bfloat16


@pytest.mark.parametrize("tied", [True, False])
def test_rows_of_new_tokens_start_at_the_mean_of_the_others_at_input_and_output(tmp_path: Path, tied: bool) -> None:
    place = base(tmp_path / "m", tie_word_embeddings=tied)
    own = tokenizer()
    before = llama(len(own), tie_word_embeddings=tied)
    own.add_tokens(["<|new|>", "<|other|>"], special_tokens=True)
    new = (len(own) - 2, len(own) - 1)
    model = load(asked(tmp_path, model=str(place)), own, new)
    for table, was in (
        (model.get_input_embeddings().weight, before.get_input_embeddings().weight),
        (model.get_output_embeddings().weight, before.get_output_embeddings().weight),
    ):
        assert table.shape[0] >= len(own)
        assert torch.allclose(table[list(new)], was.mean(dim=0).expand(2, -1), atol=1e-7)
        assert torch.equal(table[: len(was)], was)
    drawn = load(asked(tmp_path, model=str(place), new_embeddings="random", seed=9), own, new)
    assert 0.01 < drawn.get_input_embeddings().weight[list(new)].std() < 0.03


def test_new_tokens_inside_a_padded_vocabulary_are_started_too(tmp_path: Path) -> None:
    own = tokenizer()
    llama(len(own) + 40).save_pretrained(tmp_path / "m")
    own.add_tokens(["<|new|>"], special_tokens=True)
    model = load(asked(tmp_path, model=str(tmp_path / "m")), own, (len(own) - 1,))
    table = model.get_input_embeddings().weight
    assert len(table) == len(own) + 39
    others = torch.cat([table[: len(own) - 1], table[len(own) :]])
    assert torch.allclose(table[len(own) - 1], others.mean(dim=0), atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "dynamic", "yarn", "extrapolate"])
def test_a_context_is_stretched_and_the_saved_model_keeps_it(tmp_path: Path, kind: str) -> None:
    place = base(tmp_path / "m")
    rope = RopeSettings.model_validate({"context": 512, "kind": kind})
    model = load(asked(tmp_path, model=str(place), rope=rope, max_length=512, micro_tokens=512), tokenizer(), ())
    ids = torch.arange(400)[None] % 200
    long = model.eval()(ids, use_cache=False).logits
    assert bool(long.isfinite().all())
    model.save_pretrained(tmp_path / "saved")
    again = open_model(tmp_path / "saved")
    assert torch.equal(again(ids, use_cache=False).logits, long)
    once_more = load(asked(tmp_path, model=str(tmp_path / "saved"), rope=rope, max_length=512), tokenizer(), ())
    assert torch.equal(once_more.eval()(ids, use_cache=False).logits, long)
    assert model.config.rope_parameters["rope_type"] == ("default" if kind == "extrapolate" else kind)


def test_extrapolation_changes_nothing_within_the_old_context(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    plain = load(asked(tmp_path, model=str(place)), tokenizer(), ())
    rope = RopeSettings(context=512, kind="extrapolate")
    assert torch.equal(logits(load(asked(tmp_path, model=str(place), rope=rope), tokenizer(), ())), logits(plain))


def test_what_does_not_fit_is_refused_in_one_line(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    gpt2 = tmp_path / "gpt2"
    GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2)).save_pretrained(gpt2)
    wrong = {
        r"max_length = 4096: the model has 128 positions": {"max_length": 4096},
        r"rope.context = 64: the model has 128 positions already": {"rope": RopeSettings(context=64)},
        r"rope: gpt2: has no rotary positions": {"model": str(gpt2), "rope": RopeSettings(context=2048)},
    }
    for message, changes in wrong.items():
        with pytest.raises(UsageError, match=message) as found:
            load(asked(tmp_path, **{"model": str(place), **changes}), tokenizer(), ())
        assert "\n" not in str(found.value)


def test_models_of_other_kinds_are_refused_as_no_causal_language_models(tmp_path: Path) -> None:
    t5 = T5Config(vocab_size=300, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    bert = BertConfig(vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    T5ForConditionalGeneration(t5).save_pretrained(tmp_path / "t5")
    BertForMaskedLM(bert).save_pretrained(tmp_path / "bert")
    (tmp_path / "glm").mkdir()
    (tmp_path / "glm" / "config.json").write_text('{"model_type": "chatglm", "auto_map": {"AutoConfig": "c.C"}}')
    for name in ("t5", "bert", "glm"):
        with pytest.raises(UsageError, match="causal LM"):
            load(asked(tmp_path, model=str(tmp_path / name)), tokenizer(), ())


def test_weights_are_read_from_safetensors_only_and_must_be_all_there(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    weights = place / "model.safetensors"
    from safetensors.torch import load_file, save_file

    held = load_file(weights)
    save_file({name: value for name, value in held.items() if "layers.1.mlp" not in name}, weights, {"format": "pt"})
    with pytest.raises(UsageError, match="lack 3 weights"):
        load(asked(tmp_path, model=str(place)), tokenizer(), ())
    weights.unlink()
    torch.save(held, place / "pytorch_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        load(asked(tmp_path, model=str(place)), tokenizer(), ())


def test_a_model_is_found_by_its_folder_by_the_training_that_made_it_or_by_its_hub_id(tmp_path: Path) -> None:
    made = tmp_path / "run"
    base(made / "model")
    assert resolve(made) == resolve(made / "model") == str(made / "model")
    assert resolve("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    (tmp_path / "unfinished" / "checkpoints").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for wrong, message in (
        (tmp_path / "unfinished", "has not finished"),
        (tmp_path / "empty", "without config.json"),
        (tmp_path / "file", "a file"),
        ("./nowhere", "no such folder"),
    ):
        with pytest.raises(UsageError, match=message):
            resolve(wrong)


def test_a_checkpoint_takes_the_place_of_the_weights_that_the_training_started_from(tmp_path: Path) -> None:
    own = tokenizer()
    settings = asked(tmp_path, scratch=ScratchSettings(width=16, layers=1, heads=2, kv_heads=1, mlp_width=24))
    model = load(settings, own, ())
    shake(model)
    model.save_pretrained(tmp_path / "step")
    assert torch.equal(logits(load(settings, own, (), checkpoint=tmp_path / "step")), logits(model))


def test_a_skeleton_has_all_shapes_and_no_weights(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    whole = skeleton(asked(tmp_path, model=str(place), lora=LoraSettings(r=2, alpha=4)), 300)
    assert all(parameter.is_meta for parameter in whole.parameters())
    assert sum(parameter.requires_grad for parameter in whole.parameters()) == 2 * 7 * 2
    assert skeleton(asked(tmp_path), 765).get_input_embeddings().weight.shape == (765, 128)


def test_the_tokenizer_prepared_for_a_template_fits_the_grown_model(tmp_path: Path) -> None:
    place = base(tmp_path / "m", template="vicuna")
    from trainer.text.tokenizer import load as load_tokenizer

    prepared = load_tokenizer(tokenizer_place(place), "openchat")
    model = load(asked(tmp_path, model=str(place), template="openchat"), prepared.tokenizer, prepared.new_ids)
    assert prepared.new_ids
    assert model.get_input_embeddings().weight.shape[0] >= len(prepared.tokenizer)
    assert model.config.eos_token_id == prepared.tokenizer.convert_tokens_to_ids("<|end_of_turn|>")
    assert prepare(prepared.tokenizer, "openchat") == ()
