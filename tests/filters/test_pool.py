"""Tasks over worker processes."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from filters.engine.pool import _without_interrupt, pool


def collects(task):
    """Whether the collector of cycles is on, and the task."""
    return gc.isenabled(), task


def refuses(task):
    raise ValueError(task)


@pytest.mark.parametrize("workers", [1, 2])
def test_work_is_done_in_order_and_without_the_collector(workers):
    with pool(workers) as workers_of:
        assert list(workers_of.map(collects, range(7))) == [(False, task) for task in range(7)]


def test_after_work_the_collector_is_as_it_was():
    with pool(1) as here:
        list(here.map(collects, [1]))
        assert gc.isenabled()
        with pytest.raises(ValueError, match="one"):
            list(here.map(refuses, ["one"]))
        assert gc.isenabled()
        gc.disable()
        try:
            list(here.map(collects, [1]))
            assert not gc.isenabled()
        finally:
            gc.enable()


SCRIPT = """
import signal, time
from filters.engine.pool import pool

def held_off(_):
    time.sleep(0.2)  # so that every worker has its share
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())

if __name__ == "__main__":
    with pool(2) as workers:
        print(all(workers.map(held_off, range(6))))
    print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="masks of signals")
def test_an_interrupt_is_held_off_from_every_worker_before_it_begins(tmp_path):
    (tmp_path / "main.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    # A process of its own: the first worker of a process also starts multiprocessing's tracker, which lets signals in.
    said = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert said.stdout.split() == [b"True", b"False"]


def interrupted(told):
    with _without_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            os.sched_yield()
        told.append("all of it")


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="masks of signals")
def test_an_interrupt_that_another_thread_takes_waits_as_well():
    over, told = threading.Event(), []
    thread = threading.Thread(target=over.wait)  # as numpy has: started before, it lets the signal in
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted(told)
        assert told == ["all of it"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        over.set()
        thread.join()
