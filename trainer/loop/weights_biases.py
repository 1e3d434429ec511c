"""Weights & Biases, where it is asked for: looked at before a training begins, and never the end of one.

The run's id lies in the training's folder, so that a training that goes on does so in the same run, here or elsewhere.
"""

import configparser
import netrc
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from trainer.nets.foreign import first_line
from trainer.settings import TrainSettings

RUN_ID = "wandb-run-id.txt"
SERVER = "https://api.wandb.ai"
ALONE = ("offline", "disabled", "dryrun")
"""Modes that need nobody's key."""


def check_wandb(settings: TrainSettings) -> None:
    """UsageError where W&B is asked for and not installed, or would ask for a key that is not there."""
    if settings.wandb is None:
        return
    if find_spec("wandb") is None:
        raise UsageError(f"wandb = {settings.wandb}: not installed (pip install wandb); or leave it out")
    if _mode() not in ALONE and not _has_key():
        raise UsageError(
            f"wandb = {settings.wandb}: no key for it; run wandb login, set WANDB_API_KEY, or WANDB_MODE=offline"
        )


class WeightsBiases:
    """A run there; what fails is said once, and from then on nothing more is sent."""

    def __init__(self, settings: TrainSettings, said: Callable[[str], None]) -> None:
        self._said = said
        self._run: Any = None
        self._try(lambda: self._begin(settings))

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """The numbers of a step."""
        self._try(lambda: self._run and self._run.log(dict(numbers), step=step))

    def finish(self) -> None:
        """Nothing more comes."""
        self._try(lambda: self._run and self._run.finish())

    def _begin(self, settings: TrainSettings) -> None:
        self._run = import_module("wandb").init(
            project=settings.wandb,
            dir=str(settings.out),
            name=settings.out.resolve().name,
            id=_run_id(settings.out),
            resume="allow",
            config=settings.as_asked(),
        )

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # of the network or of W&B's own: no training is to end by it
            self._run = None
            self._said(f"wandb: {type(error).__name__}: {first_line(error)}; nothing more goes there")


def _run_id(out: Path) -> str:
    """The id of the folder's run, made the first time."""
    path = out / RUN_ID
    if not path.is_file():
        write_atomically(path, [f"{secrets.token_hex(8)}\n".encode()])
    return path.read_text(encoding="utf-8").strip()


def _mode() -> str:
    """As the environment has it, or `wandb offline` left it."""
    if (named := os.environ.get("WANDB_MODE")) is not None:
        return named.strip().lower()
    folder = os.environ.get("WANDB_CONFIG_DIR") or str(Path("~/.config/wandb").expanduser())
    found = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, UnicodeDecodeError):
        found.read([Path(folder) / "settings", Path("wandb") / "settings"], encoding="utf-8")
    return found.get("default", "mode", fallback="online").strip().lower()


def _has_key() -> bool:
    """Whether the environment or a netrc, where `wandb login` writes it, has one."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", SERVER)).hostname or ""
    named = os.environ.get("NETRC")
    for path in [Path(named)] if named else [Path("~/.netrc").expanduser(), Path("~/_netrc").expanduser()]:
        try:
            if netrc.netrc(path).authenticators(host) is not None:
                return True
        except FileNotFoundError:
            continue
        except (OSError, netrc.NetrcParseError):
            return True  # there is one that only W&B can make something of
    return False
