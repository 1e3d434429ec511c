"""What a training tells as it goes: log.jsonl always, TensorBoard where it is installed, W&B where it is asked for.

A line for a look at the training: step, loss, lr, grad_norm, tokens, tokens_per_s, mfu, eval_loss, samples ...
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from dialogue.disk import stopped
from dialogue.jsonl import objects, write_atomically
from trainer.loop.weights_biases import WeightsBiases, check_wandb
from trainer.settings import TrainSettings

NAME = "log.jsonl"


class Log:
    """The log of a training. Nothing is written before the first entry, so that ranks without one leave no trace.

    The first entry takes the place of all that an earlier process told of its step and later ones: a training that
    goes on from a checkpoint tells them again.
    """

    def __init__(self, settings: TrainSettings, said: Callable[[str], None]) -> None:
        """UsageError where W&B is asked for and cannot be had; what fails there later is said."""
        self._said = said
        self._settings = settings
        self._file: IO[bytes] | None = None
        self._board: Any = None
        self._wandb: WeightsBiases | None = None
        check_wandb(settings)

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            with suppress(OSError):  # a disk that is full has been told of
                self._board.close()
        if self._wandb is not None:
            self._wandb.finish()

    def write(self, entry: Mapping[str, Any]) -> None:
        """One line, on the way to the disk when this returns. RunStopped where the disk is full."""
        path = self._settings.out / NAME
        try:
            if self._file is None:
                self._open(path, int(entry["step"]))
            assert self._file is not None
            self._file.write(orjson.dumps(dict(entry), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY))
            self._file.flush()
            numbers = {name: one for name, one in entry.items() if isinstance(one, int | float) and name != "step"}
            for name, value in numbers.items() if self._board is not None else ():
                self._board.add_scalar(name, value, int(entry["step"]))
        except OSError as error:  # of the board's thread too, one entry late
            raise stopped(error, path) from None
        if self._wandb is not None:
            self._wandb.log(numbers, step=int(entry["step"]))

    def _open(self, path: Path, step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = [line for _, line in objects(path) if line.get("step", 0) < step] if path.exists() else []
        write_atomically(path, (orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in before))
        self._file = path.open("ab")
        with suppress(ImportError):  # torch's writer is there only with tensorboard itself
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(path.parent / "tensorboard"), purge_step=step)
        if self._settings.wandb is not None:
            self._wandb = WeightsBiases(self._settings, self._said)
