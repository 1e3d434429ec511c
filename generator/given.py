"""Dialogues that a sector takes up: read from --input in any layout, in their order, those that are of no use told.

One that cannot be carried on or answered is passed over and counted by its reason; the counts are said before the
first request and stand in run.json. A row that is no dialogue at all is an error with its line (dialogue/formats).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import JsonValue

from dialogue.chance import draw, hash64, hex64, share
from dialogue.conversion.rows import files
from dialogue.errors import UsageError
from dialogue.languages import language_of
from dialogue.reading import read
from dialogue.records import Dialogue, Message, Record, Seed, content_id
from generator.own import file_hash
from generator.settings import RunSettings
from prompts.loader import Prompts
from prompts.names import code_of
from prompts.sector import Sector, Taken

TOLD_BY = 2000
"""Characters of the user's by which the language is told."""


class Given(Record):
    """What a dialogue of the user's brings to the one that is made of it."""

    before: tuple[Message, ...]
    """What stands, word for word."""
    later: tuple[str, ...] = ()
    """The user's further messages, where they are asked for again."""
    answers: tuple[dict[str, JsonValue], ...] = ()
    """Answers to the last message of `before` that are there already, where they are compared with others."""


class Usable(Record):
    """A dialogue that is taken up."""

    id: str
    """What the new dialogue's id is made from: all that was said."""
    given: Given
    seed: Seed


def hash_of(path: Path) -> str:
    """A hash of all that a path stands for. Raises UsageError where it cannot be read."""
    try:
        found = [file_hash(file, "--input") for file in files(path)]
    except UsageError as error:
        raise UsageError(str(error) if str(error).startswith("--input") else f"--input {error}") from None
    return found[0] if len(found) == 1 else hex64(*found)


def usable(settings: RunSettings, prompts: Prompts, takes: Taken, refused: Counter[str]) -> Iterator[Usable]:
    """The dialogues that can be taken up, in the file's order; `refused` counts the others by reason."""
    path, seen = settings.input, set[int]()
    assert path is not None
    try:
        for dialogue in read(path, whole=True):
            id = content_id(dialogue.messages)
            trouble = _trouble(dialogue, takes) or ("the same as an earlier one" if hash64(id) in seen else None)
            if trouble:
                refused[trouble] += 1
                continue
            seen.add(hash64(id))
            language = _language(prompts, dialogue) or draw(settings.language, share(settings.seed, id, "language"))
            yield Usable(id=id, given=_given(dialogue, takes), seed=_seed(dialogue, takes, language))
    except UsageError as error:
        raise UsageError(f"--input {error}") from None


class Taking(Record):
    """What a look through the whole file found."""

    languages: frozenset[str]
    note: str | None
    """What is passed over, and what is missing in the others, to be told; None where nothing is."""


def look_through(settings: RunSettings, prompts: Prompts, sector: Sector) -> Taking | None:
    """Raise UsageError where the file cannot give n dialogues; None where the sector takes none up."""
    if sector.takes is None:
        return None
    refused: Counter[str] = Counter()
    count, bare, languages = 0, 0, set()
    for one in usable(settings, prompts, sector.takes, refused):
        count += 1
        bare += bool(one.seed.extra.get("sources")) and one.given.before[0].role != "system"
        languages.add(str(one.seed.language))
    rest = "; ".join(f"{number:,}: {reason}" for reason, number in refused.most_common())
    if count < settings.n:
        why = f" (passed over {rest})" if rest else ""
        raise UsageError(f"--input {settings.input}: {count:,} dialogues to take up, but --n is {settings.n:,}{why}")
    notes = [f"{refused.total():,} dialogues are passed over ({rest})"] if rest else []
    if bare:
        notes.append(
            f"{bare:,} dialogues are those of a field's assistant whose page and sources are not in them: answers will "
            "know nothing of either (keep_notes = true on the page keeps both)"
        )
    note = f"--input {settings.input}: {'; '.join(notes)}" if notes else None
    return Taking(languages=frozenset(languages), note=note)


def _trouble(dialogue: Dialogue, takes: Taken) -> str | None:
    """Why a dialogue cannot be taken up."""
    said = _turns(dialogue.messages)
    if any(message.role not in ("user", "assistant") for message in said):
        return "tools or system messages within"
    if any(message.role != ("user", "assistant")[place % 2] for place, message in enumerate(said)) or not said:
        return "the two do not speak in turn, the user first"
    if any(not message.content.strip() for message in said):
        return "a message without words"
    if takes == "continue" and said[-1].role == "assistant":
        ending = said[-1].finish_reason
        if ending in ("length", "refusal") or dialogue.stop in ("max_tokens", "refused"):
            return "the last answer was cut or refused"
    return None


def _turns(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages without the system message before them."""
    return messages[1:] if messages[0].role == "system" else messages


def _given(dialogue: Dialogue, takes: Taken) -> Given:
    messages, said = dialogue.messages, _turns(dialogue.messages)
    head = messages[: len(messages) - len(said)]
    if takes == "continue":
        return Given(before=messages)
    if takes == "reanswer":
        later = tuple(message.content for message in said[2:] if message.role == "user")
        return Given(before=(*head, said[0]), later=later)
    last = said[-1]
    if last.role == "user":
        return Given(before=messages)
    return Given(before=messages[:-1], answers=tuple(_answers(last, dialogue.assistant_model)))


def _answers(last: Message, model: str | None) -> Iterator[dict[str, JsonValue]]:
    """The answers that are there: all candidates but those that were cut or refused, or what was said."""
    found = [one for one in last.candidates or [] if isinstance(one, dict) and isinstance(one.get("content"), str)]
    found = [one for one in found if one.get("finish_reason") not in ("length", "refusal")]
    for one in found or [{"content": last.content, "model": last.model or model}]:
        yield {name: value for name, value in one.items() if value is not None}


def _seed(dialogue: Dialogue, takes: Taken, language: str) -> Seed:
    """The dialogue's own seed, marked with where it comes from."""
    source: dict[str, JsonValue] = {
        "id": dialogue.id,
        "sector": dialogue.sector,
        "messages": len(dialogue.messages),
        "assistant_model": dialogue.assistant_model,
    }
    extra = {**dialogue.seed.extra, "taken": takes, "source": source}
    return dialogue.seed.model_copy(update={"language": language, "extra": extra})


def _language(prompts: Prompts, dialogue: Dialogue) -> str | None:
    """The language that the dialogue says it is in, else the one that its user's words are surely in."""
    stated = dialogue.seed.language or dialogue.seed.extra.get("language")
    if isinstance(stated, str) and (code := code_of(prompts, stated)):
        return code
    text = " ".join(message.content for message in dialogue.messages if message.role == "user")
    found = language_of(text[:TOLD_BY])
    return code_of(prompts, found) if found else None
