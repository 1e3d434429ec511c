"""`local:PATH_OR_HUB_ID`: a server for a model on this machine, begun with the first request and stopped with the run.

The server is a child process, `gen serve` or, where vLLM is installed, `vllm serve`: nothing of it is imported here.
It ends with the run in every case: it is told to, and it also ends when the pipe to it does, as it does when the run is
killed: `gen serve` by itself, `vllm serve` by its keeper (`keeper.py`). Adapters are always served by `gen serve`.
The model is known by its folder's name and a hash of its files, so another model in the same place is another request.
"""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from xxhash import xxh3_64

from dialogue.errors import RunStopped, UsageError
from generator.client.endpoint import LOCAL, Endpoint, chat_url
from generator.client.keeper import end_group
from generator.client.reply import Broken, Reply, Unreachable
from generator.client.transport import HttpTransport, Transport

Program = Literal["gen", "vllm"]
STARTS_WITHIN_S = 1800.0
"""vLLM compiles a large model for minutes."""
LEAVES_WITHIN_S = 15.0
LOOK_EVERY_S = 0.2
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
FACTS = "duologue.json"
"""What a training writes beside its model (trainer/nets/names.py)."""
_FILES = ("*.safetensors", "config.json", "generation_config.json", "adapter_config.json", "tokenizer*", "*.jinja")


def identified(endpoint: Endpoint) -> Endpoint:
    """The endpoint with its model's name; as it is where it is not local. Raises UsageError where no model is there."""
    if endpoint.local_model is None:
        return endpoint
    folder = _folder(endpoint.local_model)
    if folder is None:
        return endpoint.model_copy(update={"model": endpoint.model or endpoint.local_model})
    if endpoint.server == "vllm" and _is_adapter(folder):
        raise UsageError(
            f"{LOCAL}{endpoint.local_model}: an adapter, which vLLM does not take for a model; fold it into its base "
            f'(gen merge {endpoint.local_model} --out DIR), or leave out server = "vllm"'
        )
    named = folder.resolve()
    name = endpoint.model or (named.parent.name if named.name == "model" else named.name)
    return endpoint.model_copy(update={"model": f"{name}-{_hash(folder):08x}"})


def _folder(text: str) -> Path | None:
    """The folder that holds the model, in a training's output the one within; None for a hub id."""
    path = Path(text).expanduser()
    for place in (path, path / "model"):
        if (place / "config.json").exists() or (place / "adapter_config.json").exists():
            return place
    if path.exists() or not _HUB_ID.fullmatch(text) or text.startswith("."):
        raise UsageError(
            f"{LOCAL}{text}: no model there (no config.json); name a model's folder, the output of `gen train`, "
            "or a hub id as ORG/NAME"
        )
    return None


def facts_of(endpoint: Endpoint) -> dict[str, Any]:
    """What a model that we trained knows of its training; empty for others', those not in a folder, and no model.

    Raises UsageError where its file is torn.
    """
    folder = _folder(endpoint.local_model) if endpoint.local_model is not None else None
    path = None if folder is None else folder / FACTS
    if path is None or not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path}: broken JSON ({error}); copy or fetch it anew") from None
    return found if isinstance(found, dict) else {}


def _hash(folder: Path) -> int:
    """32 bits of what decides about the replies: weights, settings, tokenizer and template."""
    digest = xxh3_64()
    for path in sorted({path for pattern in (*_FILES, "template.toml") for path in folder.glob(pattern)}):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
    return digest.intdigest() >> 32


def program(endpoint: Endpoint) -> Program:
    """What serves it: as the endpoint says, else vLLM where it is installed and the model is a whole one."""
    if endpoint.server is None and endpoint.local_model is not None:
        folder = _folder(endpoint.local_model)
        if folder is not None and _is_adapter(folder):
            return "gen"
    return endpoint.server or ("vllm" if find_spec("vllm") is not None else "gen")


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").exists()


def way_to(endpoint: Endpoint, say: Callable[[str], None]) -> Transport:
    """The transport of an endpoint that is not `builtin`."""
    return HttpTransport() if endpoint.local_model is None else LocalTransport(endpoint, say)


