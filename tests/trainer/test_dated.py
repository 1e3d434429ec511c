"""A template that writes the date: a training resumed tomorrow reads what it began with."""

from datetime import datetime
from pathlib import Path

import pytest
import torch
from small_models import base
from small_trainings import toy
from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

from trainer.batches.sources import sources
from trainer.batches.store import Store
from trainer.loop import dated
from trainer.loop.desk import read_data
from trainer.loop.parallel import Here
from trainer.loop.request import claim
from trainer.settings import TrainSettings

DATED = """{{- '<|im_start|>system\\nToday: ' + strftime_now('%d %b %Y') + '<|im_end|>\\n' -}}
{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' + m.content | trim + '<|im_end|>\\n' -}}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""


def _on(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.fromisoformat(day)

    monkeypatch.setattr(chat_template_utils, "datetime", Then)


def _dated(folder: Path) -> TrainSettings:
    place = base(folder / "base")
    tokenizer = AutoTokenizer.from_pretrained(place)
    tokenizer.chat_template = DATED
    tokenizer.save_pretrained(place)
    return toy(folder, model=str(place), template="own", count=4)


def _text(settings: TrainSettings) -> tuple[str, Store]:
    ready, speech, store = read_data(settings, sources(settings.data), Here(0, 1, torch.device("cpu")))
    assert "Today" in speech.jinja
    assert "strftime_now" not in speech.jinja
    return str(ready.tokenizer.decode(store[0].input_ids)), store


def test_the_day_is_that_on_which_the_training_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _dated(tmp_path)
    _on("2026-02-03", monkeypatch)
    text, store = _text(settings)
    assert text.startswith("<|im_start|>system\nToday: 03 Feb 2026<|im_end|>\n<|im_start|>user\n")
    _on("2026-02-04", monkeypatch)
    again, found = _text(settings)
    assert (again, found.key) == (text, store.key)
    other, _ = _text(settings.model_copy(update={"out": tmp_path / "other"}))
    assert "04 Feb 2026" in other


def test_a_request_that_gives_way_to_another_leaves_no_day(tmp_path: Path) -> None:
    settings = _dated(tmp_path)
    claim(settings, sources(settings.data))
    _text(settings)
    claim(settings, sources(settings.data))
    assert (settings.out / dated.NAME).exists()
    claim(settings.model_copy(update={"lr": 1.0}), sources(settings.data))
    assert not (settings.out / dated.NAME).exists()


def test_a_template_without_a_date_is_not_kept_beside(tmp_path: Path) -> None:
    settings = toy(tmp_path, model=str(base(tmp_path / "base")), template="own", count=4)
    read_data(settings, sources(settings.data), Here(0, 1, torch.device("cpu")))
    assert not (settings.out / dated.NAME).exists()
