"""`gen serve`: a model behind an OpenAI-compatible address, until a signal or the end of standard input."""

import asyncio
import errno
import os
import socket
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from dialogue.errors import UsageError
from generator.signals import interrupted_by_signals
from trainer.nets.names import ADAPTER, resolve
from trainer.serving.loading import Loaded, opened
from trainer.serving.server import is_loopback, serving


class Terms(NamedTuple):
    """Where it listens, to whom, and how long."""

    host: str = "127.0.0.1"
    port: int = 0
    api_key_env: str | None = None
    until_eof: bool = False


def serve(
    model: str,
    terms: Terms,
    *,
    name: str = "",
    device: str | None = None,
    dtype: str | None = None,
    max_batch: int = 64,
) -> int:
    """Load and serve; the base URL is the first line of stdout. Returns 0 once stopped. Raises UsageError."""
    key = key_of(terms, os.environ)
    if find_spec("vllm") is not None and not terms.until_eof:
        place = resolve(model)
        whole = "" if not (Path(place) / ADAPTER).exists() else ", once gen merge has folded the adapter in"
        print(f"gen serve: vLLM is installed: `vllm serve {place}` serves more at a time{whole}", file=sys.stderr)
    _try_place(terms)
    loaded = opened(model, device=device, dtype=dtype, max_batch=max_batch, name=name)
    return asyncio.run(_serve(loaded, terms, key))


def key_of(terms: Terms, environ: Mapping[str, str]) -> str | None:
    """The key that clients must show; None for this machine alone. Raises UsageError where one is needed or missing."""
    if terms.api_key_env is None:
        if not is_loopback(terms.host):
            raise UsageError(
                f"--host {terms.host}: others can reach it, so it must ask for a key; put one into a variable and "
                "name that: --api-key-env VAR"
            )
        return None
    key = environ.get(terms.api_key_env, "").strip()
    if not key or not (key.isascii() and key.isprintable()):
        raise UsageError(f"--api-key-env {terms.api_key_env}: not set to a key; export {terms.api_key_env}=...")
    return key


def _try_place(terms: Terms) -> None:
    """Raise UsageError where nobody could listen there, before a model is loaded for it."""
    try:
        places = socket.getaddrinfo(terms.host, terms.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise _unusable(terms, error) from None
    for family, kind, protocol, _, address in places:
        try:
            with socket.socket(family, kind, protocol) as trial:
                if os.name == "posix":  # as asyncio has it: a port whose last server is just gone is free
                    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(address)
        except OSError as error:
            # Of several addresses of a name one may be of a family that this machine has not.
            if len(places) == 1 or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise _unusable(terms, error) from None


def _unusable(terms: Terms, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    mend = "; choose another --port, or 0 for a free one" if error.errno == errno.EADDRINUSE else ""
    return UsageError(f"--host {terms.host} --port {terms.port}: {reason}{mend}")


async def _serve(loaded: Loaded, terms: Terms, key: str | None) -> int:
    stop, broken = asyncio.Event(), list[BaseException]()

    def on_broken(error: BaseException) -> None:
        broken.append(error)
        stop.set()

    if terms.until_eof:
        _watch_stdin(stop)
    with interrupted_by_signals(stop.set):
        try:
            async with serving(loaded, host=terms.host, port=terms.port, key=key, on_broken=on_broken) as url:
                print(url, flush=True)
                print(_said(loaded), file=sys.stderr)
                await stop.wait()
        except OSError as error:
            raise _unusable(terms, error) from None
    if broken:
        raise _explained(broken[0], loaded)
    return 0


def _said(loaded: Loaded) -> str:
    engine = loaded.engine
    batch = "one reply after the other" if engine.separate else f"up to {engine.max_batch} replies at a time"
    note = ", since this architecture's attention takes no masks from outside" if engine.separate else ""
    side = ", writes the user's turns" if loaded.voice.speaker == "user" else ""
    return f"gen serve: {loaded.name}{side}, {engine.context:,} tokens of context, {batch}{note}; Ctrl-C stops it"


def _explained(error: BaseException, loaded: Loaded) -> BaseException:
    """Out of memory is no bug of ours: say what to change."""
    if type(error).__name__ == "OutOfMemoryError":
        half = max(1, loaded.engine.max_batch // 2)
        return UsageError(f"out of memory at --max-batch {loaded.engine.max_batch}: try --max-batch {half}")
    return error


def _watch_stdin(stop: asyncio.Event) -> None:
    """Stop when the pipe to us ends: whoever started us is gone, however it went."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not by sys.stdin: its lock, held here, would abort us at our end
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