class LocalTransport:
    """Posts to a server of its own, which the first request starts."""

    def __init__(self, endpoint: Endpoint, say: Callable[[str], None]) -> None:
        self._child = Child(endpoint, say)
        self._http = HttpTransport()
        self._starting = asyncio.Lock()
        self._url: str | None = None
        self._refused: RunStopped | None = None

    @property
    def loading(self) -> str | None:
        """What its requests wait for, in one short phrase; None once the server answers."""
        return f"endpoint {self._child.name}, which loads its model" if self._starting.locked() else None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Reply:
        """The reply, of whatever status. Raises RunStopped where the server does not start, or has ended."""
        if self._url is None:
            await self._start()
        assert self._url is not None
        try:
            return await self._http.post(self._url, headers, body, timeout_s)
        except (Unreachable, Broken):
            self._child.check()
            raise

    async def _start(self) -> None:
        """Start the server, once for all who wait for it."""
        async with self._starting:
            if self._refused is not None:
                raise self._refused
            if self._url is None:
                try:
                    self._url = chat_url(await asyncio.to_thread(self._child.start))
                except RunStopped as error:
                    self._refused = error
                    raise

    async def close(self) -> None:
        """Give back the connections, and end the server."""
        await self._http.close()
        await asyncio.to_thread(self._child.stop)


class Child:
    """The server as a process."""

    def __init__(self, endpoint: Endpoint, say: Callable[[str], None]) -> None:
        assert endpoint.local_model is not None
        self._endpoint, self._say = endpoint, say
        self._program = program(endpoint)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._log: IO[bytes] | None = None

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self._endpoint.name

    def start(self) -> str:
        """Start it and wait until it answers; returns its base URL. Raises RunStopped with its last words."""
        self._say(f"endpoint {self._endpoint.name}: {self._choice()} loads {self._endpoint.local_model}")
        begun = time.monotonic()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        command, base_url = self._command()
        # A session of its own: Ctrl-C in the terminal is the run's to deal with, replies on the wire come home first.
        # Only the address is read from stdout. vLLM logs there: into a pipe that nobody reads it would stand still.
        out = subprocess.PIPE if base_url is None else self._log
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=self._log, start_new_session=True
        )
        if self._stopped:
            self.stop()
        if base_url is None:
            assert self._process.stdout is not None
            base_url = self._process.stdout.readline().decode().strip()
        self._wait(base_url, begun + STARTS_WITHIN_S)
        self._say(f"endpoint {self._endpoint.name}: {base_url} answers after {time.monotonic() - begun:.0f} s")
        return base_url

    def _command(self) -> tuple[list[str], str | None]:
        """The command, and the base URL where we choose it."""
        model, name = str(self._endpoint.local_model), str(self._endpoint.model)
        if self._program == "gen":
            serve = [sys.executable, "-m", "gen.main", "serve", model, "--port", "0", "--model-name", name]
            return [*serve, "--until-eof"], None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        place = str(_folder(model) or model)
        keeper = [sys.executable, "-m", "generator.client.keeper", sys.executable, "-m", "vllm.entrypoints.cli.main"]
        serve = [*keeper, "serve", place, "--host", "127.0.0.1", "--port", str(port), "--served-model-name", name]
        # A line for each request would fill the disk in the course of a long run.
        return [*serve, "--uvicorn-log-level", "warning"], f"http://127.0.0.1:{port}/v1"

    def _wait(self, base_url: str, late: float) -> None:
        # Read by the child's own log, not by a count of seconds: it is waited for as long as it lives.
        opener = build_opener(ProxyHandler({}))
        while time.monotonic() < late:
            self.check()
            with contextlib.suppress(URLError, OSError, ValueError), opener.open(f"{base_url}/models", timeout=10):
                return
            time.sleep(LOOK_EVERY_S)
        raise RunStopped(f"{self._place()}: no answer within {STARTS_WITHIN_S / 60:.0f} minutes; {self._last_words()}")

    def check(self) -> None:
        """Raise RunStopped where the server has ended."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):  # its sockets close a moment before it has ended
            status = process.wait(0.5 if process.poll() is None else 0)
            raise RunStopped(f"{self._place()}: its server ended with status {status}: {self._last_words()}")

    def stop(self) -> None:
        """End it, by force where it does not listen."""
        self._stopped = True
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(LEAVES_WITHIN_S)
            except subprocess.TimeoutExpired:
                end_group(process.pid)
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    def _choice(self) -> str:
        """What serves, and why."""
        if self._endpoint.server is not None:
            return f"{self._program} serve, as asked,"
        if self._program == "vllm":
            return "vLLM, which is installed,"
        missing = find_spec("vllm") is None
        return f"gen serve ({'vLLM is not installed' if missing else 'vLLM takes no adapter; gen merge folds it in'})"

    def _place(self) -> str:
        return f"endpoint {self._endpoint.name} ({self._endpoint.base_url[0]})"

    def _last_words(self) -> str:
        if self._log is None or self._log.closed:
            return "it was stopped"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 4000))
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return json.dumps(said[-1][:400], ensure_ascii=False) if said else "it said nothing"
