"""Runs a command, and ends it with the pipe to us: `python -m generator.client.keeper COMMAND...`.

For a server that does not watch whoever started it, as `vllm serve`: a run that is killed can tell it nothing, but its
end of our standard input closes. What the command has started itself goes with it: we lead a session of our own.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

LEAVES_WITHIN_S = 15.0


def keep(command: Sequence[str]) -> int:
    """Run the command until it ends, we are told to stop, or standard input ends; its status."""
    kept: list[subprocess.Popen[bytes]] = []
    told = threading.Event()

    def tell(*_: object) -> None:
        told.set()
        for one in kept:
            one.terminate()

    signal.signal(signal.SIGTERM, tell)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    kept.append(child)
    if told.is_set():
        child.terminate()

    def watch() -> None:
        while os.read(0, 4096):  # not by sys.stdin: its lock, held here, would abort an interpreter that ends
            pass
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LEAVES_WITHIN_S)
            return
        end_group(os.getpid())
        child.kill()

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    status = child.wait()
    _end_rest()
    return status if status >= 0 else 128 - status


def _end_rest() -> None:
    """Tell what the command has left behind to end; not where the group is not ours, as under a shell."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


def end_group(leader: int) -> None:
    """Kill a process that leads its group, and all in it, where the system knows groups."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
