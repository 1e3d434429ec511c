"""A file of prompts answered: JSONL or plain lines in, JSONL of dialogues out, gone on with where it was left."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from dialogue.disk import stopped
from dialogue.errors import UsageError
from dialogue.jsonl import objects, write_atomically
from dialogue.lock import take_file
from dialogue.records import encode
from gen.progress import Progress
from gen.prompt_files import Asked, read_prompts
from gen.talking import changes
from gen.talks import Talks
from generator.client.endpoint import LOCAL, Endpoint
from generator.client.local import identified
from trainer.serving.engine import Sampling
from trainer.serving.loading import Loaded, opened


class Summary(NamedTuple):
    """What came of a file of prompts."""

    answered: int
    """In this call."""
    before: int
    """In earlier calls."""
    failed: int
    out: Path


def answers(
    model: str | Path,
    prompts: str | Path,
    out: str | Path,
    *,
    system: str | None = None,
    seed: int = 0,
    device: str | None = None,
    dtype: str | None = None,
    max_batch: int = 64,
    **drawn: object,
) -> Summary:
    """Answer what is not answered yet of a file of prompts, which is read first, as `gen chat --prompts` does."""
    changed, asked = changes(drawn), list(read_prompts(Path(prompts), system))
    loaded = opened(model, device=device, dtype=dtype, max_batch=max_batch)
    if loaded.voice.speaker == "user":
        raise UsageError(
            f"--prompts {prompts}: {loaded.name} was taught the user's side (train_on = user) and answers nothing; "
            f"talk to it without --prompts, or let it play the user: gen run --trained-user local:{model}"
        )
    sampling = loaded.sampling.model_copy(update=changed)
    return answer_file(loaded, str(model), asked, Path(out), sampling, system=system, seed=seed)


def answer_file(
    loaded: Loaded, model: str, asked: Sequence[Asked], out: Path, sampling: Sampling, *, system: str | None, seed: int
) -> Summary:
    """Answer what is not answered yet of what `read_prompts` gives; in the end the answers stand in its order.

    `out`.json says what was asked, `out`.failures.jsonl what could not be answered.

    A reply's chance is drawn from `seed` and the prompt's id, so order and interruptions change nothing. Raises
    UsageError where `out` holds answers to another request, or another process is at work on it.
    """
    with take_file(out):
        return _answer(loaded, model, asked, out, sampling, system=system, seed=seed)


def _answer(
    loaded: Loaded, model: str, asked: Sequence[Asked], out: Path, sampling: Sampling, *, system: str | None, seed: int
) -> Summary:
    _same_request(out, model, sampling, system, seed)
    done = _answered(out)
    open_ones = [one for one in asked if one.id not in done]
    talks, answered = Talks(loaded, sampling, seed, open_ones), 0
    try:
        with Progress("prompts") as progress, out.open("ab") as file:
            for dialogue in talks.finished():
                file.write(encode(dialogue))
                file.flush()
                answered += 1
                progress.show("answering", answered + len(talks.failures), len(open_ones))
        write_atomically(Path(f"{out}.failures.jsonl"), map(encode, talks.failures))
        _in_order(out, asked)
    except OSError as error:
        raise stopped(error, out) from None
    return Summary(answered, len(asked) - len(open_ones), len(talks.failures), out)


def _in_order(out: Path, asked: Sequence[Asked]) -> None:
    """Put the answers, which come as they are ready, in the order of their prompts; those of other prompts last."""
    places = {one.id: place for place, one in enumerate(asked)}
    starts, at = list[tuple[int, int, int]](), 0
    with out.open("rb") as file:
        for line in file:
            place = places.get(str(orjson.loads(line).get("id")), len(places)) if line.strip() else len(places)
            starts.append((place, at, len(line)))
            at += len(line)
    if starts != sorted(starts):
        write_atomically(out, _lines_at(out, [(start, length) for _, start, length in sorted(starts)]))


def _lines_at(path: Path, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The lines at these places; the file is closed behind the last, as Windows replaces none that is open."""
    with path.open("rb") as file:
        for start, length in places:
            file.seek(start)
            yield file.read(length)


def _answered(out: Path) -> set[str]:
    """Ids that the file holds; a torn last line is cut off."""
    if not out.exists():
        return set()
    try:
        with out.open("rb+") as file:
            data = file.seek(0, 2)
            tail = b""
            while data and b"\n" not in tail:
                step = min(1 << 16, data)
                data -= step
                file.seek(data)
                tail = file.read(step) + tail
            file.truncate(data + tail.rfind(b"\n") + 1)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    return {str(row["id"]) for _, row in objects(out) if "id" in row}


def _same_request(out: Path, model: str, sampling: Sampling, system: str | None, seed: int) -> None:
    """Write what was asked beside the answers, or hold it against what is there."""
    name = identified(Endpoint(name="local", base_url=(f"{LOCAL}{model}",))).model
    request = {"model": name, "sampling": sampling.model_dump(mode="json"), "system": system, "seed": seed}
    request = json.loads(json.dumps(request))
    beside = Path(f"{out}.json")
    try:
        if out.exists() and beside.exists():
            try:
                before = json.loads(beside.read_bytes())
            except ValueError:
                raise UsageError(f"--out {out}: {beside.name} is damaged; choose another --out") from None
            then, now = dict(_leaves(before)), dict(_leaves(request))
            changed = [
                f"{name} was {json.dumps(then.get(name))}, is now {json.dumps(value)}"
                for name, value in now.items()
                if then.get(name) != value
            ]
            if changed:
                raise UsageError(
                    f"--out {out}: holds answers to another request ({'; '.join(changed)}); choose another --out"
                )
        elif out.exists() and out.stat().st_size:
            raise UsageError(
                f"--out {out}: there is no {beside.name} beside it, so it is not ours; choose another --out"
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(beside, [json.dumps(request, indent=2, ensure_ascii=False).encode() + b"\n"])
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
