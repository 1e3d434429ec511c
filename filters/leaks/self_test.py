"""How much of a leak would have been missed: items planted into dialogues of this very corpus, and looked for.

Every kind of leak is planted with the same items into the same hosts, so that kinds can be compared. A plant counts as
found by a rule where a hit in the planted message names the item, or one with an equal text.

    {"hosts": 200, "items": 200, "benchmarks": {"gsm8k": 100, ...}, "seed": 0,
     "kinds": [{"kind": "edited_25", "planted": 200, "line": "of 200 leaks ...", "found": [ROW, ...]}, ...],
     "unplanted": {"hosts": 200, "found": [ROW, ...]}}
    ROW = {"by": "certain", "found": 84, "misnamed": 2, "share": 0.42, "low": 0.3537, "high": 0.4892}

The first two rows are tiers, the others rules; `low` to `high` is Wilson's 95 % interval; `misnamed` are plants for
which other items alone were named. The rows of `unplanted` tell on how many hosts a rule fires with nothing planted.
"""

import heapq
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from typing import NamedTuple

from pydantic import JsonValue

from dialogue.chance import hash64, rng
from dialogue.likeness import words
from dialogue.records import Dialogue, Message, Role
from filters.leaks.benchmark import Benchmark, Item
from filters.leaks.index import Index
from filters.leaks.plants import KINDS, vocabulary
from filters.leaks.scan import Hit, scan

CERTAIN, EITHER = "certain", "certain or candidate"
PLANTS = 200
"""Of each kind: enough for an interval of 0.07 to either side, at the worst."""

_SAID = {
    "verbatim": "word for word",
    "case_and_punctuation": "in other case and punctuation",
    "edited_10": "with a tenth of the words changed",
    "edited_25": "with a quarter of the words changed",
    "truncated": "cut after the first half",
    "rephrased": "rewritten by a model",
}
_Z = 1.959964  # of a 95 % interval


class Plant(NamedTuple):
    """A dialogue with an item in it."""

    dialogue: Dialogue
    messages: range
    """Which of its messages were planted."""
    item: Item


class Fired(NamedTuple):
    """By what a plant was found: names of rules and tiers."""

    named: frozenset[str]
    """By hits that name its item or an equal one."""
    other: frozenset[str]
    """By hits in the planted messages that name another item."""


def self_test(
    index: Index,
    dialogues: Iterable[Dialogue],
    *,
    plants_per_kind: int = PLANTS,
    seed: int = 0,
    rephrased: Mapping[tuple[str, str], str] | None = None,
) -> dict[str, JsonValue]:
    """The recall of each rule on leaks planted into a sample of the dialogues, as shown above.

    `rephrased` gives rewritten texts by (benchmark, item id), such as a model's for `items_to_plant`; only then are
    there leaks of that kind. Without a dialogue nothing is planted.
    """
    hosts = sample(dialogues, plants_per_kind, seed)
    items = items_to_plant(index.benchmarks, plants_per_kind, seed) if hosts else []
    planted = _planted(hosts, items, seed)
    if hosts and rephrased:
        items_of = {_key(item): item for one in index.benchmarks for item in one.items}
        planted["rephrased"] = _all_into(
            hosts, [(items_of[key], text) for key, text in sorted(rephrased.items()) if key in items_of], seed
        )
    names = (CERTAIN, EITHER, *(rule.name for rule in index.rules))
    return {
        "hosts": len(hosts),
        "items": len(items),
        "benchmarks": {one.name: sum(item.benchmark == one.name for item in items) for one in index.benchmarks},
        "seed": seed,
        "kinds": [_told(name, fired(index, plants), names) for name, plants in planted.items()],
        "unplanted": {"hosts": len(hosts), "found": _rows(unplanted(index, hosts), names)},
    }


def sample(dialogues: Iterable[Dialogue], size: int, seed: int = 0) -> list[Dialogue]:
    """The dialogues whose ids have the smallest hashes: the same in whatever order they come.

    Only `size` dialogues are held at once, and a sample of samples is a sample of the whole.
    """
    return heapq.nsmallest(size, dialogues, key=lambda dialogue: hash64("self-test host", seed, dialogue.id))


def items_to_plant(benchmarks: Sequence[Benchmark], count: int, seed: int = 0) -> list[Item]:
    """So many items with a text, as many of each benchmark as of any other as far as it has them."""
    drawn = [
        heapq.nsmallest(count, filter(text_of, one.items), lambda item: hash64("self-test item", seed, *_key(item)))
        for one in benchmarks
    ]
    return list(islice((item for row in zip_longest(*drawn) for item in row if item is not None), count))


