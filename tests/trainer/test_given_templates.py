"""The chat template that a model of ours is given on with: the tokenizer's own as it came, with ours beside it."""

from pathlib import Path

import pytest
from small_models import asked, base, shake
from transformers import AutoTokenizer

from dialogue.records import Message
from trainer.loop import checkpoint
from trainer.loop.model_files import WITH_GENERATION
from trainer.nets.base import load
from trainer.nets.merge import merge
from trainer.serving.loading import opened
from trainer.serving.voice import BadMessages
from trainer.settings import LoraSettings
from trainer.text.render import renderer
from trainer.text.tokenizer import prepare

TOOLS = """{#- as it came -#}
{%- if tools %}{{- '<|im_start|>system\\n' + (tools | tojson) + '<|im_end|>\\n' -}}{%- endif -%}
{%- for m in messages -%}{%- if m.role == 'tool' -%}
{{- '<|im_start|>user\\n<tool_response>' + m.content + '</tool_response><|im_end|>\\n' -}}
{%- elif m.role == 'system' and not loop.first -%}{{- raise_exception('system comes first') -}}
{%- else -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}{%- endif -%}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""
PREFILLING = TOOLS.replace("'<|im_start|>assistant\\n' -}}", "'<|im_start|>assistant\\n<think>\\n' -}}")
TALK = [
    Message(role="user", content="Where?"),
    Message(role="assistant", content="There."),
    Message(role="user", content="a"),
]


def _base(folder: Path, template: str) -> str:
    place = base(folder / "base")
    tokenizer = AutoTokenizer.from_pretrained(place)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(place)
    return str(place)


def _taught(folder: Path, template: str = TOOLS, **changes: object) -> Path:
    """A model taught in its own template, as a training writes it."""
    settings = asked(folder, model=_base(folder, template), template="own", **changes)
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    model = load(settings, tokenizer, prepare(tokenizer, "own"))
    shake(model)
    checkpoint.save(folder / "out" / "model", model, tokenizer, renderer(tokenizer, settings), settings, "")
    return folder / "out" / "model"


def _jinja(folder: Path, name: str = "chat_template.jinja") -> str:
    return (folder / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("lora", [None, LoraSettings(r=2, alpha=4)])
def test_the_template_is_given_on_as_it_came_with_ours_beside_it(lora: LoraSettings | None, tmp_path: Path) -> None:
    made = _taught(tmp_path, lora=lora)
    if lora is not None:
        merge([str(made)], tmp_path / "whole")
    for folder in (made, *([tmp_path / "whole"] if lora is not None else [])):
        assert _jinja(folder) == TOOLS
        assert "{%- generation -%}" in _jinja(folder, WITH_GENERATION)
        theirs = AutoTokenizer.from_pretrained(folder)
        assert theirs.chat_template == TOOLS, "one template, and no other under another name"
        talk = [one.model_dump(include={"role", "content"}) for one in TALK]
        ids = theirs.apply_chat_template(talk, add_generation_prompt=True)["input_ids"]
        marked = theirs.apply_chat_template(
            talk, chat_template=_jinja(folder, WITH_GENERATION), add_generation_prompt=True
        )["input_ids"]
        assert ids == marked == opened(folder).voice.prompt(TALK)
        assert renderer(theirs, asked(tmp_path, template="own")).prompt(TALK) == ids, "taught again it is the same"


def test_what_our_layout_has_no_place_for_is_asked_as_the_template_writes_it(tmp_path: Path) -> None:
    made = _taught(tmp_path)
    voice, theirs = opened(made).voice, AutoTokenizer.from_pretrained(made)
    talk = [*TALK, Message(role="tool", content="4"), Message(role="tool", content="5")]
    ids = theirs.apply_chat_template(
        [one.model_dump(include={"role", "content"}) for one in talk], add_generation_prompt=True
    )["input_ids"]
    assert voice.prompt(talk) == ids
    with pytest.raises(BadMessages, match="system comes first"):
        voice.prompt([*TALK, Message(role="system", content="x")])


def test_a_template_that_writes_a_think_mark_for_the_model_is_not_given_on(tmp_path: Path) -> None:
    made = _taught(tmp_path, PREFILLING)
    assert "{%- generation -%}" in _jinja(made)
    assert not (made / WITH_GENERATION).exists()
    theirs = AutoTokenizer.from_pretrained(made)
    talk = [one.model_dump(include={"role", "content"}) for one in TALK]
    ids = theirs.apply_chat_template(talk, add_generation_prompt=True)["input_ids"]
    assert opened(made).voice.prompt(TALK) == ids


def test_a_template_of_ours_has_its_marks_in_the_place_where_all_look(tmp_path: Path) -> None:
    settings = asked(tmp_path, model=_base(tmp_path, TOOLS))
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    new = prepare(tokenizer, "chatml")
    model = load(settings, tokenizer, new)
    checkpoint.save(tmp_path / "m", model, tokenizer, renderer(tokenizer, settings), settings, "")
    assert "{%- generation -%}" in _jinja(tmp_path / "m")
    assert not (tmp_path / "m" / WITH_GENERATION).exists()
