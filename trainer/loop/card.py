"""A model's card: what it is, what it was made of and how well it did; a README.md as the Hugging Face hub reads it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.batches.sources import Source
from trainer.batches.store import Store
from trainer.loop.model_files import stands_for
from trainer.loop.origins import licence_of, origins
from trainer.nets.names import called
from trainer.settings import TrainSettings, without_places
from trainer.text.speakers import speaker_of

LOADERS = {"transformers": "AutoModelForCausalLM", "peft": "AutoPeftModelForCausalLM"}
USE = """```python
from {library} import {loader}
from transformers import AutoTokenizer, GenerationConfig

tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")
model = {loader}.from_pretrained("THIS_FOLDER")
ids = tokenizer.apply_chat_template(
    [{{"role": "{role}", "content": "Hello"}}], add_generation_prompt=True, return_tensors="pt", return_dict=True
)
drawn = GenerationConfig.from_pretrained("THIS_FOLDER")
reply = model.generate(**ids, generation_config=drawn)[0, ids["input_ids"].shape[1] :]
print(tokenizer.decode(reply, skip_special_tokens=True))
```
"""
SHOWN = ("steps", "epochs", "useful_tokens", "eval_loss", "best_step", "exact_replies", "n", "unanswered", "parameters")


def card(settings: TrainSettings, store: Store, sources: Sequence[Source], summary: Mapping[str, Any]) -> str:
    """The card of a finished training, YAML head included."""
    base = None if settings.model is None else stands_for(settings.model)
    shown = without_places(settings)
    parts = [
        _head(settings, base),
        f"# {settings.out.resolve().name}\n",
        _what(shown, base),
        "## Use\n",
        *_use(settings),
        "## Results\n",
        _table((name, summary[name]) for name in SHOWN if summary.get(name) is not None),
        "## Data\n",
        _table(((_called(source), source.digest) for source in sources), "sha256"),
        "\n".join(f"- {_bare(line, sources)}" for line in store.lines()) + "\n",
        "## Licences and terms\n",
        *_terms(settings, base, sources),
        "## Settings\n",
        "```json\n" + json.dumps(_changed(shown), indent=2, ensure_ascii=False) + "\n```\n",
    ]
    return "\n".join(parts)


def _head(settings: TrainSettings, base: str | None) -> str:
    """JSON values are YAML values."""
    fields: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    fields["tags"] = ["duologue", "conversational", "sft"]
    if settings.lora is not None:
        fields |= {"library_name": "peft", "tags": [*fields["tags"], "lora"]}
    if base is not None:
        fields["base_model"] = called(base)
        if (licence := licence_of(base)) is not None:
            fields["license"] = licence
    return "\n".join(["---", *(f"{name}: {json.dumps(value)}" for name, value in fields.items()), "---", ""])


def _what(settings: TrainSettings, base: str | None) -> str:
    made = "A small Llama trained from scratch" if base is None else f"{called(base)}, fine-tuned"
    how = "all weights"
    if settings.lora is not None:
        how = f"a {'DoRA' if settings.lora.dora else 'LoRA'} adapter of rank {settings.lora.r}"
    recipe = f" by the recipe {settings.recipe}" if settings.recipe else ""
    return f"{made}{recipe} with duologue ({how}); template {settings.template}, trained on: {settings.train_on}.\n"


def use(library: str, *, user_side: bool) -> Iterator[str]:
    """How to load it by a library."""
    if user_side:
        yield "It was taught the user's side: it writes what a user says next, and no answers.\n"
    yield "`gen chat THIS_FOLDER`, `gen serve THIS_FOLDER`, or:\n"
    yield USE.format(library=library, loader=LOADERS[library], role="system" if user_side else "user")


def _use(settings: TrainSettings) -> Iterator[str]:
    """How to load it, and who cannot."""
    yield from use("transformers" if settings.lora is None else "peft", user_side=speaker_of(settings) == "user")
    if settings.lora is None:
        return
    if settings.rope is not None:
        yield "The base's positions were stretched, which no adapter file can say: outside duologue use `gen merge`.\n"
    why = "leaves the magnitudes of a DoRA out, and " if settings.lora.dora else ""
    yield f"transformers' own loader {why}knows no rows for tokens that the template added; this one does.\n"


def _terms(settings: TrainSettings, base: str | None, sources: Sequence[Source]) -> Iterator[str]:
    """What is known, and what is not, said."""
    if base is not None:
        yield f"- base: {licence_of(base) or 'its licence is not known here'}"
    for source in sources:
        found = origins(source.path)
        name = _called(source)
        for origin in found:
            yield f"- {name}: written by {origin.model} ({origin.terms or 'no terms noted'})"
        if not found:
            yield f"- {name}: its origin is not known here"
    yield ""


def _called(source: Source) -> str:
    return f"{_name(source)} (validation)" if source.held else _name(source)


def _name(source: Source) -> str:
    return "/".join(part for part in (source.path.parent.name, source.path.name) if part)


def _bare(line: str, sources: Sequence[Source]) -> str:
    """A line of the audit, whose places are without the ways to their files."""
    for source in sources:
        line = line.replace(f"(the first: {source.path}:", f"(the first: {_name(source)}:")
    return line


def _changed(settings: TrainSettings) -> dict[str, Any]:
    """The settings that differ from what they are by default."""
    default = TrainSettings(data=(), out=Path())
    asked, plain = settings.model_dump(mode="json"), default.model_dump(mode="json")
    hidden = ("data", "out", "stages")
    return {name: value for name, value in asked.items() if value != plain[name] and name not in hidden}


def _table(rows: Iterator[tuple[str, Any]], name: str = "value") -> str:
    lines = [f"| | {name} |", "|---|---|"]
    for key, value in rows:
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
        lines.append(f"| {key} | {shown} |")
    return "\n".join(lines) + "\n"
