"""Dotted paths into a record: what stands there, and which no record can have."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from dialogue.records import Dialogue, Message, Record, Seed

_RECORDS: dict[str, type[Record]] = {"": Dialogue, "seed": Seed, "messages": Message}
ABSENT = object()


def value_at(dialogue: Dialogue, path: str) -> object:
    """What stands at a dotted path of the record; a sentinel of its own where nothing does."""
    value: object = dialogue
    for part in path.split("."):
        if isinstance(value, Record):
            value = getattr(value, part, ABSENT)
        elif isinstance(value, Mapping):
            value = value.get(part, ABSENT)
        elif isinstance(value, Sequence) and not isinstance(value, str) and _is_index(part):
            place = int(part)
            value = value[place] if -len(value) <= place < len(value) else ABSENT
        else:
            return ABSENT
    return value


def check_path(path: str) -> None:
    """Raise ValueError for a path that no record can have."""
    first, _, rest = path.partition(".")
    _known(first, _RECORDS[""], path)
    second, _, third = rest.partition(".")
    if first == "seed" and second:
        _known(second, _RECORDS["seed"], path)
    if first == "messages" and second:
        if not _is_index(second):
            raise ValueError(f"field {path!r}: messages go by number, as messages.0 or messages.-1")
        if third:
            _known(third.split(".")[0], _RECORDS["messages"], path)


def _known(name: str, record: type[Record], path: str) -> None:
    fields = list(record.model_fields)
    if name not in fields:
        near = get_close_matches(name, fields, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(fields)}"
        raise ValueError(f"field {path!r}: a {record.__name__} has no {name!r}; {hint}")


def _is_index(part: str) -> bool:
    return part.removeprefix("-").isdecimal()
