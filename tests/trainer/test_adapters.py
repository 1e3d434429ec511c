"""Adapters: new, trained on, and a second one on a frozen first."""

from pathlib import Path

import pytest
import torch
from small_models import asked, base, logits, shake, tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

from dialogue.errors import UsageError
from trainer.loop.model_files import write_adapter
from trainer.nets import adapters
from trainer.nets.base import load, open_model
from trainer.nets.merge import merged
from trainer.settings import LoraSettings

LORA = LoraSettings(r=4, alpha=8, targets=("q_proj", "v_proj"))
SHAPES = {"7B": (4096, 11008, 32, 32), "13B": (5120, 13824, 40, 40), "30B": (6656, 17920, 60, 52)}
BAIZE = LoraSettings(r=8, alpha=16, targets=("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"))
BELLE = LoraSettings(r=16, alpha=32)
DREAMER = LoraSettings(r=8, alpha=16, targets=("q_proj", "v_proj"))


@pytest.mark.parametrize(
    ("shape", "lora", "trained"),
    [
        ("7B", BAIZE, 17_891_328),
        ("13B", BAIZE, 28_016_640),
        ("30B", BAIZE, 54_558_720),
        ("7B", BELLE, 39_976_960),
        ("7B", DREAMER, 4_194_304),
        ("13B", DREAMER, 6_553_600),
    ],
)
def test_the_seed_systems_numbers_of_trained_parameters(shape: str, lora: LoraSettings, trained: int) -> None:
    width, mlp, layers, heads = SHAPES[shape]
    config = LlamaConfig(hidden_size=width, intermediate_size=mlp, num_hidden_layers=layers, num_attention_heads=heads)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
        adapters.add(model, lora)
    assert adapters.counts(model).trained == trained


def made(folder: Path, place: Path, lora: LoraSettings, new: int = 0) -> torch.Tensor:
    """An adapter of the base, written to the folder; what the model says with it."""
    own = tokenizer()
    own.add_tokens([f"<|new{number}|>" for number in range(new)], special_tokens=True)
    ids = tuple(range(len(own) - new, len(own)))
    model = load(asked(folder, model=str(place), lora=lora), own, ids)
    shake(model)
    folder.mkdir(exist_ok=True)
    write_adapter(folder, model, str(place))
    return logits(model)


@pytest.mark.parametrize("dora", [False, True])
def test_an_adapter_says_the_same_when_it_is_opened_again_by_us_and_by_others(tmp_path: Path, dora: bool) -> None:
    """transformers 5.23 leaves a DoRA's magnitudes at their start; peft reads them."""
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    place = base(tmp_path / "m")
    said = made(tmp_path / "a", place, LORA.model_copy(update={"dora": dora}))
    assert not torch.equal(said, logits(open_model(place)))
    assert torch.equal(logits(open_model(tmp_path / "a")), said)
    assert torch.equal(logits(AutoPeftModelForCausalLM.from_pretrained(tmp_path / "a")), said)
    if not dora:
        assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "a")), said)


@pytest.mark.parametrize("tied", [True, False])
def test_rows_of_new_tokens_are_trained_with_the_adapter_or_the_model_could_not_learn_to_stop(
    tmp_path: Path, tied: bool
) -> None:
    place = base(tmp_path / "m", tie_word_embeddings=tied)
    own = tokenizer()
    own.add_tokens(["<|new|>"], special_tokens=True)
    new = len(own) - 1
    model = load(asked(tmp_path, model=str(place), lora=LORA), own, (new,))
    out = model(torch.tensor([[5, new, 7]]), use_cache=False).logits
    torch.nn.functional.cross_entropy(out[0, :1], torch.tensor([new])).backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None and "token" in name}
    assert len(trained) == (1 if tied else 2)
    said = made(tmp_path / "a", place, LORA, new=1)
    assert torch.equal(logits(open_model(tmp_path / "a")), said)


def test_the_pad_token_is_not_trained(tmp_path: Path) -> None:
    own = tokenizer("vicuna")
    own.add_tokens(["<|apad|>"], special_tokens=True)
    own.pad_token = "<|apad|>"
    place = base(tmp_path / "m", template="vicuna")
    model = load(asked(tmp_path, model=str(place), lora=DREAMER), own, (len(own) - 1,))
    assert all("lora" in name for name, parameter in model.named_parameters() if parameter.requires_grad)


