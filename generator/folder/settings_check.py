"""run.json and its like: what was asked for, and the refusal to mix another request into the folder."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from generator.folder.openerlog import any_list

LISTS = "lists.jsonl"
_SHOWN = 3
_ABSENT = "(not set)"


def check_settings(
    folder: Path, settings: Mapping[str, Any], facts: Mapping[str, Any], logs: Iterable[str], kind: str = "run"
) -> str:
    """The run's hash, after run.json was written, or found to be of the same request.

    `kind` is what was asked for, and names the file: another command's is another one.

    `settings` are the request, all of them: what may differ from call to call is kept out of them. Facts (versions,
    addresses) are kept, not compared: those of earlier calls stay under `earlier_facts` where they differ. UsageError
    for another request, showing up to three of the differing keys, and for a folder that holds any of `logs` without
    a run.json.
    """
    path = folder / f"{kind}.json"
    new = {"settings": _plain(settings), "facts": _plain(facts), "earlier_facts": []}
    new["run"] = run_hash(new["settings"])
    old = refuse_another(folder, settings, logs, kind)
    if old is not None:
        new["run"] = old["run"]
        changed = [old["facts"]] if old["facts"] != new["facts"] else []
        new["earlier_facts"] = old["earlier_facts"] + changed
    if new != _read(path, kind):
        write_atomically(path, [orjson.dumps(new, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])
    return str(new["run"])


def refuse_another(
    folder: Path, settings: Mapping[str, Any], logs: Iterable[str], kind: str = "run"
) -> dict[str, Any] | None:
    """What run.json says of the same request; None where nothing was made yet. Writes nothing.

    Raises UsageError as `check_settings` does.
    """
    old = _read(folder / f"{kind}.json", kind)
    if old is None:
        _refuse_strangers(folder, logs, kind)
        return None
    if _untouched(folder, logs):
        return None  # nothing was made with the old request: a mended setting needs no other folder
    _refuse_another_request(folder, old["settings"], _plain(settings), kind)
    return old


def run_hash(settings: Mapping[str, Any]) -> str:
    """16 hex digits over all settings."""
    return hex64(orjson.dumps(dict(_flat(settings)), option=orjson.OPT_SORT_KEYS).decode())


def _plain(value: Mapping[str, Any]) -> Any:
    """The value as JSON gives it back, so that a tuple equals the list that it becomes."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _read(path: Path, kind: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(path.read_bytes())
        return {key: found[key] for key in ("settings", "facts", "earlier_facts", "run")}
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise UsageError(f"--out {path.parent}: is a file, or lies in one; name a folder") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); choose another --out") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not the settings of a {kind} ({error!r}); choose another --out") from None


def _untouched(folder: Path, logs: Iterable[str]) -> bool:
    return not any(_holds(folder / name) for name in logs)


def _holds(path: Path) -> bool:
    """Whether something was made that is in the file; replies that were no list were paid for, and bind nobody."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    return path.name != LISTS or any_list(path)


def _refuse_strangers(folder: Path, logs: Iterable[str], kind: str) -> None:
    for name in logs:
        if (folder / name).exists():
            raise UsageError(
                f"{folder}: holds {name} but no {kind}.json, so it is no {kind}'s folder; choose another --out"
            )


def _refuse_another_request(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> None:
    before, now = dict(_flat(old)), dict(_flat(new))
    keys = [key for key in sorted(before | now) if before.get(key, _ABSENT) != now.get(key, _ABSENT)]
    if not keys:
        return
    shown = [f"{key} was {_show(before, key)}, is now {_show(now, key)}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    raise UsageError(
        f"{folder}: holds {_article(kind)} with other settings: {'; '.join(shown + more)}; choose another --out"
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _show(settings: Mapping[str, Any], key: str) -> str:
    return orjson.dumps(settings[key]).decode()[:80] if key in settings else _ABSENT


def _article(kind: str) -> str:
    return "an evaluation" if kind == "evaluate" else f"a {kind}"
