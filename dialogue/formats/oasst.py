"""`oasst`, OpenAssistant's message trees: {"message_tree_id", "prompt": {"text", "role", "replies": [...]}}.

Of a tree are read: the best path (the replies that people ranked first), all paths, or pairs: each turn with several
answers, these its candidates, the lower the rank the higher the score. A path ends with the last assistant's turn on
it. Flat rows that name their parents are put together as trees first (`whole`), in the order of the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

import orjson

from dialogue.fields import OURS, exchanges, made, weights_of
from dialogue.preferences import choice
from dialogue.records import Dialogue, Message, Role

suffix = ".jsonl"
about = "message trees: prompt with replies, or rows with parents"

Paths = Literal["best", "all", "pairs"]
PATHS = get_args(Paths)
_ROLES: dict[str, Role] = {"prompter": "user", "user": "user", "assistant": "assistant"}
_IDS = ("message_id", "user_message_id")
_PARENTS = ("parent_id", "parent_message_id")
_DEEPEST = 500

Node = Mapping[str, Any]


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like a tree, or a row of one."""
    tree = isinstance(fields.get("prompt"), dict) and "replies" in fields["prompt"]
    return tree or part(fields)


def part(fields: Mapping[str, Any]) -> bool:
    """Whether an object is one message of a tree."""
    return "text" in fields and "role" in fields and any(name in fields for name in (*_PARENTS, *_IDS))


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The best path of a tree; ValueError where there is none."""
    return next(several(fields, "best"))


def several(fields: Mapping[str, Any], paths: Paths) -> Iterator[Dialogue]:
    """The dialogues of a tree. ValueError where there is none, and for a single row of flat ones."""
    if part(fields):
        raise ValueError("one message of a tree; `gen convert` reads such files as a whole")
    root = _node(fields.get("prompt"), 1)
    found = {"best": _best, "all": _all, "pairs": _pairs}[paths](root)
    tree, language = fields.get("message_tree_id") or root.get("message_id"), root.get("lang")
    number = 0
    for messages in found:
        number += 1
        id = {} if not isinstance(tree, str) else {"id": tree if paths == "best" else f"{tree}-{number}"}
        extra = {"extra": {"message_tree_id": tree}} if paths != "best" and id else {}
        yield made(messages, id, (), language=language if isinstance(language, str) else None, **extra)
    if not number and paths != "pairs":
        raise ValueError("no assistant's turn in the tree")


def _node(value: object, depth: int) -> Node:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or value.get("role") not in tuple(_ROLES):
        raise ValueError(f"a message of depth {depth}: expected `text` and `role` ({', '.join(_ROLES)})")
    if _ROLES[value["role"]] != ("assistant", "user")[depth % 2]:
        raise ValueError(f"a message of depth {depth} is the {value['role']}'s; prompter and assistant take turns")
    if depth > _DEEPEST:
        raise ValueError(f"deeper than {_DEEPEST} messages")
    return value


def _replies(node: Node, depth: int) -> list[Node]:
    """The replies that were not deleted, the first ranked first."""
    given = node.get("replies") or []
    if not isinstance(given, list):
        raise ValueError(f"replies of a message of depth {depth}: expected a list")
    found = [_node(one, depth + 1) for one in given]
    return sorted((one for one in found if one.get("deleted") is not True), key=_rank)


def _rank(node: Node) -> float:
    rank = node.get("rank")
    return rank if isinstance(rank, int | float) and not isinstance(rank, bool) else float("inf")


def _message(node: Node) -> Message:
    return Message(role=_ROLES[node["role"]], content=node["text"])


def _best(root: Node) -> Iterator[list[Message]]:
    path, node = [_message(root)], root
    while replies := _replies(node, len(path)):
        node = replies[0]
        path.append(_message(node))
    if path := _answered(path):
        yield path


def _all(root: Node) -> Iterator[list[Message]]:
    told: set[tuple[str, ...]] = set()
    for path in _paths(root, []):
        answered = _answered(path)
        key = tuple(message.content for message in answered)
        if answered and key not in told:
            told.add(key)
            yield answered


def _paths(node: Node, before: list[Message]) -> Iterator[list[Message]]:
    path = [*before, _message(node)]
    replies = _replies(node, len(path))
    if not replies:
        yield path
    for reply in replies:
        yield from _paths(reply, path)


def _answered(path: list[Message]) -> list[Message]:
    return path if path[-1].role == "assistant" else path[:-1]


def _pairs(root: Node) -> Iterator[list[Message]]:
    left: list[tuple[Node, list[Message]]] = [(root, [])]
    while left:
        node, before = left.pop(0)
        path = [*before, _message(node)]
        replies = _replies(node, len(path))
        if node["role"] != "assistant" and len(replies) > 1:
            ranked = any(_rank(one) != float("inf") for one in replies)
            scores = [-place if ranked else None for place in range(len(replies))]
            answers = [{"content": one["text"], "score": score} for one, score in zip(replies, scores, strict=True)]
            yield [*path, choice(answers)]
        left += [(reply, path) for reply in replies]


def whole(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
) -> tuple[list[tuple[str, Mapping[str, Any]]], list[tuple[str, str]]]:
    """Trees from flat rows, each with the place of its first message; and what is in none of them, with the reason.

    A message whose parent is not there begins a tree of its own. All are held at once: a parent may stand anywhere.
    """
    nodes: dict[str, tuple[str, dict[str, Any]]] = {}
    refused = []
    for number, (place, row) in enumerate(rows):
        id = next((str(row[name]) for name in _IDS if row.get(name) is not None), f"row {number}")
        if id in nodes:
            refused.append((place, f"a second message with the id {id}"))
        else:
            nodes[id] = (place, {**row, "replies": []})
    roots, below = [], {id: list[str]() for id in nodes}
    for id, (_, node) in nodes.items():
        parent = next((str(node[name]) for name in _PARENTS if node.get(name) is not None), None)
        if parent is None or parent not in nodes:
            roots.append(id)
        else:
            nodes[parent][1]["replies"].append(node)
            below[parent].append(id)
    left, reached = list(roots), set[str]()
    while left:
        id = left.pop()
        reached.add(id)
        left += below[id]
    refused += [(place, "its parents lead round in a circle") for id, (place, _) in nodes.items() if id not in reached]
    trees: list[tuple[str, Mapping[str, Any]]] = [
        (nodes[id][0], {"message_tree_id": id, "prompt": nodes[id][1]}) for id in roots
    ]
    return trees, refused


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a tree of one path. ValueError where turns do not alternate."""
    texts = [message.content for one in exchanges(dialogue, "oasst") for message in one]
    node: dict[str, Any] | None = None
    for place in reversed(range(len(texts))):
        role = ("prompter", "assistant")[place % 2]
        own = {"message_id": f"{dialogue.id}-{place}", "text": texts[place], "role": role}
        node = {**own, "replies": [node] if node else []}
    return orjson.dumps({"message_tree_id": dialogue.id, "prompt": node}, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = [OURS]
    if any(message.role not in ("user", "assistant") for message in dialogue.messages):
        lost.append("system and tool messages")
    if any(message.thoughts for message in dialogue.messages):
        lost.append("thoughts")
    return [*lost, *weights_of(dialogue)]
