"""Measures of a model's own probabilities, on a small real model."""

import json
import math
from pathlib import Path

import pytest
import torch
from desk import evaluation, figure
from small_models import base
from transformers import AutoModelForCausalLM, AutoTokenizer

from dialogue.errors import UsageError
from evaluator.likelihood import LocalScorer
from generator.asking import Speaker
from generator.client.endpoint import Endpoint
from generator.client.local import identified


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base(tmp_path_factory.mktemp("model") / "tiny")


def local(model: Path) -> Speaker:
    return Speaker(endpoint=identified(Endpoint(name="tiny", base_url=(f"local:{model}",))))


def dialogues(path: Path, n: int = 6) -> Path:
    turns = [("I live in Warsaw.", "I hear that Warsaw is nice."), ("Where do I live?", "You live in Warsaw.")]
    rows = []
    for number in range(n):
        messages = [
            {"role": role, "content": text}
            for turn in turns[: 1 + number % 2]
            for role, text in zip(("user", "assistant"), turn, strict=True)
        ]
        rows.append({"id": f"d{number}", "messages": messages})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_continuations_log_probability_is_the_networks_own(model: Path) -> None:
    text, asked = "You live in Warsaw.", [{"role": "user", "content": "Where do I live?"}]
    found, tokens = LocalScorer(str(model)).continuation(asked, text)
    tokenizer = AutoTokenizer.from_pretrained(model)
    net = AutoModelForCausalLM.from_pretrained(model)
    prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True)["input_ids"]
    words = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        chances = torch.log_softmax(net(torch.tensor([[*prompt, *words]])).logits[0], -1)
    wanted = sum(float(chances[len(prompt) - 1 + at, word]) for at, word in enumerate(words))
    assert tokens == len(words)
    assert found == pytest.approx(wanted, abs=1e-4)


async def test_loss_perplexity_and_bits_per_byte_are_of_all_answers_together(model: Path, tmp_path: Path) -> None:
    data = dialogues(tmp_path / "held.jsonl")
    asked = {"benchmarks": (str(data),), "protocols": ("held_out",), "systems": {"tiny": local(model)}}
    report = await evaluation(tmp_path / "out", **asked)
    assert report["status"] == 0
    scorer = LocalScorer(str(model))
    nats = tokens = size = 0.0
    for line in data.read_text().splitlines():
        messages = json.loads(line)["messages"]
        for at, message in enumerate(messages):
            if message["role"] == "assistant":
                logprob, n = scorer.continuation(messages[:at], message["content"])
                nats, tokens, size = nats - logprob, tokens + n, size + len(message["content"])
    loss = figure(report, "loss")
    assert loss["value"] == pytest.approx(nats / tokens)
    assert figure(report, "perplexity")["value"] == pytest.approx(math.exp(nats / tokens))
    assert figure(report, "bits_per_byte")["value"] == pytest.approx(nats / math.log(2) / size)
    journal = (tmp_path / "out" / "measures.jsonl").read_bytes()
    await evaluation(tmp_path / "out", **asked)
    assert (tmp_path / "out" / "measures.jsonl").read_bytes() == journal, "nothing is measured twice"


async def test_where_no_request_is_sent_none_are_announced(model: Path, tmp_path: Path) -> None:
    data = dialogues(tmp_path / "held.jsonl")
    asked = {"benchmarks": (str(data),), "protocols": ("held_out",), "systems": {"tiny": local(model)}}
    report = await evaluation(tmp_path / "out", **asked)
    assert [line for line in report["said"] if "requests" in line] == []


async def test_the_likeliest_option_is_the_models_choice(model: Path, tmp_path: Path) -> None:
    rows = [
        {"question": f"Where do I live, {n}?", "choices": ["You live in Warsaw.", "1 + 2 = 3"], "answer": n % 2}
        for n in range(12)
    ]
    data = tmp_path / "mmlu.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = {"benchmarks": (f"mmlu={data}",), "protocols": ("choice_likelihood",), "systems": {"tiny": local(model)}}
    report = await evaluation(tmp_path / "out", **asked)
    scorer = LocalScorer(str(model))
    right = 0
    for row in rows:
        prompt = [{"role": "user", "content": row["question"]}]
        chances = [scorer.continuation(prompt, text)[0] for text in row["choices"]]  # type: ignore[attr-defined]
        right += chances.index(max(chances)) == row["answer"]
    assert figure(report, "accuracy")["value"] == pytest.approx(100 * right / 12)
    assert figure(report, "by_chance")["value"] == pytest.approx(50)


async def test_an_endpoint_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    far = Speaker(endpoint=Endpoint(name="far", base_url=("http://127.0.0.1:9/v1",), model="m"))
    with pytest.raises(UsageError, match="give local:MODEL"):
        await evaluation(
            tmp_path / "out",
            benchmarks=(str(dialogues(tmp_path / "held.jsonl")),),
            protocols=("held_out",),
            systems={"far": far},
        )
