"""The causal language model that a training starts from, and a finished one opened again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from dialogue.errors import UsageError
from trainer.nets import adapter_files, adapters
from trainer.nets.embeddings import grow
from trainer.nets.foreign import Model, Tokenizer, first_line, library, unbroken
from trainer.nets.kinds import check_length, config_of
from trainer.nets.names import adapter_config, base_of, local_adapter, own_facts, resolve
from trainer.nets.rope import stretch
from trainer.nets.scratch import scratch_config
from trainer.settings import LoraSettings, RopeSettings, TrainSettings

GENERATION = "generation_config.json"


def load(
    settings: TrainSettings,
    tokenizer: Tokenizer,
    new_ids: Sequence[int],
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
) -> Model:
    """The model to be trained, on the device, in training mode, `use_cache` off.

    `new_ids` are tokens that were added just now: their rows start as `settings.new_embeddings` says. With a
    `checkpoint` of this training its weights take the place of those that it started from. Only what is trained
    requires a gradient, and that is float32; the frozen base of an adapter is bfloat16 on a GPU. UsageError where the
    model is not to be had, is no causal language model or has fewer positions than `max_length`.
    """
    device = torch.device(device)
    if settings.lora is not None:
        model = _with_adapter(settings, settings.lora, tokenizer, new_ids, device)
        if checkpoint is not None:
            adapter_files.restore(model, checkpoint)
    elif checkpoint is not None:
        model = pretrained(str(checkpoint), None, torch.float32, device)
    elif settings.model is None:
        model = _scratch(settings, tokenizer, device)
    else:
        model = pretrained(_whole(settings.model), settings.rope, torch.float32, device)
        grow(model, len(tokenizer), new_ids, settings.new_embeddings, settings.seed)
    check_length(model.config, settings)
    _name_tokens(model, tokenizer)
    model.config.use_cache = False  # with a cache transformers forgets where packed documents begin
    return model.train()


def open_model(model: str | Path, device: torch.device | str = "cpu", dtype: torch.dtype | None = None) -> Model:
    """A finished model ready to answer, an adapter on its base; `dtype` None: as in the file."""
    device = torch.device(device)
    place = resolve(model)
    found = adapter_config(place)
    folder = Path(place) if found is None else local_adapter(place)
    if found is None:
        opened = pretrained(place, None, dtype, device)
    else:
        opened = adapter_base([folder], base_of(place, found), dtype, device)
        adapters.attach(opened, folder)
    if (folder / GENERATION).exists():  # an adapter's own; of a whole model transformers would pass over a broken one
        opened.generation_config = _generation(folder)
    return opened.requires_grad_(False).eval()


def adapter_base(
    folders: Sequence[Path],
    base: str,
    dtype: torch.dtype | None,
    device: torch.device,
    rope: RopeSettings | None = None,
    bits: int | None = None,
) -> Model:
    """The base as the adapters in the folders were trained on it: positions stretched, rows as many as they know."""
    facts = [own_facts(str(folder)) for folder in folders]
    for folder, known in zip(folders, facts, strict=True):
        theirs = RopeSettings.model_validate(known["rope"]) if known.get("rope") else None
        if rope is not None and theirs is not None and rope != theirs:
            raise UsageError(
                f"rope.context = {rope.context}: {folder} was trained with {theirs.context} ({theirs.kind})"
            )
        rope = rope or theirs
    model = pretrained(base, rope, dtype, device, bits)
    known_rows = (
        known.get("rows") or adapter_files.rows_known(folder) for folder, known in zip(folders, facts, strict=True)
    )
    grow(model, max(known_rows), (), "mean", 0)
    return model


def pretrained(
    place: str,
    rope: RopeSettings | None,
    dtype: torch.dtype | None,
    device: torch.device,
    bits: int | None = None,
) -> Model:
    """A whole model from safetensors, and no code from the hub. UsageError where it is not to be had whole."""
    config = config_of(place)
    if rope is not None:
        stretch(config, rope)
    options: dict[str, Any] = {"config": config, "dtype": dtype or "auto", "output_loading_info": True}
    if device.type != "cpu":
        options["device_map"] = {"": device}
    if bits is not None:
        options["quantization_config"] = adapters.quantised(bits)
    logging = library("transformers.utils.logging")
    logging.disable_progress_bar()
    noise = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with unbroken(place):
            model, report = library("transformers").AutoModelForCausalLM.from_pretrained(
                place, use_safetensors=True, trust_remote_code=False, **options
            )
    except (OSError, ValueError) as error:
        raise UsageError(f"model {place}: not to be loaded from safetensors: {first_line(error)}") from None
    finally:
        logging.set_verbosity(noise)
    lost = sorted({*report["missing_keys"], *(str(key) for key, *_ in report["mismatched_keys"])})
    if lost:
        raise UsageError(f"model {place}: its files lack {len(lost)} weights ({lost[0]} ...); fetch it again")
    return model


def skeleton(settings: TrainSettings, rows: int) -> Model:
    """The model without weights, on the meta device, adapters in place: for counting parameters and memory."""
    if settings.model is None:
        config = scratch_config(settings.scratch, rows)
    else:
        place = resolve(settings.model)
        found = adapter_config(place)
        config = config_of(place if found is None else base_of(place, found))
        if settings.rope is not None:
            stretch(config, settings.rope)
        text = config.get_text_config()
        text.vocab_size = max(text.vocab_size, rows)
    with torch.device("meta"):
        model = _of_config(config)
        if settings.lora is not None:
            adapters.add(model, settings.lora)
    return model


def _of_config(config: Any) -> Model:
    return library("transformers").AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def _generation(folder: Path) -> Any:
    try:
        return library("transformers").GenerationConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / GENERATION}: {first_line(error)}") from None


def _whole(model: str) -> str:
    place = resolve(model)
    if adapter_config(place) is not None:
        raise UsageError(
            f"model {model}: an adapter, and no [lora] is asked for; fold it in first (gen merge {model} --out DIR), "
            "or train an adapter on it"
        )
    return place


def _scratch(settings: TrainSettings, tokenizer: Tokenizer, device: torch.device) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = _of_config(scratch_config(settings.scratch, len(tokenizer)))
    return model.to(device)


def _with_adapter(
    settings: TrainSettings,
    lora: LoraSettings,
    tokenizer: Tokenizer,
    new_ids: Sequence[int],
    device: torch.device,
) -> Model:
    """A frozen base with what is trained on it: a new adapter, a found one, or a new one on a found one."""
    assert settings.model is not None
    place = resolve(settings.model)
    found = adapter_config(place)
    in_half = device.type == "cuda" and settings.dtype != "float32"
    dtype = torch.bfloat16 if in_half else torch.float32
    taught = [number for number in new_ids if number != tokenizer.pad_token_id]
    if found is None:
        model = pretrained(place, settings.rope, dtype, device, lora.bits)
        grow(model, len(tokenizer), new_ids, settings.new_embeddings, settings.seed)
        adapters.add(model, lora, taught, seed=settings.seed)
        return model
    folder = local_adapter(place)
    if taught and lora.onto == "continue":
        raise UsageError(
            f"model {settings.model}: the template adds {len(taught)} tokens that this adapter does not train; "
            'fold it in first (gen merge), or set lora.onto = "freeze"'
        )
    model = adapter_base([folder], base_of(place, found), dtype, device, settings.rope, lora.bits)
    grow(model, len(tokenizer), new_ids, settings.new_embeddings, settings.seed)
    if lora.onto == "continue":
        adapters.resume(model, lora, folder)
    else:
        adapters.attach(model, folder, adapters.FROZEN)
        adapters.add(model, lora, taught, seed=settings.seed)
    return model


def _name_tokens(model: Model, tokenizer: Tokenizer) -> None:
    """The tokenizer's special tokens in the config; the generation config keeps the ends that the base came with."""
    for name in ("pad_token_id", "eos_token_id", "bos_token_id"):
        setattr(model.config, name, getattr(tokenizer, name))
    # A config that names the pad makes embeddings that give its row no gradient, one that does not yet makes others:
    # a resumed training would differ from one that never stopped.
    for table in model.get_input_embeddings().modules():
        if isinstance(table, torch.nn.Embedding):
            table.padding_idx = None
