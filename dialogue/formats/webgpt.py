"""`webgpt`, WebGPT's comparisons, Koala's data: {"question", "answer_0", "score_0", "answer_1", "score_1"}."""

from collections.abc import Mapping
from typing import Any

import orjson

from dialogue.fields import candidates, made, one_exchange, plain_losses, said, turns
from dialogue.preferences import best, choice, score_of
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "question, answer_0, score_0, answer_1, score_1"


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    return "question" in fields and "answer_0" in fields and "answer_1" in fields


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The question with both answers as candidates, the better one as the answer. ValueError where there is none."""
    asked = fields.get("question")
    question = said(asked, "full_text") if isinstance(asked, dict) else said(fields, "question")
    answers = [{"content": said(fields, f"answer_{one}"), "score": score_of(fields, f"score_{one}")} for one in (0, 1)]
    (user,) = turns(question)
    used = ("question", *(f"{name}_{one}" for name in ("answer", "score") for one in (0, 1)))
    extra = {"extra": {"question": asked}} if isinstance(asked, dict) else {}
    return made([user, choice(answers)], fields, used, **extra)


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has other than one exchange, of two scored candidates."""
    user, _ = one_exchange(dialogue, "webgpt", "chosen_rejected")
    answers = candidates(dialogue, "webgpt")
    if len(answers) > 2:
        raise ValueError(f"{len(answers)} candidates; webgpt holds two")
    fields: dict[str, Any] = {"id": dialogue.id, "question": user.content}
    for place, one in enumerate(answers):
        fields |= {f"answer_{place}": one["content"], f"score_{place}": one.get("score")}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    lost = plain_losses(dialogue, candidates=True)
    more = any(set(one) - {"content", "score"} for one in candidates(dialogue, "webgpt", 0))
    return [*lost, *(["what else is said of candidates"] if more or best(dialogue) is None else [])]
