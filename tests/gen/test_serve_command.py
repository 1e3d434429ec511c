"""`gen serve` as a process, and `gen run` on a model of one's own."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import babbler
import openai
import pytest
from runs import Disk, begin, end, gen, rows

from dialogue.errors import UsageError
from gen.main import main
from gen.serving import Terms, key_of

OPENERS = ["How do tides work?", "Why is bread round?", "Who built the first piano?", "What do owls eat?"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return babbler.save(tmp_path_factory.mktemp("models") / "babbler", max_position_embeddings=8192)


async def test_the_first_line_is_the_address_and_a_signal_ends_it_in_good_order(model: Path) -> None:
    child = await begin("serve", model, "--port", 0, "--model-name", "parrot", "--api-key-env", "REHEARSAL_KEY")
    assert child.stdout is not None
    url = (await child.stdout.readline()).decode().strip()
    async with openai.AsyncOpenAI(base_url=url, api_key="hush-4f1d9be27c60a853-hush", max_retries=0) as ask:
        said = await ask.chat.completions.create(
            model="parrot", messages=[{"role": "user", "content": "hi"}], max_tokens=3
        )
        with pytest.raises(openai.AuthenticationError):
            await ask.with_options(api_key="guess").models.list()
    assert said.usage is not None
    assert said.usage.completion_tokens <= 3
    child.send_signal(signal.SIGINT)
    (await end(child)).check(0, "gen serve: parrot, 8,192 tokens of context, up to 64 replies at a time")


def test_a_server_for_others_asks_for_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert key_of(Terms("127.0.0.1"), {}) is None
    assert key_of(Terms("::1"), {}) is None
    assert key_of(Terms("0.0.0.0", api_key_env="K"), {"K": " secret\n"}) == "secret"
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.example.org"):
        with pytest.raises(UsageError, match="it must ask for a key"):
            key_of(Terms(host), {})
    for value in ("", "  ", "two\nlines", "ключ"):
        with pytest.raises(UsageError, match="--api-key-env K: not set to a key"):
            key_of(Terms(api_key_env="K"), {"K": value})
    assert main(["serve", "nowhere", "--host", "0.0.0.0"]) == 2
    assert "--api-key-env VAR" in capsys.readouterr().err


def test_a_place_that_is_taken_is_told_before_a_model_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "nowhere/at-all/model", "--port", port]) == 2
        assert f"--port {port}: Address already in use; choose another --port" in capsys.readouterr().err
        assert main(["serve", "nowhere/at-all/model", "--port", port, "--host", "127.0.0.2"]) == 2
        assert "no such folder" in capsys.readouterr().err, "the place is free, so the model is looked for"
    assert main(["serve", "nowhere", "--port", "0", "--host", "no.such.host.localhost", "--api-key-env", "HOME"]) == 2
    assert "no.such.host.localhost" in capsys.readouterr().err


def write(tmp_path: Path, base_url: str, more: str = "") -> tuple[object, ...]:
    """A run of four openers, short answers."""
    (tmp_path / "openers.txt").write_text("".join(f"{line}\n" for line in OPENERS))
    (tmp_path / "run.toml").write_text(
        f'[run]\nsector = "world-questions"\nrounds = "1-2"\nretry_wait_s = 0.01\n'
        f'[endpoint.mine]\nbase_url = {json.dumps(base_url)}\nserver = "gen"\n{more}[roles]\nopener = "mine"\n'
        'user = { endpoint = "mine", max_tokens = 24 }\nassistant = { endpoint = "mine", max_tokens = 24 }\n'
    )
    words = ("run", "--config", tmp_path / "run.toml", "--openers", tmp_path / "openers.txt", "--out", tmp_path / "run")
    return words


def alive(pids: list[int]) -> list[int]:
    """Those that have not ended."""
    found = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.append(pid)
    return found


def servers(parent: int) -> list[int]:
    """Processes that a run has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


async def test_a_run_on_a_model_of_ones_own_starts_its_server_and_ends_it(model: Path, tmp_path: Path) -> None:
    said = await gen(*write(tmp_path, f"local:{model}"), within_s=120)
    assert said.status in (0, 1), said.err
    assert "gen serve, as asked, loads" in said.err
    assert "answers after" in said.err
    disk = Disk.of(tmp_path / "run")
    assert len(disk.dialogues) + len(disk.failures) == 4
    name = json.loads((tmp_path / "run" / "run.json").read_bytes())["settings"]["assistant"]["model"]
    assert name.startswith("babbler-")
    for one in disk.dialogues:
        assert one["assistant_model"] == one["user_model"] == name
        assert one["cost_usd"] == 0
    assert disk.role("assistant")["completion_tokens"] > 0
    babbler.save(tmp_path / "other" / "babbler", seed=1, max_position_embeddings=8192)
    again = await gen(*write(tmp_path, f"local:{tmp_path / 'other' / 'babbler'}"))
    again.check(2, "other settings", "choose another --out")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are found through /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_no_server_outlives_its_run_however_that_ends(model: Path, tmp_path: Path, number: int) -> None:
    child = await begin(*write(tmp_path, f"local:{model}"))
    started: list[int] = []
    async with asyncio.timeout(100):
        while not (tmp_path / "run" / "journal.jsonl").exists() or not rows(tmp_path / "run" / "journal.jsonl"):
            started = servers(child.pid) or started
            await asyncio.sleep(0.02)
        assert started
        os.kill(child.pid, number)
        await child.wait()
        while alive(started):
            await asyncio.sleep(0.02)


async def test_a_local_model_that_is_not_there_is_status_2_before_anything_starts(tmp_path: Path) -> None:
    said = await gen(*write(tmp_path, f"local:{tmp_path}/nowhere"))
    said.check(2, "no model there (no config.json)")
    assert not (tmp_path / "run").exists()


async def test_a_model_that_cannot_be_loaded_stops_the_run_with_the_reason(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).write_bytes(b"torn" if file.suffix == ".safetensors" else file.read_bytes())
    said = await gen(*write(tmp_path, f"local:{broken}"), within_s=120)
    said.check(3, "its server ended with status")