def test_an_adapter_that_is_trained_on_starts_where_it_was(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    said = made(tmp_path / "a", place, LORA)
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=LORA), tokenizer(), ())
    assert torch.equal(logits(model), said)
    assert adapters.counts(model).trained == 2 * 4 * (32 + 32 + 32 + 16)
    assert all("lora" in name for name, parameter in model.named_parameters() if parameter.requires_grad)


def test_a_second_adapter_on_a_frozen_first_is_summed_with_it_and_written_as_one(tmp_path: Path) -> None:
    """Baize's self-distillation: only the second learns, both speak."""
    place = base(tmp_path / "m")
    first = made(tmp_path / "a", place, LORA)
    lora = LoraSettings(r=3, alpha=5, targets=("q_proj", "down_proj"), onto="freeze")
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=lora), tokenizer(), ())
    assert torch.equal(logits(model), first)  # a new adapter begins as nothing
    frozen = {name: value.clone() for name, value in model.named_parameters() if ".first." in name}
    assert adapters.counts(model).trained == 2 * 3 * (32 + 32 + 64 + 32)
    shake(model)
    both = logits(model)
    assert frozen
    assert all(torch.equal(dict(model.named_parameters())[name], value) for name, value in frozen.items())
    assert float((both - first).abs().max()) > 0.01
    write_adapter(tmp_path / "b", model, str(tmp_path / "a"))
    assert float((logits(open_model(tmp_path / "b")) - both).abs().max()) < 1e-6
    from transformers import AutoModelForCausalLM

    assert float((logits(AutoModelForCausalLM.from_pretrained(tmp_path / "b")) - both).abs().max()) < 1e-6


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("new", [0, 2])
def test_a_second_adapter_on_a_frozen_first_that_trained_tokens_keeps_them(
    tmp_path: Path, tied: bool, new: int
) -> None:
    """With tokens of its own, or without; the sum is what others fold into the base."""
    place = base(tmp_path / "m", tie_word_embeddings=tied)
    own = tokenizer()
    own.add_tokens(["<|first|>"], special_tokens=True)
    begun = load(asked(tmp_path, model=str(place), lora=LORA), own, (len(own) - 1,))
    shake(begun)
    (tmp_path / "a").mkdir()
    write_adapter(tmp_path / "a", begun, str(place))
    known = len(own)
    first = logits(begun)[..., :known]
    own.add_tokens([f"<|new{number}|>" for number in range(new)], special_tokens=True)
    lora = LORA.model_copy(update={"r": 3, "onto": "freeze"})
    ids = tuple(range(len(own) - new, len(own)))
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=lora), own, ids)
    assert torch.equal(logits(model)[..., :known], first)
    shake(model)
    both = logits(model)
    trained = [name for name, one in model.named_parameters() if one.requires_grad and "token" in name]
    assert len(trained) == (0 if not new else 1 if tied else 2)
    (tmp_path / "b").mkdir()
    write_adapter(tmp_path / "b", model, str(tmp_path / "a"))
    opened = open_model(tmp_path / "b")
    assert float((logits(opened) - both).abs().max()) < 1e-6
    folded = merged([tmp_path / "b"], str(place))
    assert float((logits(folded) - both).abs().max()) < 1e-6


def test_a_frozen_adapter_drops_nothing_out(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA.model_copy(update={"dropout": 0.5}))
    lora = LORA.model_copy(update={"onto": "freeze"})
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=lora), tokenizer(), ())
    ids = torch.arange(24)[None]
    assert torch.equal(model(ids, use_cache=False).logits, model(ids, use_cache=False).logits)


def test_ranks_of_single_layers_are_summed_as_they_are(tmp_path: Path) -> None:
    """An adapter of others, with a rank of its own for some layers."""
    from peft import LoraConfig, get_peft_model

    place = base(tmp_path / "m")
    theirs = get_peft_model(
        open_model(place),
        LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 7}),
    )
    shake(theirs)
    theirs.save_pretrained(tmp_path / "a")
    lora = LoraSettings(r=3, alpha=5, targets=("q_proj",), onto="freeze")
    model = load(asked(tmp_path, model=str(tmp_path / "a"), lora=lora), tokenizer(), ())
    shake(model)
    (tmp_path / "b").mkdir()
    write_adapter(tmp_path / "b", model, str(tmp_path / "a"))
    assert float((logits(open_model(tmp_path / "b")) - logits(model)).abs().max()) < 1e-6


