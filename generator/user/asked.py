"""Which of the facts held back a question is after, as far as its words tell."""

from collections import Counter
from collections.abc import Sequence

from dialogue.consulting import questions
from dialogue.likeness import words
from generator.user.goals import Fact


def asked_for(held: Sequence[Fact], answer: str) -> Fact:
    """The fact that shares the most telling words with the questions in the answer; the first where none shares any.

    A word tells the more, the fewer of the facts have it: "how" and "is" stand in the wording of nearly all.
    """
    asked = set(words(" ".join(questions(answer))))
    texts = [set(words(f"{fact.ask or ''} {fact.text}")) for fact in held]
    counts = Counter(word for text in texts for word in text)
    near = [
        sum(1 / counts[word] for word in text & asked if counts[word] < len(held) or len(held) == 1) for text in texts
    ]
    return held[near.index(max(near))]
