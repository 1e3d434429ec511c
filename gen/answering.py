"""A file of prompts answered: JSONL or plain lines in, JSONL of dialogues out, gone on with where it was left."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from dialogue.chance import hash64
from dialogue.disk import stopped
from dialogue.errors import UsageError
from dialogue.jsonl import objects, write_atomically
from dialogue.lock import take_file
from dialogue.records import Dialogue, Failure, Message, Usage, content_id, encode, one_line
from gen.progress import Progress
from generator.client.endpoint import LOCAL, Endpoint
from generator.client.local import identified
from trainer.serving.engine import PromptTooLong, Reply, Sampling
from trainer.serving.loading import Loaded
from trainer.serving.voice import BadMessages


class Asked(NamedTuple):
    """One prompt of the file."""

    line: int
    id: str
    messages: tuple[Message, ...]


class Summary(NamedTuple):
    """What came of a file of prompts."""

    answered: int
    """In this call."""
    before: int
    """In earlier calls."""
    failed: int
    out: Path


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
    failures: list[Failure] = []
    open_ones = [one for one in asked if one.id not in done]

    def asks() -> Iterator[tuple[int, list[int], Sampling]]:
        for place, one in enumerate(open_ones):
            try:
                ids = loaded.voice.prompt(one.messages)
                loaded.engine.check(ids)
            except (PromptTooLong, BadMessages) as error:
                failures.append(
                    Failure(id=one.id, stage="answer", reason="bad_request", detail=str(error), messages=one.messages)
                )
                continue
            yield place, ids, sampling.model_copy(update={"seed": hash64("answer", seed, one.id) >> 1})

    answered = 0
    try:
        with Progress("prompts") as progress, out.open("ab") as file:
            for place, reply in loaded.engine.replies(asks()):
                file.write(encode(_dialogue(open_ones[place], reply, loaded.name)))
                file.flush()
                answered += 1
                progress.show("answering", answered + len(failures), len(open_ones))
        write_atomically(Path(f"{out}.failures.jsonl"), map(encode, failures))
        _in_order(out, asked)
    except OSError as error:
        raise stopped(error, out) from None
    return Summary(answered, len(asked) - len(open_ones), len(failures), out)


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


def _dialogue(asked: Asked, reply: Reply, model: str) -> Dialogue:
    said = Message(role="assistant", content=reply.text, finish_reason=reply.finish_reason, model=model)
    usage = Usage(requests=1, prompt_tokens=reply.prompt_tokens, completion_tokens=len(reply.ids))
    return Dialogue(id=asked.id, messages=(*asked.messages, said), assistant_model=model, usage={"assistant": usage})


def read_prompts(path: Path, system: str | None = None) -> Iterator[Asked]:
    """The prompts of a file: objects with `messages`, or with `prompt` or `opener`, or plain lines; `id` if they like.

    Raises UsageError with `path:line` for a line that is none of these, and for an id that stands twice, and for a
    file without a prompt.
    """
    seen: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    found = _asked(line, number, system, f"--prompts {path}:{number}")
                    if found.id in seen:
                        raise UsageError(
                            f"--prompts {path}:{number}: id {found.id!r} stands in line {seen[found.id]} already; "
                            "each prompt must stand once"
                        )
                    seen[found.id] = number
                    yield found
    except OSError as error:
        raise UsageError(f"--prompts {path}: {error.strerror}") from None
    if not seen:
        raise UsageError(
            f"--prompts {path}: holds no prompt; expected JSONL with `messages` or `prompt`, or plain lines"
        )


def _asked(line: bytes, number: int, system: str | None, place: str) -> Asked:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
        if number == 1 and _opens_array(text):
            raise UsageError(f"{place}: a JSON array; expected one prompt a line: JSONL, or plain lines")
        row: Any = orjson.loads(text) if text.lstrip().startswith("{") else {"prompt": text}
        messages = row.get("messages")
        if messages is None:
            if not row.keys() & {"prompt", "opener"}:
                raise UsageError(f"{place}: an object without `messages` or `prompt`")
            said = next((row[name] for name in ("prompt", "opener") if name in row), None)
            messages = [{"role": "user", "content": said}]
        found = tuple(Message.model_validate(message) for message in messages)
    except ValidationError as error:
        raise UsageError(f"{place}: {one_line(error)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{place}: not UTF-8") from None
    except (ValueError, TypeError) as error:
        raise UsageError(f"{place}: {error}") from None
    if not found or found[-1].role == "assistant":
        raise UsageError(f"{place}: there is nothing to answer; the last message must be the user's")
    if system is not None and found[0].role != "system":
        found = (Message(role="system", content=system), *found)
    return Asked(number, str(row["id"]) if row.get("id") is not None else content_id(found), found)


def _opens_array(text: str) -> bool:
    """Whether a first line is one of a JSON array of objects; a prompt may well begin with a bracket."""
    return text.strip() == "[" or text.replace(" ", "").startswith("[{")


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
