"""Stages of a training, each from the last one's result."""

from pathlib import Path
from typing import Any

import pytest
from small_models import asked

from dialogue.errors import UsageError
from trainer.stages import stages

F1 = {"name": "f1", "data": ["a.jsonl"]}
F2 = {"name": "f2", "data": ["b.jsonl"]}
F3 = {"name": "f3", "data": ["c.jsonl"]}
LORA = {"r": 4, "alpha": 8}


def made(*tables: dict[str, Any], **settings: Any) -> list[Any]:
    return stages(asked(Path("x"), stages=tables, **settings))


def test_each_stage_starts_from_the_folder_before_and_the_last_one_is_the_result() -> None:
    found = made(F1, F2, F3, model="llama", lora=LORA)
    assert [one.model for one in found] == ["llama", "x/out/stages/f1", "x/out/stages/f2"]
    assert [str(one.out) for one in found] == ["x/out/stages/f1", "x/out/stages/f2", "x/out"]
    assert [[str(path) for path in one.data] for one in found] == [["a.jsonl"], ["b.jsonl"], ["c.jsonl"]]
    assert all(one.stages == () for one in found)
    assert {one.lora.onto for one in found} == {"continue"}


def test_a_training_without_stages_is_one() -> None:
    settings = asked(Path("x"))
    assert stages(settings) == [settings]


def test_what_a_later_stage_does_not_state_is_as_in_the_first() -> None:
    found = made({**F1, "lr": 0.5, "lora": {"r": 2}}, F2, model="m", lora=LORA)
    assert [one.lr for one in found] == [0.5, 0.5]
    assert [(one.lora.r, one.lora.alpha) for one in found] == [(2, 8.0)] * 2


def test_an_option_that_would_flip_back_silently_is_refused_until_it_is_written() -> None:
    """DreamerGPT's second stage trained on instructions, and what the third did nobody wrote down."""
    with pytest.raises(UsageError, match=r"stages.f3: train_on = 'assistant' after 'all'.*write train_on into"):
        made(F1, {**F2, "train_on": "all"}, F3)
    written = made(F1, {**F2, "train_on": "all"}, {**F3, "train_on": "assistant"})
    assert [one.train_on for one in written] == ["assistant", "all", "assistant"]
    with pytest.raises(UsageError, match=r"stages.f3: lora.dropout = 0.0 after 0.1"):
        made(F1, {**F2, "lora": {"dropout": 0.1}}, F3, model="m", lora=LORA)
    with pytest.raises(UsageError, match=r"stages.f3: batch"):
        made({**F1, "batch": 8}, {**F2, "batch_tokens": 640}, F3)


def test_one_of_two_settings_takes_the_place_of_the_other() -> None:
    found = made({**F1, "batch": 8}, {**F2, "batch_tokens": 640})
    assert [(one.batch, one.batch_tokens) for one in found] == [(8, None), (None, 640)]


def test_an_adapter_may_follow_on_a_whole_model_and_not_the_other_way_round() -> None:
    found = made(F1, {**F2, "lora": LORA}, model="m")
    assert (found[0].lora, found[1].lora.r) == (None, 4)
    with pytest.raises(UsageError, match="gen merge x/out/stages/f1"):
        made(F1, {**F2, "lora": "none"}, model="m", lora=LORA)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([F1, F1], r"stages\[1\].name = 'f1': stands twice"),
        ([{"data": ["a"]}], r"stages\[0\].name = None"),
        ([{"name": "../up", "data": ["a"]}], "small letters"),
        ([F1, {**F2, "lr": -1}], "stages.f2: lr"),
    ],
)
def test_a_stage_that_is_wrong_is_named(tables: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made(*tables)


def test_a_stage_without_data_says_how_it_is_given() -> None:
    with pytest.raises(UsageError, match=r"stages\.f2: no data; give it as f2=PATH"):
        made(F1, {"name": "f2"}, data=())
