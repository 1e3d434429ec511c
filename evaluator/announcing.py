"""What is about to be asked and what it may cost; and what looks odd in the answers."""

from collections.abc import Callable, Sequence

from dialogue.records import Usage
from evaluator.answering import Wanted
from evaluator.calls import Lookup
from evaluator.judging import Asked
from evaluator.protocol import Judge
from evaluator.records import Item
from generator.asking import Speaker, Terms
from generator.client.chat import Sampling
from generator.client.endpoint import Price
from generator.client.prices import cost
from generator.client.tokens import Counter

ANSWER_TOKENS, VERDICT_TOKENS = 400, 200
"""Expected of an answer and of a reply with its reasons, before there is one."""
SAME, FEW = 0.2, 5
"""The share of questions that may have one and the same answer, and how many answers it takes to say so."""


def answer_tokens(speaker: Speaker, open_ones: Sequence[Wanted]) -> tuple[int, int, int]:
    """Requests, prompt tokens and completion tokens of answers that are still to be asked; histories grow by turns."""
    counter = Counter(speaker.endpoint.model)
    turns = sum(len(one.turns) for one in open_ones)
    prompt = sum(counter.count(turn) * (len(one.turns) - at) for one in open_ones for at, turn in enumerate(one.turns))
    history = sum(ANSWER_TOKENS * (len(one.turns) * (len(one.turns) - 1) // 2) for one in open_ones)
    return turns, prompt + history, turns * ANSWER_TOKENS


def call_tokens(
    speaker: Speaker, open_ones: Sequence[Asked], sampling: Callable[[Judge], Sampling]
) -> tuple[int, int, int]:
    """The same of judge calls."""
    counter = Counter(speaker.endpoint.model)
    prompt = sum(counter.count(message["content"]) for one in open_ones for message in one.messages)
    most = (sampling(one.call.judge).max_tokens or VERDICT_TOKENS for one in open_ones)
    return len(open_ones), prompt, sum(min(VERDICT_TOKENS, longest) for longest in most)


def announced(
    name: str, speaker: Speaker, price: Price | None, terms: Terms, requests: int, prompt: int, completion: int
) -> str:
    """A line for one role."""
    usd = cost(price, Usage(requests=requests, prompt_tokens=prompt, completion_tokens=completion))
    return (
        f"{name}: {speaker.endpoint.model or 'the only model'} at {speaker.endpoint.name}, {requests:,} requests, "
        f"about {prompt:,} tokens in and {completion:,} out"
        + (", at an unknown price" if usd is None else f", ${usd:,.4f}")
        + (f" of at most ${terms.max_cost_usd:g}" if terms.max_cost_usd is not None else "")
    )


def sameness(systems: Sequence[str], items: Sequence[Item], lookup: Lookup) -> list[str]:
    """Systems that answer many different questions with one text: such an answer can game a judge."""
    found = []
    for system in systems:
        texts = [answer.turns for item in items if (answer := lookup(system, item)) is not None and answer.turns]
        if len(texts) < FEW:
            continue
        most = max(texts.count(text) for text in set(texts))
        if most / len(texts) > SAME:
            found.append(f"{system}: gave one and the same answer to {most:,} of {len(texts):,} questions")
    return found
