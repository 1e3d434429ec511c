"""What the user brings: opening lines of their own, and system prompts."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import Field, ValidationError

from dialogue.chance import draw, hash64, share
from dialogue.errors import UsageError
from dialogue.records import Record, Seed, one_line
from prompts.brought import as_lines, by, lacking, text_of


def file_hash(path: Path, option: str) -> str:
    """A hash of the file's bytes. Raises UsageError, naming the option that brought it, where it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = blake2b(digest_size=8)
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    return digest.hexdigest()


def own_openers(path: Path) -> Iterator[tuple[str, Seed]]:
    """Text and seed of each opener, word for word: JSONL with `opener`, or plain lines."""
    for _, text, seed in _rows(path):
        yield text, seed


def check_openers(path: Path, n: int) -> set[str]:
    """The languages that its openers bring; UsageError where the file cannot give n openers, or gives one twice."""
    hashes, lines = array("Q"), array("Q")
    languages = set()
    for line, text, seed in _rows(path):
        if seed.language is not None:
            languages.add(seed.language)
        hashes.append(hash64(text, *_identity(seed)))
        lines.append(line)
    if len(hashes) < n:
        raise UsageError(f"--openers {path}: {len(hashes):,} openers, but --n is {n:,}")
    values = np.frombuffer(hashes, np.uint64)
    order = np.argsort(values, kind="stable")
    same = np.flatnonzero(values[order][1:] == values[order][:-1])
    if same.size:
        first, second = lines[int(order[same[0]])], lines[int(order[same[0] + 1])]
        raise UsageError(f"--openers {path}: line {second} repeats line {first}; each opener must stand once")
    return languages


def identity(text: str, seed: Seed) -> str:
    """What an own opener's id is made from."""
    return "\x1e".join((text, *_identity(seed)))


def _identity(seed: Seed) -> tuple[str, ...]:
    return tuple(str(getattr(seed, name)) for name in ("topic", "subtopic", "kind", "persona", "language", "material"))


def _rows(path: Path) -> Iterator[tuple[int, str, Seed]]:
    with by("--openers"):
        laid = as_lines(path)
    with path.open("rb") if laid is None else nullcontext(laid) as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip(b"\r\n")
            if line.strip():
                try:
                    yield number, *_row(line, number)
                except UnicodeDecodeError:
                    raise UsageError(f"--openers {path}:{number}: not UTF-8; save it as UTF-8") from None
                except ValueError as error:
                    raise UsageError(f"--openers {path}:{number}: {error}") from None


def _row(line: bytes, number: int) -> tuple[str, Seed]:
    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    if not text.startswith("{"):
        return text, Seed()
    fields = orjson.loads(text)
    opener = fields.pop("opener", None)
    if not isinstance(opener, str) or not opener.strip():
        raise lacking(fields, "no text under `opener`")
    if not isinstance(fields.get("extra", {}), dict):
        raise ValueError(f"extra: {str(fields['extra'])[:40]!r} is no JSON object")
    known = {name: value for name, value in fields.items() if name in Seed.model_fields and name != "extra"}
    extra = {name: value for name, value in fields.items() if name not in Seed.model_fields}
    try:
        return opener, Seed(**known, extra={**fields.get("extra", {}), **extra})
    except ValidationError as error:
        raise ValueError(one_line(error)) from None


class SystemPrompt(Record):
    """One line of a --system file: JSONL with `system` (null or "" for none) and, if wanted, `weight`."""

    system: str | None
    weight: float = Field(default=1.0, gt=0)


def system_prompts(path: Path) -> list[SystemPrompt]:
    """The system prompts of a file: JSONL, or one a line."""
    lines = text_of(path, "--system").split("\n")
    found: list[SystemPrompt] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(
                    SystemPrompt.model_validate(orjson.loads(line) if line.startswith("{") else {"system": line})
                )
            except ValidationError as error:
                raise UsageError(f"--system {path}:{number}: {one_line(error)}") from None
            except orjson.JSONDecodeError as error:
                raise UsageError(f"--system {path}:{number}: not JSON ({error})") from None
    if not found:
        raise UsageError(f"--system {path}: empty, expected one system prompt a line")
    return found


def system_for(prompts: Sequence[SystemPrompt], *key: object) -> str | None:
    """The system prompt drawn for a dialogue."""
    if not prompts:
        return None
    weights: Mapping[str, Any] = {str(number): prompt.weight for number, prompt in enumerate(prompts)}
    return prompts[int(draw(weights, share(*key, "system")))].system or None
