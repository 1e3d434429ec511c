"""The measurements that start children, each at a size at which it takes seconds."""

import re
import sys
from itertools import count

import pytest

from bench import kills, made, scale
from bench.all import joined
from bench.child import endpoint, gen_run, page, run, shown
from bench.raw import command as raw_command
from bench.requests import Bench, openers, per_request_ms, share_used


def test_the_raw_loop_asks_just_as_often_as_it_is_told():
    with endpoint() as base_url:
        cost = run(raw_command(base_url, 300, 16, 3000))
        stats = page(base_url, "/stats")
    assert stats["n200"] == 300
    assert stats["bytes_in"] / 300 == pytest.approx(3000, rel=0.1)
    assert cost.cpu_s > 0


def test_a_run_with_own_openers_takes_five_requests_a_dialogue_and_asks_nothing_twice(tmp_path):
    with endpoint() as base_url:
        bench = Bench(base_url, tmp_path, openers(tmp_path / "openers.txt", 40), 16, count())
        measured = bench.gen(40)
    assert measured.requests == 200
    assert measured.stats["conns"] <= 20
    assert per_request_ms(measured, bench_of(measured, 0.0, 0))[0] > 0


def bench_of(measured, cpu_s, requests):
    """As `measured`, with another bill."""
    cost = type(measured.cost)(0, 0.0, cpu_s, 0.0)
    return type(measured)(cost, {"n200": requests})


def test_a_share_leaves_ramp_and_drain_out():
    seconds = {str(second): 512 if 5 <= second < 15 else 100 for second in range(21)}
    assert share_used({"per_sec": seconds, "span_s": 20.5}) == 1.0


def test_a_failing_child_tells_why():
    with pytest.raises(RuntimeError, match="no such command"):
        run([sys.executable, "-m", "gen.main", "rum"])


def test_a_command_is_shown_without_the_machine_that_it_ran_on(tmp_path):
    assert shown(gen_run(tmp_path, 7, "builtin")).startswith("gen run --sector world-questions --n 7 --out")


def test_the_scale_check_sees_200_dialogues_through_a_kill(tmp_path):
    command = gen_run(tmp_path / "large", 200, "builtin")
    cost = scale.until_written(command, tmp_path / "large" / "dialogues.jsonl", 20)
    assert cost.status < 0
    after, first_turn_s = scale.resumed(command, tmp_path / "large" / "journal.jsonl")
    assert after.status == 0
    assert first_turn_s > 0
    found = scale.look(tmp_path / "large")
    assert (found.lines, found.unique, found.misplaced) == (200, 200, 0)
    assert set(found.rounds) <= {3, 4, 5, 6, 7}


@pytest.mark.slow
def test_kill_9_loses_nothing_and_repeats_only_what_was_in_flight(tmp_path):
    outcome = kills.trial(seed=7, kills=3, dialogues=300, folder=tmp_path)
    assert outcome.good, outcome.row()
    assert outcome.kills == 3
    assert 0 < outcome.repeated <= outcome.flown
    assert len(made.openers(tmp_path / "7-killed")) == 300


def test_tables_of_one_kind_are_joined_under_one_head():
    text = joined(["| a |\n|---|\n| 1 |\n\nnote", "| a |\n|---|\n| 2 |\n\nnote"])
    assert re.sub(r"\s+", " ", text) == "| a | |---| | 1 | | 2 | note"


def test_a_child_shows_its_own_peak_of_memory_however_large_its_parent_is():
    held = bytearray(200_000_000)
    held[::4096] = bytes([1]) * len(held[::4096])
    assert run([sys.executable, "-S", "-c", "pass"]).peak_mb < 50
    assert run([sys.executable, "-S", "-c", "held = b'1' * 100_000_000"]).peak_mb > 100
    assert len(held) == 200_000_000


def test_the_bill_holds_the_worker_processes_of_a_child():
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}], check=True)"
    assert run([sys.executable, "-c", parent]).cpu_s > 0.3
    assert run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], statuses=[-9]).status == -9
