"""The log of a training."""

from pathlib import Path

import orjson
import pytest
from small_models import asked

from trainer.loop.logs import Log


def quiet(_line: str) -> None:
    """Hears what is said of the log."""


def lines(folder: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in (folder / "out" / "log.jsonl").read_bytes().splitlines()]


def test_a_log_that_is_never_written_leaves_no_trace(tmp_path: Path) -> None:
    with Log(asked(tmp_path), quiet):
        pass
    assert not (tmp_path / "out").exists()


def test_a_training_that_goes_on_takes_the_place_of_what_it_tells_again(tmp_path: Path) -> None:
    with Log(asked(tmp_path), quiet) as log:
        for step in (10, 20, 30):
            log.write({"step": step, "loss": 1.0 / step})
        log.write({"step": 30, "eval_loss": 0.5, "samples": [{"id": "a", "reply": "Warsaw"}]})
    with Log(asked(tmp_path), quiet) as log:
        log.write({"step": 30, "loss": 0.25})
        log.write({"step": 40, "loss": 0.125})
    assert [(line["step"], line["loss"]) for line in lines(tmp_path)] == [
        (10, 0.1),
        (20, 0.05),
        (30, 0.25),
        (40, 0.125),
    ]


def test_tensorboard_reads_the_same_numbers(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Log(asked(tmp_path), quiet) as log:
        log.write({"step": 1, "loss": 2.5, "lr": 0.125})
        log.write({"step": 2, "eval_loss": 1.5})
    found = event_accumulator.EventAccumulator(str(tmp_path / "out" / "tensorboard"))
    found.Reload()
    assert {tag: [event.value for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]} == {
        "loss": [2.5],
        "lr": [0.125],
        "eval_loss": [1.5],
    }


def test_every_line_is_json_and_a_torn_one_is_told_again(tmp_path: Path) -> None:
    with Log(asked(tmp_path), quiet) as log:
        log.write({"step": 1, "loss": float("nan"), "mfu": None})
        log.write({"step": 2, "loss": float("inf")})
    path = tmp_path / "out" / "log.jsonl"
    assert path.read_bytes() == b'{"step":1,"loss":null,"mfu":null}\n{"step":2,"loss":null}\n'
    path.write_bytes(path.read_bytes()[:-9])  # killed, or without room on the disk
    with Log(asked(tmp_path), quiet) as log:
        log.write({"step": 2, "loss": 0.5})
    assert [line["step"] for line in lines(tmp_path)] == [1, 2]
