"""What a model decides where nobody stated it: template, how replies are drawn; and what is said of it."""

import json
from pathlib import Path

import pytest
from small_models import asked, base
from small_users import trained_user
from transformers import AutoTokenizer

from trainer.nets.unstated import by_model
from trainer.settings import TrainSettings
from trainer.stages import stages

OWN = """{%- for m in messages -%}{{- '<|' + m.role + '|>' + m.content + '</s>' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"""
ODD = "{%- for m in messages -%}{{- m.content | upper -}}{%- endfor -%}"
ADDED = "template chatml: 2 tokens added (<|im_start|>, <|im_end|>)"


def _base(folder: Path, template: str | None, **drawn: object) -> str:
    """A model whose tokenizer knows no token of chatml."""
    place = base(folder / "base", template="vicuna")
    tokenizer = AutoTokenizer.from_pretrained(place)
    tokenizer.chat_template = template
    (place / "chat_template.jinja").unlink()
    tokenizer.save_pretrained(place)
    (place / "generation_config.json").write_text(json.dumps(drawn))
    return str(place)


def _decided(folder: Path, place: str, **changes: object) -> tuple[TrainSettings, list[str]]:
    lines: list[str] = []
    return by_model(asked(folder, model=place, **changes), lines.append), lines


def test_a_model_with_a_template_of_its_own_is_taught_in_it(tmp_path: Path) -> None:
    made, lines = _decided(tmp_path, _base(tmp_path, OWN))
    assert made.template == "own"
    assert lines == ["template = own: the model's own; state it to have another"]


def test_a_template_that_is_stated_wins_and_what_it_adds_is_said(tmp_path: Path) -> None:
    made, lines = _decided(tmp_path, _base(tmp_path, OWN), template="chatml")
    assert (made.template, lines) == ("chatml", [ADDED])


def test_a_base_without_a_template_is_taught_in_chatml(tmp_path: Path) -> None:
    made, lines = _decided(tmp_path, _base(tmp_path, None))
    assert (made.template, lines) == ("chatml", [ADDED])


def test_a_template_that_cannot_be_taken_apart_gives_way_and_it_is_said_why(tmp_path: Path) -> None:
    made, lines = _decided(tmp_path, _base(tmp_path, ODD))
    assert made.template == "chatml"
    assert "template = chatml, not the model's own: the chat template of" in lines[0]
    assert "it loses, doubles or moves a message" in lines[0]
    assert lines[1:] == [ADDED]


def test_a_chain_is_taught_in_the_template_of_the_model_that_it_starts_from(tmp_path: Path) -> None:
    stages = ({"name": "a"}, {"name": "b"})
    made, lines = _decided(tmp_path, _base(tmp_path, OWN), stages=stages)
    assert made.template == "own"
    stated = ({"name": "a", "template": "chatml"}, {"name": "b"})
    _, lines = _decided(tmp_path, made.model or "", stages=stated)
    assert lines[-1] == ADDED


@pytest.mark.parametrize(
    ("drawn", "stated", "wanted"),
    [
        ({"temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.1, "do_sample": True}, {}, (0.6, 0.9, 1.1)),
        ({"temperature": 0.6, "top_p": 0.9}, {"temperature": 0.2}, (0.2, 0.9, 1.0)),
        ({"do_sample": False}, {}, (0.0, 1.0, 1.0)),
        ({"do_sample": False}, {"temperature": 1.0}, (1.0, 1.0, 1.0)),
        ({"top_p": 7.0}, {}, (1.0, 1.0, 1.0)),
        ({}, {}, (1.0, 1.0, 1.0)),
    ],
)
def test_replies_are_drawn_as_the_base_has_it_where_it_is_not_stated(
    drawn: dict[str, object], stated: dict[str, object], wanted: tuple[float, ...], tmp_path: Path
) -> None:
    more = {"decoding": stated} if stated else {}
    made, lines = _decided(tmp_path, _base(tmp_path, OWN, **drawn), **more)
    found = made.decoding
    assert (found.temperature, found.top_p, found.repetition_penalty) == wanted
    assert found.max_new_tokens == 512
    if drawn.get("repetition_penalty"):
        said = (
            "decoding = temperature 0.6, top_p 0.9, repetition_penalty 1.1: the model's own; state it to have another"
        )
        assert said in lines


def test_a_model_of_the_users_side_goes_on_with_it_unless_another_is_stated(tmp_path: Path) -> None:
    trained_user(tmp_path, brief=True)
    made, lines = _decided(tmp_path, str(tmp_path / "out"))
    assert (made.train_on, made.brief, made.endings) == ("user", True, False)
    assert "train_on = user: the model's own; state it to have another" in lines
    made, _ = _decided(tmp_path, str(tmp_path / "out"), train_on="assistant")
    assert (made.train_on, made.brief) == ("assistant", False)
    made, _ = _decided(tmp_path, str(tmp_path / "out"), brief=False)
    assert (made.train_on, made.brief) == ("user", False)


def test_a_chain_from_a_model_of_the_users_side_goes_on_with_it(tmp_path: Path) -> None:
    trained_user(tmp_path, brief=True)
    place = str(tmp_path / "out")
    made, lines = _decided(tmp_path, place, stages=({"name": "a"}, {"name": "b"}))
    assert [(stage.train_on, stage.brief) for stage in stages(made)] == [("user", True)] * 2
    assert "train_on = user: the model's own; state it to have another" in lines
    made, _ = _decided(tmp_path, place, stages=({"name": "a", "train_on": "assistant"}, {"name": "b"}))
    assert [(stage.train_on, stage.brief) for stage in stages(made)] == [("assistant", False)] * 2
