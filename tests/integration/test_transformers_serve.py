"""A run against a server that we did not write: `transformers serve` with a tiny model of random weights."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
STARTS_WITHIN_S = 60
TEXTS = ["How do tides work, and who found out?", "The moon pulls at the sea. So does the sun, a little less."] * 50
TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}: {{ message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)


def make_model(folder: Path) -> None:
    """A byte-level tokenizer of 300 tokens with a chat template, and a llama of random weights that fits it."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(wrapped), max_position_embeddings=4096, **sizes, **ends))
    # Every tenth token ends an answer: random weights would seldom come upon the one that does.
    model.generation_config.eos_token_id = list(range(1, len(wrapped), 10))
    model.generation_config.do_sample = True
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Base URL and model name of the server, which is stopped at the end."""
    pytest.importorskip("fastapi")
    folder = tmp_path_factory.mktemp("tiny")
    make_model(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "import torch; torch.set_num_threads(1); from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", program, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as file:
        child = subprocess.Popen(
            [*command, "--device", "cpu"], cwd=folder, env={**os.environ, **OFFLINE}, stdout=file, stderr=file
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", child, log)
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        child.terminate()
        child.wait(20)


def wait_for(url: str, child: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return once the server answers; fail with its log where it does not."""
    late = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < late and child.poll() is None:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start:\n{log.read_text(errors='replace')[-3000:]}")


def test_a_run_ends_with_every_dialogue_there_or_failed_for_a_reason(served: tuple[str, str], tmp_path: Path) -> None:
    base_url, model = served
    openers = ["How do tides work?", "Why is bread round?", "Who built the first piano?"]
    (tmp_path / "openers.txt").write_text("".join(f"{line}\n" for line in openers))
    (tmp_path / "run.toml").write_text(
        f'[run]\nsector = "world-questions"\nn = 3\nrounds = "1-2"\nretry_wait_s = 0.01\n'
        f"[endpoint.main]\nbase_url = {json.dumps(base_url)}\nmodel = {json.dumps(model)}\n[roles]\n"
        'user = { endpoint = "main", max_tokens = 24, temperature = 1.0 }\n'
        'assistant = { endpoint = "main", max_tokens = 48, temperature = 1.0 }\n'
    )
    words = ("run", "--config", tmp_path / "run.toml", "--openers", tmp_path / "openers.txt", "--out", tmp_path / "run")
    command = [sys.executable, "-m", "gen.main", *map(str, words), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=80)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(done.stdout)
    dialogues, failures = rows(tmp_path / "run" / "dialogues.jsonl"), rows(tmp_path / "run" / "failures.jsonl")
    assert len(dialogues) + len(failures) == 3
    assert all(failure["reason"] and failure["detail"] and failure["messages"] for failure in failures)
    assert {one["messages"][0]["content"] for one in dialogues + failures} == set(openers)
    for role in ("user", "assistant"):
        paid = summary["meter"]["roles"][role]
        assert paid["requests"] >= 1
        assert paid["prompt_tokens"] > 0
        assert paid["completion_tokens"] > 0
        assert list(paid["models"]) == [f"{model}@main"], "as the server names itself: a revision is its own addition"
    for one in dialogues:
        assert one["assistant_model"] == model, "as it was asked for"
        assert {message["model"] for message in one["messages"][1:]} == {f"{model}@main"}
        assert one["usage"]["assistant"]["completion_tokens"] > 0


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]


pytestmark = pytest.mark.integration
