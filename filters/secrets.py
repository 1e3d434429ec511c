"""Secrets and personal data, known by their shape: addresses, numbers with check digits, keys. Masked, or dropped.

What stands in documentation on purpose is spared: example.com, 555 numbers, test cards (`privacy/known.toml`). Neither
evidence nor notes hold a secret, only its kind, its place and the masked text around it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import JsonValue

from dialogue.records import Dialogue, Record, Seed
from filters.engine.base import Drop, Filter, Verdict
from filters.engine.messages import CLIPPED
from filters.privacy.shapes import KINDS, Found, Kind, find, mask

_FIELDS = ("content", "thoughts", "tool_calls", "candidates")


class Secrets(Filter):
    """Puts `<email>`, `<card>` ... in place of secrets, or drops the dialogue; the reason of a drop is the kind.

    Looked through are contents, thoughts, tool calls, candidates and the seed, so that a masked record holds the secret
    nowhere. A note tells how many of a kind were masked in a message; where it names none, in the seed.
    """

    edits: ClassVar[bool] = True

    act: Literal["mask", "drop"] = "mask"
    """Mask, or drop the dialogue. What is found stands mostly in texts that users paste, in 4 % of UltraChat's
    dialogues, and nothing else is wrong with them: hence mask."""
    kinds: tuple[Kind, ...] = KINDS
    """What is looked for; of two that overlap, the one named first. `ip`, for public addresses, is not among the
    defaults: version 10.4.2.1 looks like one. Spared is what documentation shows on purpose: e-mail at domains that
    stand for any, whoever is named before the @ (jane.doe@example.com, me@yourcompany.com), 555 numbers, the cards
    that networks publish for tests (5425 2334 3010 9903), the IBANs of the registry's examples (DE89 3704 0044 0532
    0130 00), keys with `example` or `your` in them; filters/privacy/known.toml has them all."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, masked where something was found, or Drop."""
        return self._verdict(dialogue).outcome

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts with a note for each kind in each message that was masked."""
        yield from map(self._verdict, dialogues)

    def details(
        self, dropped: Iterable[tuple[str, Drop]], notes: Iterable[dict[str, JsonValue]], sample: Sequence[Dialogue]
    ) -> dict[str, JsonValue]:
        """How many secrets of each kind were masked."""
        masked: Counter[str] = Counter()
        for note in notes:
            masked[str(note["kind"])] += int(str(note["count"]))
        return {"masked": dict(sorted(masked.items()))}

    def _verdict(self, dialogue: Dialogue) -> Verdict:
        hits = [(index, text, found) for index, text in _texts(dialogue) if (found := find(text, self.kinds))]
        if not hits:
            return Verdict(dialogue)
        if self.act == "drop":
            index, text, (first, *_) = hits[0]
            return Verdict(Drop(first.kind, self._evidence(index, text, first)))
        counts = Counter((index, secret.kind) for index, _, found in hits for secret in found)
        notes = [_note(index, kind, count) for (index, kind), count in counts.items()]
        return Verdict(_masked(dialogue, self.kinds), notes=notes)

    def _evidence(self, index: int | None, text: str, found: Found) -> dict[str, JsonValue]:
        middle = len(mask(text[: found.start], self.kinds))
        shown = mask(text, self.kinds)[max(0, middle - CLIPPED // 2) :][:CLIPPED]
        return {"message": index, "at": found.start, "length": found.end - found.start, "text": shown}


def _note(index: int | None, kind: Kind, count: int) -> dict[str, JsonValue]:
    return {"message": index, "kind": kind, "count": count}


def _texts(dialogue: Dialogue) -> Iterator[tuple[int | None, str]]:
    """Every text of the record that can hold a secret, with its message's number; None in the seed."""
    for index, message in enumerate(dialogue.messages):
        yield index, message.content
        if message.thoughts or message.tool_calls or message.candidates:
            for name in _FIELDS[1:]:
                yield from ((index, text) for text in _strings(getattr(message, name)))
    for value in dialogue.seed.__dict__.values():
        yield from ((None, text) for text in _strings(value))


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _masked(dialogue: Dialogue, kinds: Sequence[Kind]) -> Dialogue:
    messages = tuple(_copy(message, _FIELDS, kinds) for message in dialogue.messages)
    return dialogue.model_copy(
        update={"messages": messages, "seed": _copy(dialogue.seed, tuple(Seed.model_fields), kinds)}
    )


def _copy(record: Record, names: Sequence[str], kinds: Sequence[Kind]) -> Record:
    return record.model_copy(update={name: _masked_json(getattr(record, name), kinds) for name in names})


def _masked_json(value: JsonValue, kinds: Sequence[Kind]) -> JsonValue:
    if isinstance(value, str):
        return mask(value, kinds)
    if isinstance(value, list):
        return [_masked_json(inner, kinds) for inner in value]
    if isinstance(value, dict):
        return {name: _masked_json(inner, kinds) for name, inner in value.items()}
    return value
