"""The statistics of a corpus as one dict: counts of all its dialogues, costly figures of a sample of them."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from dialogue.consulting import consultation
from dialogue.errors import UsageError
from dialogue.reading import read
from dialogue.records import Dialogue
from evaluator.corpus.acceptance import acceptance
from evaluator.corpus.bounds import table
from evaluator.corpus.classifier import Spoken, Told, ready, told_apart
from evaluator.corpus.drawing import Groups, Reservoir
from evaluator.corpus.figure import Figure
from evaluator.corpus.resampling import Dialogues
from evaluator.corpus.sample import Sample
from evaluator.corpus.seen import Seen, Vocabulary, seen
from evaluator.corpus.sides import content, languages, lexical, likeness
from evaluator.corpus.tally import Tally, sizes
from evaluator.corpus.words import RULE, Count, tokenizer
from filters.engine.base import Drop
from filters.refusals import Refusals
from filters.repetition import Repetition

SAMPLE = 10_000
PUBLISHED = Path(__file__).with_name("published.toml")
Drawn = Iterator[tuple[Dialogue, str | None]]
"""Dialogues with the names of their groups."""
Show = Callable[[str, int, int], None]
"""Told how far it is: stage, done, of how many (0: nobody can say)."""
_BATCH = 256
_NOT_BY_GROUP = Told(Figure(None, 0, "AUC", why="told of the whole corpus alone"), [], [])


def corpus_stats(
    path: Path,
    *,
    sample: int = SAMPLE,
    by: str | None = None,
    tokens: str | None = None,
    against: Path | None = None,
    seed: int = 0,
    show: Show = lambda stage, done, total: None,
) -> dict[str, Any]:
    """The statistics; docs/stats.md says what each figure is. Raises UsageError, also where there is no dialogue.

    `tokens` names a tokenizer, `against` holds real dialogues. One pass, whose memory grows with `sample` alone but
    for 8 bytes a dialogue.
    """
    name, count = tokenizer(tokens) if tokens else (None, None)
    groups = Groups(by) if by else None
    real = _real(against, sample, seed) if against else None
    whole, parts, drawn = _read(path, count, groups, Reservoir(sample, seed), show)
    if not whole.dialogues:
        raise UsageError(f"{path}: no dialogue in it")
    looked = _Looked(keep=real is not None)
    for place, one in enumerate(looked.at(drawn), 1):
        show("looking closely", place, min(sample, whole.dialogues))
        looked.seen.append(one)
    show("figures", 0, 0)
    told = told_apart(looked.spoken, real, seed) if real is not None else None
    head = {
        "input": str(path),
        "rule": RULE,
        "tokenizer": name,
        "sample": {"dialogues": len(looked.seen), "of": whole.dialogues, "seed": seed},
    }
    report = head | _part(whole, looked.seen, seed, _summary(path), told)
    report["asked"] = {"dialogues": table().pass_least, "least": table().least}
    report["published"] = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    if groups is not None:
        found = {
            one: _group(part, one, looked.seen, seed, _NOT_BY_GROUP if told else None) for one, part in parts.items()
        }
        report |= {"by": by, "groups": dict(sorted(found.items(), key=lambda item: -item[1]["dialogues"]))}
    return report


def _read(
    path: Path, count: Count | None, groups: Groups | None, drawn: Reservoir[tuple[Dialogue, str | None]], show: Show
) -> tuple[Tally, dict[str, Tally], Drawn]:
    """All dialogues counted, the counts of each group, and the sample with the groups' names."""
    whole, parts = Tally(), dict[str, Tally]()
    for dialogue in read(path):
        found = sizes(dialogue, count)
        group = groups.name(dialogue) if groups else None
        for tally in (whole, *([parts.setdefault(group, Tally())] if group is not None else ())):
            tally.add(found)
        drawn.offer((dialogue, group))
        show("reading", whole.dialogues, 0)
    return whole, parts, drawn.drawn()


class _Looked:
    """The sample as it is looked at; with `keep` the user's texts stay."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self.seen: list[Seen] = []
        self.spoken: list[Spoken] = []
        self._vocabulary = Vocabulary()

    def at(self, drawn: Drawn) -> Iterator[Seen]:
        """Each dialogue as the figures see it, with what the filters of `gen filter` would say of it."""
        repetition, refusals = Repetition(), Refusals()
        while batch := list(islice(drawn, _BATCH)):
            again = repetition.verdicts([dialogue for dialogue, _ in batch])
            for (dialogue, group), verdict in zip(batch, again, strict=True):
                dropped = {
                    "repetition": isinstance(verdict.outcome, Drop),
                    "refusals": isinstance(refusals.apply(dialogue), Drop),
                    **_consulting(dialogue),
                }
                if self._keep:
                    self.spoken += spoken(dialogue)
                yield seen(dialogue, group, self._vocabulary, dropped)


def _consulting(dialogue: Dialogue) -> dict[str, bool]:
    """Whether questions were due before advice and were asked, and whether advice came (dialogue/consulting.py)."""
    found = consultation(dialogue)
    if found is None or not found.due:
        return {}
    return {"questions_due": True, "asked_first": found.asked_first, "came_to_advice": found.advised is not None}


def spoken(dialogue: Dialogue) -> list[Spoken]:
    """The user's turns."""
    return [Spoken(message.content, dialogue.id) for message in dialogue.messages if message.role == "user"]


def _real(path: Path, most: int, seed: int) -> list[Spoken]:
    """The turns of real users, of as many dialogues as are looked at of the corpus."""
    ready()
    held = Reservoir[Dialogue](most, seed)
    for dialogue in read(path):
        held.offer(dialogue)
    if not len(held):
        raise UsageError(f"--against {path}: no dialogue in it")
    return [turn for dialogue in held.drawn() for turn in spoken(dialogue)]


def _part(
    tally: Tally, found: Sequence[Seen], seed: int, summary: dict[str, Any] | None, told: Told | None
) -> dict[str, Any]:
    """Everything of all dialogues, or of a group."""
    sample = Sample(
        found, Dialogues(len(found), seed), tally.dialogues, tally.repeated_openers, summary, tally.follow_ups
    )
    part = tally.plain() | {
        "lexical": lexical(sample),
        **likeness(sample),
        "content": content(sample),
        "languages": languages(sample),
        "acceptance": acceptance(sample, told.auc) if told else acceptance(sample),
    }
    if told and told.auc.value is not None:
        part["words_that_tell"] = {"generated": told.generated, "real": told.real}
    return part


def _group(tally: Tally, name: str, found: Sequence[Seen], seed: int, told: Told | None) -> dict[str, Any]:
    """A group's part; of one that the sample holds nothing of, the counts alone."""
    own = [one for one in found if one.group == name]
    if not own:
        return tally.plain()
    part = _part(tally, own, seed, None, told)
    part["sample"] = {"dialogues": len(own), "of": tally.dialogues, "seed": seed}
    return part


def _summary(path: Path) -> dict[str, Any] | None:
    """What the run says of itself, where the path is a run's folder."""
    file = path / "summary.json"
    if not (path / "dialogues.jsonl").is_file() or not file.is_file():
        return None
    try:
        found = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{file}: not JSON ({error})") from None
    return found if isinstance(found, dict) else None