def test_an_adapter_of_embeddings_is_not_summed(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    place = base(tmp_path / "m")
    theirs = get_peft_model(open_model(place), LoraConfig(r=2, target_modules=["q_proj", "embed_tokens"]))
    theirs.save_pretrained(tmp_path / "a")
    lora = LORA.model_copy(update={"onto": "freeze"})
    with pytest.raises(UsageError, match="no plain LoRA, so nothing can be summed with it"):
        load(asked(tmp_path, model=str(tmp_path / "a"), lora=lora), tokenizer(), ())


def test_what_an_adapter_cannot_do_is_refused_with_the_way_out(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA)
    made(tmp_path / "d", place, LORA.model_copy(update={"dora": True}))
    grown = tokenizer()
    grown.add_tokens(["<|new|>"], special_tokens=True)
    freeze = LORA.model_copy(update={"onto": "freeze"})
    wrong = [
        (place, LORA.model_copy(update={"targets": ("q_prj",)}), r"no linear layer q_prj \(down_proj, gate_proj"),
        (place, LORA.model_copy(update={"targets": ("lm_head",)}), "no linear layer lm_head"),
        (place, LORA.model_copy(update={"bits": 4}), "bitsandbytes"),
        (tmp_path / "a", LORA.model_copy(update={"bits": 4}), "bitsandbytes"),
        (tmp_path / "a", freeze.model_copy(update={"bits": 8}), "bitsandbytes"),
        (tmp_path / "a", LORA.model_copy(update={"r": 8}), 'lora.r = 8: the adapter .* has 4.*onto = "freeze"'),
        (tmp_path / "a", LORA.model_copy(update={"targets": ("q_proj",)}), "lora.targets"),
        (tmp_path / "a", None, "gen merge"),
        (tmp_path / "d", freeze, "no plain LoRA.*gen merge"),
    ]
    for model, lora, message in wrong:
        with pytest.raises(UsageError, match=message):
            load(asked(tmp_path, model=str(model), lora=lora), tokenizer(), ())
    with pytest.raises(UsageError, match="adds 1 tokens that this adapter does not train"):
        load(asked(tmp_path, model=str(tmp_path / "a"), lora=LORA), grown, (len(grown) - 1,))


def test_an_adapter_without_its_base_or_without_safetensors_says_so(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    made(tmp_path / "a", place, LORA)
    (tmp_path / "a" / "adapter_model.safetensors").rename(tmp_path / "a" / "adapter_model.bin")
    with pytest.raises(UsageError, match="safetensors only"):
        open_model(tmp_path / "a")
    made(tmp_path / "b", place, LORA)
    place.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="its base is not to be found"):
        open_model(tmp_path / "b")


def test_one_seed_gives_one_adapter_and_leaves_the_random_numbers_of_the_training_alone(tmp_path: Path) -> None:
    place = base(tmp_path / "m")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (
        dict(load(asked(tmp_path, model=str(place), lora=LORA, seed=seed), tokenizer(), ()).named_parameters())
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    name = next(name for name in one if "lora_A" in name)
    assert torch.equal(one[name], two[name])
    assert not torch.equal(one[name], other[name])


def test_peft_alone_opens_an_adapter_whose_template_added_tokens(tmp_path: Path) -> None:
    from peft import AutoPeftModelForCausalLM

    from trainer.loop.checkpoint import save
    from trainer.text.render import renderer
    from trainer.text.tokenizer import load as load_tokenizer

    place = base(tmp_path / "m", template="vicuna")
    ready = load_tokenizer(place, "openchat")
    settings = asked(tmp_path, model=str(place), lora=LORA, template="openchat")
    model = load(settings, ready.tokenizer, ready.new_ids)
    shake(model)
    save(tmp_path / "a", model, ready.tokenizer, renderer(ready.tokenizer, settings), settings, "")
    known = len(ready.tokenizer)
    theirs = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "a")
    assert torch.equal(logits(theirs, known)[..., :known], logits(model, known)[..., :known])
    assert torch.equal(logits(open_model(tmp_path / "a"), known), logits(model, known))
