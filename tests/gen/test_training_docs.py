"""docs/training.md says what is so: settings that there are, fields that the server takes, files that are left."""

import re
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from gen.train_config import train_settings
from trainer.loop.request import WRITTEN
from trainer.serving.requests import HARMLESS, UNSUPPORTED, ChatRequest

TEXT = (Path(__file__).parents[2] / "docs/training.md").read_text("utf-8")
SET = re.compile(r"--set (?:'([^']+)'|([^\s`;,)|]+))")


def changes() -> list[str]:
    return sorted({one or other for one, other in SET.findall(TEXT)} - {"NAME=VALUE"})


@pytest.mark.parametrize("change", changes())
def test_every_setting_that_is_named_is_one(change: str) -> None:
    base = ["lora.r=8", "lora.alpha=16"] if change.startswith("lora.") else []
    base = ["train_on=user"] if change.startswith(("brief=", "endings=")) else base
    train_settings(["d.jsonl"], "out", flags={"model": "m"}, changes=[*base, change])


def test_the_pattern_finds_them() -> None:
    assert {"lora.r=16", "batch_tokens=131072", 'classes={"gpt-4"="GPT4", default="GPT3"}', "exact=400"} <= set(
        changes()
    )
    with pytest.raises(UsageError, match="batches"):
        train_settings(["d.jsonl"], "out", changes=["batches=packed"])


def test_the_fields_of_a_request_are_those_that_the_server_takes() -> None:
    rows = [
        line for line in TEXT.splitlines() if line.startswith("| `") and ("OpenAI has" in line or "vLLM has" in line)
    ]
    assert {*re.findall(r"`(\w+)`", "".join(rows)), "model"} == set(ChatRequest.model_fields)
    aside = next(line for line in TEXT.splitlines() if "left aside" in line)
    assert set(re.findall(r"`(\w+)`", aside)) == set(HARMLESS)
    refused = next(line for line in TEXT.splitlines() if "status 400 that names them" in line)
    assert set(re.findall(r"`(\w+)`", refused)) - {"text"} <= set(UNSUPPORTED)


def test_every_file_of_a_training_is_told() -> None:
    table = TEXT[TEXT.index("## What lies in the folder") : TEXT.index("## Ask it")]
    assert [name for name in WRITTEN if f"`{name}" not in table] == []
