"""What a training was asked to do; made by `gen/` from a recipe, a TOML and flags."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from dialogue.records import Record

TrainOn = Literal["assistant", "last", "user", "all"]
Batches = Literal["pack", "group", "pad"]
Thoughts = Literal["keep", "per_turn", "none"]
Schedule = Literal["constant", "linear", "cosine", "flat_then_linear"]
Beta = Annotated[float, Field(ge=0, lt=1)]
LR = 2e-5
LORA_LR = 2e-4
"""Adapters start from nothing and are small: ten times the rate of a whole model, as QLoRA's (arXiv 2305.14314)."""


def _listed(value: Any) -> Any:
    """Names with commas between them as a list: q_proj,v_proj."""
    if not isinstance(value, str) or value == "all-linear":
        return value
    return [name.strip() for name in value.split(",") if name.strip()]


def _paths(value: Any) -> Any:
    """One path as a list of it."""
    return [value] if isinstance(value, str | Path) else value


def _held(value: Any) -> Any:
    """What is held out as a number, or as files: a text that is no number is the name of one, none is nothing."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    if values in ([], [None]):
        return 0.0
    numbers = [found for one in values if (found := _number(one)) is not None]
    if any(isinstance(one, str) and not one.strip() for one in values):
        raise ValueError("expected a file, not an empty text")  # else it were the folder that one stands in
    if not numbers and all(isinstance(one, str | Path) for one in values):
        return tuple(Path(one) for one in values)
    if len(values) > 1 or not numbers:
        raise ValueError("expected a share below 1, a number of dialogues, or files, one kind alone")
    (number,) = numbers
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    if number < 0:
        raise ValueError("expected a number of 0 or more")
    if number > 1 and number % 1:
        raise ValueError("expected a share below 1 or whole dialogues")
    return number


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


Targets = Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all-linear"]


class Settings(Record, allow_inf_nan=False, use_attribute_docstrings=True):
    """What a person types: TOML knows inf and nan, no training does."""


class LoraSettings(Settings):
    """A low-rank adapter (Hu et al. 2021, arXiv 2106.09685)."""

    r: int = Field(ge=1)
    """Rank."""
    alpha: float = Field(default_factory=lambda found: 2.0 * found.get("r", 1), gt=0)
    """The adapter's product is scaled by alpha / r; not stated: twice the rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of an adapter's inputs that a step leaves out."""
    targets: Annotated[Targets, BeforeValidator(_listed)] = "all-linear"
    """Names of the linear layers that get one, as a list or with commas between them."""
    dora: bool = False
    """Weight-decomposed (Liu et al. 2024, arXiv 2402.09353)."""
    bits: Literal[4, 8] | None = None
    """Load the base quantised (QLoRA); needs bitsandbytes and a GPU."""
    onto: Literal["freeze", "continue"] = "continue"
    """Where `model` is an adapter: train it on, or freeze it and train a new one on top (Baize's second stage)."""


class ScratchSettings(Settings):
    """A small Llama with a byte-level BPE tokenizer of its own."""

    vocabulary: int = Field(default=765, ge=300)
    """Tokens of the tokenizer that is fitted to the data."""
    width: int = Field(default=128, ge=8)
    """Of the residual stream."""
    layers: int = Field(default=2, ge=1)
    """Blocks of attention and MLP."""
    heads: int = Field(default=4, ge=1)
    """Of attention; the width is shared among them."""
    kv_heads: int = Field(default=4, ge=1)
    """Heads of keys and values, each for as many of the others (grouped queries)."""
    mlp_width: int = Field(default=512, ge=8)
    """Inside an MLP."""
    context: int = Field(default=1024, ge=16)
    """Positions."""

    @model_validator(mode="after")
    def _sound(self) -> "ScratchSettings":
        if self.width % (2 * self.heads):
            raise ValueError(f"scratch: width = {self.width}, heads = {self.heads}: expected an even width a head")
        if self.heads % self.kv_heads:
            raise ValueError(f"scratch: heads = {self.heads}, kv_heads = {self.kv_heads}: expected a divisor")
        return self


class RopeSettings(Settings):
    """Rotary positions stretched to a longer context."""

    context: int = Field(ge=1)
    """Positions afterwards."""
    kind: Literal["linear", "dynamic", "yarn", "extrapolate"] = "linear"
    """How positions reach it; `extrapolate` only lengthens the table, as OpenChat did."""


class Decoding(Settings):
    """How replies are drawn by default; goes into generation_config.json, which servers obey."""

    temperature: float = Field(default=1.0, ge=0)
    """0 takes the likeliest token."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw from the likeliest tokens that make up this share."""
    top_k: int = Field(default=0, ge=0)
    """0 looks at all tokens."""
    repetition_penalty: float = Field(default=1.0, gt=0)
    """Above 1: less of what stands there already."""
    max_new_tokens: int = Field(default=512, ge=1)
    """The longest reply."""


class TrainSettings(Settings):
    """Everything a training needs to know."""

    data: Annotated[tuple[Path, ...], BeforeValidator(_paths)]
    """Folders of `gen filter` or `gen run`, and files in any known layout; also as DATA on the command line."""
    out: Path
    """Folder of the training; the model is `out/model`."""
    format: str | None = None
    """Format of the data; none: recognised row by row."""
    recipe: str | None = None
    """The name of the recipe that these settings came from."""

    model: str | None = None
    """A folder or hub id of a causal language model, or of an adapter; none: from scratch."""
    scratch: ScratchSettings = ScratchSettings()
    """The network where `model` is not given."""
    rope: RopeSettings | None = None
    """Stretch the positions of `model`."""
    lora: LoraSettings | None = None
    """Train an adapter; none: all weights."""

    template: str = "chatml"
    """A file of trainer/templates, a path, or `own`: the tokenizer's chat template. Not stated: `own` where the model's
    tokenizer has one that can be taken."""
    train_on: TrainOn = "assistant"
    """Whose words are learned: the answers and their end tokens, the last answer, the user's words, or every token."""
    brief: bool = False
    """With train_on = user: above each dialogue stands, as its system message, what the record's seed tells of the
    person (prompts/brief.py), and the assistant's system message is left out. A record that tells nothing goes without;
    `gen run` briefs the model in the same words."""
    endings: bool = False
    """With train_on = user: behind a dialogue that its user ended (`stop` = user_stopped) the end signal is taught as
    the user's last message, so that the model ends dialogues by itself."""
    thoughts: Thoughts = "none"
    """Reasoning of the answers: kept in the text, kept for the last turn of one example a turn, or left out."""
    max_length: int = Field(default=2048, ge=16)
    """Tokens of one example; not stated: as many as the model has positions, where these are fewer."""
    overflow: Literal["split", "refuse"] = "split"
    """A longer dialogue is split at turns, the system message repeated, or is an error."""
    weight_by: str | None = None
    """`weight` (of each message), or `scores.NAME` of the dialogue; none: every supervised token counts 1. An answer of
    weight 0 is never learned."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Loss weight by class, for templates with classes (OpenChat's C-RLFT)."""
    classes: dict[str, str] = Field(default_factory=dict)
    """Class by a part of the assistant model's name, for templates with classes; `default` for the rest."""
    new_embeddings: Literal["mean", "random"] = "mean"
    """Start of the embeddings of added tokens: the mean of the others, or normal with std 0.02."""

    epochs: float = Field(default=3.0, gt=0)
    """How often each example is seen; may be a fraction."""
    max_steps: int | None = Field(default=None, ge=1)
    """Stop after so many steps, whatever the epochs; the schedule ends there."""
    batch: int | None = Field(default=None, ge=1)
    """Examples in a step, over all ranks and micro-batches."""
    batch_tokens: int | None = Field(default=None, ge=16)
    """Or tokens in a step. Neither: 65,536 tokens; of data that makes fewer than 100 such steps less, 8 examples at
    least."""
    micro_tokens: int = Field(default=16_384, ge=16)
    """Tokens that go through the network at once on one device."""
    batches: Batches | None = None
    """How examples stand side by side; none: `pack`, end to end, on a GPU, `group`, rows of like length, on a CPU.
    `pad` is the reference."""

    lr: float = Field(default_factory=lambda found: LORA_LR if found.get("lora") else LR, gt=0)
    """Learning rate at its height, of AdamW; not stated: 2e-5, of an adapter 2e-4."""
    schedule: Schedule = "cosine"
    """How the learning rate falls after the warm-up, to be at `final_lr_ratio` behind the last step."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps in which the learning rate rises from 0."""
    warmup_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Share of all steps; `warmup_steps` goes before it."""
    flat_ratio: float = Field(default=0.4, ge=0, le=1)
    """flat_then_linear: the share of steps before the decay begins."""
    final_lr_ratio: float = Field(default=0.0, ge=0, le=1)
    """What is left of the learning rate at the end."""
    weight_decay: float = Field(default=0.0, ge=0)
    """On matrices; vectors (norms, biases) are not decayed."""
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """Of the moments."""
    eps: float = Field(default=1e-8, gt=0)
    """Under the root."""
    clip: float | None = Field(default=1.0, gt=0)
    """Largest norm of the whole gradient."""

    dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of the products; none: bfloat16 on a GPU, float32 on a CPU. Weights and moments stay float32."""
    compile: bool = False
    """torch.compile with a fixed number of tokens a micro-batch."""
    gradient_checkpointing: bool = False
    """Compute blocks again in the backward pass: less memory, a third slower."""
    seed: int = 0
    """Of new weights, the order of examples, and dropout."""

    validation: Annotated[float | tuple[Path, ...], BeforeValidator(_held)] = 0.0
    """Dialogues held out: a share of the data below 1, a number from 1 on, chosen by the hash of their id; or files
    of their own, as data in any known layout: what stands in them is left out of the data."""
    eval_every: int = Field(default=200, ge=1)
    """Steps between looks at what was held out; the last step is looked at always."""
    save_every: int = Field(default=200, ge=1)
    """Steps between checkpoints; the best one is chosen among those that were looked at, so a multiple of eval_every
    or the same number."""
    log_every: int = Field(default=10, ge=1)
    """Steps between lines of the log."""
    keep: int = Field(default=2, ge=1)
    """Checkpoints kept, the best one besides."""
    samples: int = Field(default=2, ge=0)
    """Replies to held-out dialogues written at each evaluation."""
    exact: int = Field(default=0, ge=0)
    """Held-out turns answered greedily and compared word for word at the end."""
    decoding: Decoding = Decoding()
    """How replies are drawn by default; what is not stated is as the model's generation_config.json has it."""

    save_dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """Precision of the finished model's file; none: that of the products. Checkpoints keep what is trained whole."""
    wandb: str | None = None
    """Project of Weights & Biases that the log goes to as well."""
    stages: tuple[dict[str, JsonValue], ...] = ()
    """Trainings one after the other, each from the last one's result: `name`, and what differs (trainer/stages.py)."""

    @model_validator(mode="after")
    def _sound(self) -> "TrainSettings":
        _agree(self)
        if "max_length" in self.model_fields_set:  # else it may yet become as short as the model's
            self.check_micro_tokens()
        return self

    @property
    def held_share(self) -> float:
        """What is split off the data: a share below 1, a number from 1 on."""
        return self.validation if isinstance(self.validation, float) else 0.0

    @property
    def held_files(self) -> tuple[Path, ...]:
        """Files and folders that are held out whole."""
        return self.validation if isinstance(self.validation, tuple) else ()

    def check_micro_tokens(self) -> None:
        """ValueError where not even one example would go through at once."""
        if self.micro_tokens < self.max_length:
            raise ValueError(
                f"micro_tokens = {self.micro_tokens}: an example may have max_length = {self.max_length} tokens; give "
                f"--micro-tokens {self.max_length}, or --max-length {self.micro_tokens}"
            )

    def as_asked(self) -> dict[str, JsonValue]:
        """What decides about the weights: a folder holds the result of one such request."""
        left_out = {"out", "log_every", "keep", "save_every", "wandb", "gradient_checkpointing"}
        asked: dict[str, Any] = self.model_dump(mode="json", exclude=left_out)
        return asked


def _agree(settings: TrainSettings) -> None:
    """ValueError where two settings contradict each other."""
    if settings.batch is not None and settings.batch_tokens is not None:
        raise ValueError(f"batch = {settings.batch}, batch_tokens = {settings.batch_tokens}: give one of them")
    if settings.warmup_steps and settings.warmup_ratio:
        raise ValueError(f"warmup_steps = {settings.warmup_steps}, warmup_ratio = {settings.warmup_ratio}: give one")
    if settings.compile and settings.batches in ("group", "pad"):
        raise ValueError(f"compile = true, batches = {settings.batches}: compiled code needs one shape; batches = pack")
    for name in ("brief", "endings"):
        if getattr(settings, name) and settings.train_on != "user":
            raise ValueError(
                f"{name} = true, train_on = {settings.train_on}: is for a model of the user's side; "
                f"train_on = user, or {name} = false"
            )
    if settings.lora is not None and settings.model is None:
        raise ValueError("lora: an adapter needs a base; give --model")


def without_places(settings: TrainSettings) -> TrainSettings:
    """The same for others' eyes: of files and folders their names, of the ways to them nothing."""
    named = {name: str(getattr(settings, name)) for name in ("model", "template", "recipe") if getattr(settings, name)}
    bare = {name: Path(text).resolve().name for name, text in named.items() if Path(text).exists()}
    files = {"data": _names(settings.data)}
    if settings.held_files:
        files["validation"] = _names(settings.held_files)
    return settings.model_copy(update={**bare, **files, "out": Path(settings.out.resolve().name), "stages": ()})


def _names(paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(Path(path.name) for path in paths)
