"""Weights & Biases is looked at before a training, keeps to one run a folder, and ends none."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import small_trainings
from small_models import asked

from dialogue.errors import UsageError
from gen.main import main
from trainer.loop.logs import Log
from trainer.loop.weights_biases import RUN_ID, check_wandb

KEYS = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_CONFIG_DIR", "NETRC")


class StandIn:
    """As much of the library as we use; each of its functions may fail."""

    def __init__(self, failing: str = "") -> None:
        self.begun: list[dict[str, Any]] = []
        self.told: list[int] = []
        self.failing = failing

    def init(self, **given: Any) -> "StandIn":
        self._fail("init")
        self.begun.append(given)
        return self

    def log(self, _numbers: dict[str, float], step: int) -> None:
        self._fail("log")
        self.told.append(step)

    def finish(self) -> None:
        self._fail("finish")

    def _fail(self, name: str) -> None:
        if name == self.failing:
            raise ConnectionError("the network\nis away")


def installed(monkeypatch: pytest.MonkeyPatch, failing: str = "") -> StandIn:
    found = StandIn(failing)
    stand_in: Any = SimpleNamespace(init=found.init)
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    monkeypatch.setattr("trainer.loop.weights_biases.find_spec", lambda _name: True)
    return found


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, no login, no file of anybody's."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)


def test_it_must_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.loop.weights_biases.find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"wandb = mine: not installed \(pip install wandb\)"):
        check_wandb(asked(tmp_path, wandb="mine"))
    check_wandb(asked(tmp_path))


def test_without_a_key_it_is_a_sentence_before_the_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in = installed(monkeypatch)
    small_trainings.write(tmp_path / "d.jsonl", small_trainings.rows(10))
    assert main(["train", "d.jsonl", "--out", "o", "--set", "wandb=mine"]) == 2
    err = capsys.readouterr().err
    assert err == (
        "gen train: wandb = mine: no key for it; run wandb login, set WANDB_API_KEY, or WANDB_MODE=offline\n"
    )
    assert not stand_in.begun
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("WANDB_API_KEY", "k"), ("WANDB_MODE", "offline"), ("WANDB_MODE", "disabled")]
)
def test_a_key_or_a_mode_without_one_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    installed(monkeypatch)
    monkeypatch.setenv(name, value)
    check_wandb(asked(tmp_path, wandb="mine"))


def test_a_login_and_what_its_command_left_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch)
    mine = asked(tmp_path, wandb="mine")
    login = tmp_path / "home" / ".netrc"
    login.write_text("machine elsewhere.com login user password k\n")
    login.chmod(0o600)
    with pytest.raises(UsageError, match="no key"):
        check_wandb(mine)
    login.write_text("machine api.wandb.ai login user password k\n")
    check_wandb(mine)
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.mine.org:8080")
    with pytest.raises(UsageError, match="no key"):
        check_wandb(mine)
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "settings").write_text("[default]\nmode = offline\n")
    check_wandb(mine)


@pytest.mark.parametrize("failing", ["init", "log", "finish"])
def test_what_fails_there_is_said_once_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    from trainer.loop.train import train

    installed(monkeypatch, failing)
    monkeypatch.setenv("WANDB_API_KEY", "k")
    said: list[str] = []
    assert train(small_trainings.toy(tmp_path, wandb="mine", max_steps=4), said.append)["steps"] == 4
    assert [line for line in said if "wandb" in line] == [
        "wandb: ConnectionError: the network; nothing more goes there"
    ]


def test_a_folder_keeps_its_run_and_no_other_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = installed(monkeypatch)
    monkeypatch.setenv("WANDB_API_KEY", "k")

    def told(place: str) -> None:
        with Log(asked(tmp_path / place, wandb="mine"), lambda _line: None) as log:
            log.write({"step": 1, "loss": 0.5})

    for place in ("a", "b", "a"):
        told(place)
    shutil.move(tmp_path / "a", tmp_path / "c")
    told("c")
    assert [one["name"] for one in stand_in.begun] == ["out"] * 4
    first, other, again, moved = (one["id"] for one in stand_in.begun)
    assert first == again == moved != other
    assert (tmp_path / "b" / "out" / RUN_ID).read_text().strip() == other
    assert stand_in.told == [1] * 4
