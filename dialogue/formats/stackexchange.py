"""`stackexchange`: {"qid", "question", "answers": [{"text", "pm_score", "selected", ...}]}.

Where an answer has votes in place of a score, it is StackLLaMA's: round(log2(1 + upvotes)), 1 more if it was accepted,
-1 where the votes are negative (huggingface.co/blog/stackllama; Askell et al. 2021, arXiv 2112.00861).
"""

from collections.abc import Mapping
from math import log2
from typing import Any

import orjson

from dialogue.fields import candidates, made, one_exchange, plain_losses, said, turns
from dialogue.preferences import choice, others, score_of, theirs
from dialogue.records import Dialogue

suffix = ".jsonl"
about = "question, answers with votes or pm_score"

_VOTES = ("upvotes", "votes", "score")
_ACCEPTED = ("selected", "accepted", "is_accepted")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object looks like this format."""
    answers = fields.get("answers")
    first = answers[0] if isinstance(answers, list) and answers else None
    return "question" in fields and isinstance(first, dict) and bool({"pm_score", *_VOTES} & set(first))


def score(upvotes: float, accepted: bool) -> int:
    """StackLLaMA's score of an answer."""
    return -1 if upvotes < 0 else round(log2(1 + upvotes)) + accepted


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The question with all answers as candidates, the best scored one as its answer; ValueError without."""
    answers = fields.get("answers")
    if not isinstance(answers, list) or not answers or not all(isinstance(one, dict) for one in answers):
        raise ValueError("answers: expected a list of objects that is not empty")
    (user,) = turns(said(fields, "question"))
    found = made([user, choice([_candidate(one) for one in answers])], fields, ("question", "answers", "qid"))
    return (
        found.model_copy(update={"id": str(fields["qid"])})
        if fields.get("qid") is not None and "id" not in fields
        else found
    )


def _candidate(answer: Mapping[str, Any]) -> dict[str, Any]:
    votes = next((name for name in _VOTES if name in answer), "upvotes")
    given, upvotes = score_of(answer, "pm_score"), score_of(answer, votes)
    accepted = any(answer.get(name) is True for name in _ACCEPTED)
    if given is None and upvotes is not None:
        given = score(upvotes, accepted)
    told = "text" if "text" in answer else "answer"
    more = others(answer, (told, "pm_score", "score"))
    more |= {"votes": upvotes} if votes == "score" and upvotes is not None else {}
    return {"content": said(answer, told), "score": given, **more}


def to_line(dialogue: Dialogue) -> bytes:
    """The dialogue as a line. ValueError where it has more than one exchange, or no scored candidates."""
    user, _ = one_exchange(dialogue, "stackexchange", "chosen_rejected")
    answers = []
    for one in candidates(dialogue, "stackexchange", 1):
        if one.get("score") is None:
            raise ValueError("a candidate has no score; stackexchange's answers have one")
        answers.append({**theirs(one), "text": one["content"], "pm_score": one["score"]})
    fields = {"qid": dialogue.id, "question": user.content, "answers": answers}
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def losses(dialogue: Dialogue) -> list[str]:
    """What the format cannot hold of a dialogue."""
    return plain_losses(dialogue, candidates=True)
