"""`local:`: which server serves it, under what name, and that it never outlives its run."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dialogue.errors import RunStopped, UsageError
from generator.client import local
from generator.client.endpoint import Endpoint, resolve
from generator.client.local import Child, LocalTransport, identified, program
from generator.gate import Gate

FAKE_VLLM = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        body = json.dumps({"argv": sys.argv[1:]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *_): pass

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def folder(place: Path, weights: bytes = b"weights", config: str = "{}") -> Path:
    """What looks like a model from outside."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(config)
    (place / "model.safetensors").write_bytes(weights)
    return place


def endpoint(path: object, **fields: object) -> Endpoint:
    return Endpoint.model_validate({"name": "mine", "base_url": f"local:{path}", **fields})


def fake_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str = FAKE_VLLM) -> None:
    """An installed package of that name, for us and for children."""
    package = tmp_path / "site" / "vllm" / "entrypoints" / "cli"
    package.mkdir(parents=True)
    for place in (package, package.parent, package.parent.parent):
        (place / "__init__.py").touch()
    (package / "main.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def test_a_model_is_known_by_its_folder_and_its_weights_wherever_it_lies(tmp_path: Path) -> None:
    name = identified(endpoint(folder(tmp_path / "one" / "talker"))).model
    assert name is not None
    assert name.startswith("talker-")
    assert identified(endpoint(folder(tmp_path / "two" / "talker"))).model == name
    assert identified(endpoint(folder(tmp_path / "one" / "talker", b"others"))).model != name
    assert identified(endpoint(folder(tmp_path / "two" / "talker", config='{"a": 1}'))).model != name


def test_the_output_of_a_training_bears_the_name_of_the_training(tmp_path: Path) -> None:
    folder(tmp_path / "mine" / "model")
    outer, inner = identified(endpoint(tmp_path / "mine")), identified(endpoint(tmp_path / "mine" / "model"))
    assert str(outer.model).startswith("mine-")
    assert outer.model == inner.model


def test_a_hub_id_names_itself_and_a_path_without_a_model_is_refused(tmp_path: Path) -> None:
    assert identified(endpoint("some-lab/some-model")).model == "some-lab/some-model"
    for wrong in (tmp_path, tmp_path / "nowhere", "./nowhere", "a/b/c"):
        with pytest.raises(UsageError, match=r"no model there \(no config.json\)"):
            identified(endpoint(wrong))
    assert identified(resolve("builtin", None, {})).model == "builtin"


def test_a_local_endpoint_stands_alone_costs_nothing_and_waits_longer() -> None:
    one = endpoint("lab/model")
    assert one.price is not None
    assert (one.price.input, one.price.output) == (0, 0)
    assert one.timeout_s > Endpoint(name="x", base_url=("http://127.0.0.1/v1",)).timeout_s
    assert endpoint("lab/model", timeout_s=5).timeout_s == 5
    assert resolve("local:lab/model", None, {}).local_model == "lab/model"
    with pytest.raises(UsageError, match="expected local:PATH_OR_HUB_ID"):
        resolve("local:", None, {})
    with pytest.raises(ValueError, match="starts one server"):
        endpoint("x", base_url=["local:x", "http://127.0.0.1/v1"])


def test_vllm_is_preferred_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program(endpoint("lab/model")) == "gen"
    fake_vllm(tmp_path, monkeypatch)
    assert program(endpoint("lab/model")) == "vllm"
    assert program(endpoint("lab/model", server="gen")) == "gen"


def test_an_adapter_is_served_by_gen_serve_though_vllm_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_vllm(tmp_path, monkeypatch)
    adapter = tmp_path / "run" / "model"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    said: list[str] = []
    mine = endpoint(tmp_path / "run")
    assert program(mine) == "gen"
    assert "gen merge folds it in" in Child(mine, said.append)._choice()
    with pytest.raises(UsageError, match=r"an adapter, which vLLM does not take.*gen merge"):
        identified(endpoint(tmp_path / "run", server="vllm"))
    assert identified(mine).model is not None


async def test_a_server_that_logs_to_stdout_does_not_stand_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM does so by default: into a pipe that nobody reads it could write 64 kB."""
    chatty = "print('INFO a line of the log' * 20_000, flush=True)"
    fake_vllm(tmp_path, monkeypatch, chatty + FAKE_VLLM)
    way = LocalTransport(endpoint(folder(tmp_path / "m")), print)
    try:
        assert (await way.post("", {}, b"{}", 20)).status == 200
    finally:
        await way.close()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes")
@pytest.mark.parametrize("deaf", ["", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"])
def test_vllm_and_what_it_starts_end_with_the_pipe_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: str
) -> None:
    """As when the run is killed."""
    worker = "import subprocess, sys; w = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    fake_vllm(tmp_path, monkeypatch, deaf + worker + FAKE_VLLM)
    script = "import sys; from generator.client import keeper; keeper.LEAVES_WITHIN_S = 0.2; keeper.keep(sys.argv[1:])"
    child = Child(endpoint(folder(tmp_path / "m")), print)
    argv, url = child._command()
    held = [sys.executable, "-c", script, *argv[3:]]
    assert argv[1:3] == ["-m", "generator.client.keeper"]
    process = subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    child._process = process
    child._wait(str(url), time.monotonic() + 60)
    assert process.stdin is not None
    process.stdin.close()
    process.wait(60)
    begun = time.monotonic()
    while group(process.pid) and time.monotonic() < begun + 60:
        time.sleep(0.02)
    assert not group(process.pid)


def group(leader: int) -> bool:
    """Whether anybody of a group is left."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


async def test_vllm_is_started_on_this_machine_alone_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_vllm(tmp_path, monkeypatch)
    said: list[str] = []
    place = folder(tmp_path / "mine" / "model")
    way = LocalTransport(identified(endpoint(tmp_path / "mine")), said.append)
    try:
        reply = await way.post("local:x/chat/completions", {"Content-Type": "application/json"}, b"{}", 20)
        process = way._child._process
        assert process is not None
        argv = reply.body.decode()
        assert f'"serve", "{place}", "--host", "127.0.0.1"' in argv
        assert '"--served-model-name", "mine-' in argv
        assert '"--uvicorn-log-level", "warning"' in argv, "no line for each request"
    finally:
        await way.close()
    assert process.poll() is not None
    assert "vLLM, which is installed, loads" in said[0]
    assert "answers after" in said[1]


async def test_a_run_that_waits_for_a_model_to_load_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm(tmp_path, monkeypatch)
    gate = Gate(4)
    way = LocalTransport(endpoint(folder(tmp_path / "m")), lambda _: None)
    guarded = gate.guard(way)
    assert gate.limiting() is None
    asked = asyncio.create_task(
        guarded.post("local:x/chat/completions", {"Content-Type": "application/json"}, b"{}", 20)
    )
    async with asyncio.timeout(20):
        while gate.limiting() is None:
            await asyncio.sleep(0)
    assert gate.limiting() == "endpoint mine, which loads its model"
    await asked
    assert gate.limiting() is None
    await gate.close()


async def test_a_server_that_does_not_start_stops_the_run_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_vllm(tmp_path, monkeypatch, "import sys; sys.exit('no GPU anywhere')")
    said: list[str] = []
    way = LocalTransport(endpoint(folder(tmp_path / "m")), said.append)
    refused = await asyncio.gather(*(way.post("", {}, b"{}", 20) for _ in range(5)), return_exceptions=True)
    await way.close()
    assert {type(one) for one in refused} == {RunStopped}
    assert 'ended with status 1: "no GPU anywhere"' in str(refused[0])
    assert len(said) == 1, "it is tried once, however many wait for it"


async def test_a_server_that_dies_stops_the_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm(tmp_path, monkeypatch)
    way = LocalTransport(endpoint(folder(tmp_path / "m")), print)
    try:
        await way.post("", {}, b"{}", 20)
        assert way._child._process is not None
        os.killpg(way._child._process.pid, signal.SIGKILL)
        with pytest.raises(RunStopped, match="ended with status -9"):
            await way.post("", {}, b"{}", 20)
    finally:
        await way.close()


async def test_closing_while_it_starts_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm(tmp_path, monkeypatch, "import time; time.sleep(600)")
    way = LocalTransport(endpoint(folder(tmp_path / "m")), print)
    asked = asyncio.create_task(way.post("", {}, b"{}", 20))
    async with asyncio.timeout(30):
        while way._child._process is None:
            await asyncio.sleep(0.01)
    asked.cancel()
    await way.close()
    assert way._child._process.poll() is not None
    assert asked.cancelled() or asked.done()


def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_vllm(tmp_path, monkeypatch, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FAKE_VLLM)
    monkeypatch.setattr(local, "LEAVES_WITHIN_S", 0.1)
    child = Child(endpoint(folder(tmp_path / "m")), print)
    child.start()
    child.stop()
    assert child._process is not None
    assert child._process.returncode == -signal.SIGKILL


def test_our_own_server_ends_with_the_pipe_to_it_though_nobody_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the run is killed: the pipe is all that holds them together."""
    pytest.importorskip("transformers")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "trainer"))
    import babbler

    place = babbler.save(tmp_path / "babbler")
    command = [sys.executable, "-m", "gen.main", "serve", str(place), "--port", "0", "--until-eof"]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline().startswith(b"http://127.0.0.1:")
    child.stdin.close()
    assert child.wait(60) == 0


def test_our_own_server_ends_in_good_order_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a thread of it waits for the end of the pipe."""
    pytest.importorskip("transformers")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "trainer"))
    import babbler

    child = Child(endpoint(babbler.save(tmp_path / "babbler"), server="gen"), print)
    child.start()
    child.stop()
    assert child._process is not None
    assert child._process.returncode == 0