def text_of(item: Item) -> str:
    """What stands in a dialogue into which the item leaked: its passage and its first question; "" without a word."""
    text = "\n\n".join((*([item.passage] if item.passage else []), *item.question[:1]))
    return text if words(text) else ""


def plant(host: Dialogue, contents: Sequence[str], chance: random.Random) -> tuple[Dialogue, range]:
    """The host with messages of user and assistant by turns put in before one of its user's, or at the end."""
    roles: Sequence[Role] = ("user", "assistant")
    new = tuple(Message(role=roles[place % 2], content=content) for place, content in enumerate(contents))
    places = [place for place, message in enumerate(host.messages) if message.role == "user"]
    at = chance.choice([*places, len(host.messages)])
    messages = (*host.messages[:at], *new, *host.messages[at:])
    return host.model_copy(update={"messages": messages}), range(at, at + len(new))


def fired(index: Index, plants: Sequence[Plant]) -> list[Fired]:
    """By what each plant is found."""
    texts = {_key(item): _wording(item) for one in index.benchmarks for item in one.items}
    found = []
    for one, hits in zip(plants, scan(index, [one.dialogue for one in plants]), strict=True):
        inside = [hit for hit in hits if hit.message in one.messages]
        right = [hit for hit in inside if texts[hit.benchmark, hit.item] == _wording(one.item)]
        named = _names(right)
        found.append(Fired(named, _names(inside) - named))
    return found


def unplanted(index: Index, hosts: Sequence[Dialogue]) -> list[Fired]:
    """By what anything is found in dialogues as they are."""
    return [Fired(_names(hits), frozenset()) for hits in scan(index, hosts)]


def wilson(found: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (1927); (0, 1) where nothing was tried."""
    if not of:
        return 0.0, 1.0
    share, z2 = found / of, _Z**2 / of
    centre, half = share + z2 / 2, _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of))
    return max(0.0, (centre - half) / (1 + z2)), min(1.0, (centre + half) / (1 + z2))


def _planted(hosts: Sequence[Dialogue], items: Sequence[Item], seed: int) -> dict[str, list[Plant]]:
    spoken = vocabulary(message.content for host in hosts for message in host.messages)
    planted = {}
    for name, kind in KINDS.items():
        texts = [(item, text_of(item), rng(seed, name, *_key(item))) for item in items]
        leaks = [(item, kind(text, chance, spoken.of(text))) for item, text, chance in texts]
        planted[name] = _all_into(hosts, leaks, seed)
    return planted


def _all_into(hosts: Sequence[Dialogue], leaks: Sequence[tuple[Item, str]], seed: int) -> list[Plant]:
    plants = []
    for number, (item, text) in enumerate(leaks):
        dialogue, messages = plant(hosts[number % len(hosts)], [text], rng(seed, "place", *_key(item)))
        plants.append(Plant(dialogue, messages, item))
    return plants


def _key(item: Item) -> tuple[str, str]:
    return item.benchmark, item.id


def _wording(item: Item) -> str:
    return " ".join(words(text_of(item)))


def _names(hits: Iterable[Hit]) -> frozenset[str]:
    """The rules and tiers of the hits."""
    fired = list(hits)
    tiers = {CERTAIN for hit in fired if hit.tier == "certain"} | {EITHER for _ in fired[:1]}
    return frozenset(tiers.union(*(hit.rules for hit in fired)))


def _told(kind: str, plants: Sequence[Fired], names: Sequence[str]) -> JsonValue:
    """One entry of `kinds`."""
    of = len(plants)
    removed, either = (sum(name in one.named for one in plants) for name in (CERTAIN, EITHER))
    line = (
        f"of {of} leaks {_SAID[kind]}, {removed} were removed, {either - removed} more would be shown to a judge, "
        f"{of - either} missed"
    )
    return {"kind": kind, "planted": of, "line": line, "found": _rows(plants, names)}


def _rows(tried: Sequence[Fired], names: Sequence[str]) -> list[JsonValue]:
    rows: list[JsonValue] = []
    for name in names:
        found = sum(name in one.named for one in tried)
        low, high = wilson(found, len(tried))
        rows.append(
            {
                "by": name,
                "found": found,
                "misnamed": sum(name in one.other for one in tried),
                "share": round(found / len(tried), 4) if tried else None,
                "low": round(low, 4),
                "high": round(high, 4),
            }
        )
    return rows
