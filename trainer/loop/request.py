"""What a training folder was asked for, kept beside its result, and never mixed with another request."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xxhash import xxh3_64

from dialogue.disk import writing_to
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from trainer.batches.sources import Source, sides
from trainer.loop.checkpoint import REQUEST, checkpoints
from trainer.loop.dated import NAME as DATED
from trainer.loop.model_files import template_text
from trainer.loop.weights_biases import RUN_ID
from trainer.nets.adapter_files import HOLDS, held_after
from trainer.nets.names import adapter_config, base_of, resolve
from trainer.settings import TrainSettings

NAME = REQUEST
MODEL = "model"
DATA = "data"
TOKENIZER = "tokenizer"
"""Of a model from scratch, fitted to its data."""
WRITTEN = ("summary.json", "log.jsonl", "checkpoints", MODEL, "tensorboard", DATA, TOKENIZER)
PACKAGES = ("duologue", "torch", "transformers", "tokenizers", "peft")


def claim(settings: TrainSettings, sources: list[Source]) -> None:
    """Note the request in the folder; UsageError, with the difference, where the folder holds another one's.

    A request that came to nothing, not to one checkpoint, gives way to the next: its data was wrong, or its model, or
    a step took more memory than there was.
    """
    data, validation = ([{"path": str(one.path), "sha256": one.digest} for one in side] for side in sides(sources))
    wanted = {
        "asked": settings.as_asked(),
        "data": data,
        "validation": validation,
        "template": template_text(settings.template),
        "weights": _weights(settings.model),
    }
    path = settings.out / NAME
    if not path.exists():
        _refuse_others(settings.out)
    else:
        held = read_request(settings.out)
        try:
            _compare(held, wanted, settings.out)
        except UsageError:
            if begun(settings.out):
                raise
            shutil.rmtree(settings.out / TOKENIZER, ignore_errors=True)  # it was fitted to that request's data
            (settings.out / DATED).unlink(missing_ok=True)  # and this was of that request's model
            (settings.out / RUN_ID).unlink(missing_ok=True)  # and that request's log went under this
        else:
            return
    about = {**wanted, HOLDS: held_after(settings.model), "versions": {name: _version(name) for name in PACKAGES}}
    with writing_to(path):
        settings.out.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"])


def read_request(out: Path) -> dict[str, Any]:
    """What the folder was asked for. UsageError where its train.json is torn, or another program's."""
    path = out / NAME
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        sound = isinstance(found["asked"], dict) and all(isinstance(one["sha256"], str) for one in found["data"])
        if not sound or not isinstance(found["template"], str | None):
            raise ValueError("of another shape")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not what a training was asked for ({error!r}); name another --out") from None
    return found


def missing(folder: Path) -> list[Path]:
    """The folder and those above it that are not there, from below."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


@contextmanager
def fresh(out: Path, new: Sequence[Path]) -> Iterator[None]:
    """Within the block, in a folder that is ours alone, a wrong request leaves nothing of what was `missing` before."""
    try:
        yield
    except UsageError:
        if new and not begun(out) and not (out / DATA).exists():  # what was encoded may have taken hours
            shutil.rmtree(out, ignore_errors=True)
            with suppress(OSError):  # somebody else has begun to use one of them
                for above in new[1:]:
                    above.rmdir()
        raise


def begun(out: Path) -> bool:
    """Whether a training has left anything in the folder that another request would mix with."""
    return bool(checkpoints(out)) or (out / MODEL).exists()


def _refuse_others(out: Path) -> None:
    """UsageError for the folder of a run, a filter or anything else whose files a training would overwrite."""
    held = next((name for name in WRITTEN if (out / name).exists()), None)
    if held is not None:
        raise UsageError(f"--out {out}: holds {held}, and is no training's folder; name another one")


def _compare(found: dict[str, Any], wanted: dict[str, Any], out: Path) -> None:
    then, now = found["asked"], json.loads(json.dumps(wanted["asked"]))
    files = {"data": "a training on other data"}
    if all(isinstance(asked.get("validation"), list) for asked in (then, now)):
        files["validation"] = "a training that was validated on other data"
    for name, other in files.items():  # whatever they are called, and wherever they lie
        if _digests(found, name) != _digests(wanted, name):
            raise UsageError(f"--out {out}: holds {other}; name another folder")
    plain = json.loads(json.dumps(TrainSettings(data=(), out=out).as_asked()))
    then = plain | then  # a setting that came later: it was asked without, which is the default
    for name in sorted({*then, *now} - {*files}):
        if then.get(name) != now.get(name):
            raise UsageError(
                f"--out {out}: was asked with {name} = {then.get(name)!r}, now {now.get(name)!r}; name another folder"
            )
    if found.get("weights") not in (None, wanted["weights"]):
        raise UsageError(f"--out {out}: the weights of {now['model']} have changed since; name another folder")
    if found["template"] != wanted["template"]:
        raise UsageError(f"--out {out}: the template {now['template']} has changed since; name another folder")


def _digests(request: dict[str, Any], name: str) -> list[str]:
    return [one["sha256"] for one in request.get(name, [])]


def _weights(model: str | None) -> str | None:
    """A hash of the weights that a training starts from, those under an adapter too; None where they lie elsewhere.

    UsageError where a folder has none: said here, before hours of data are encoded.
    """
    if model is None:
        return None
    place = resolve(model)
    adapter = adapter_config(place)
    found, folders = xxh3_64(), [place] if adapter is None else [place, base_of(place, adapter)]
    if not all(Path(folder).is_dir() for folder in folders):
        return None
    for folder in folders:
        files = sorted(Path(folder).glob("*.safetensors"))
        if not files:
            raise UsageError(f"model {folder}: holds no weights in safetensors, and no others are read; fetch them")
        for path in files:
            with path.open("rb") as file:
                while chunk := file.read(1 << 22):
                    found.update(chunk)
    return found.hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
