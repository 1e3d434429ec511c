"""A judge on loopback that reads its prompt, knows what each answer is worth, and leans as it is told to.

Answers say what they are worth ("worth 6"). A share `first` of the verdicts goes to whatever stands first, a share
`longer` to what is longer; of single answers each doubling of the length brings `slope` points; a share `refuse` of all
calls is refused, and a share `garble` is unreadable. All draws come from the prompt, so a resumed run meets the same
judge.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from faulty import Answer, completion

from dialogue.chance import share

REFUSAL = "I'm sorry, but I can't assist with that."
_PART = re.compile(r"\[([^|\]\n]+) \| ([0-9a-f]{8})\]\n(.*?)\n\[end of \1 \| \2\]", re.DOTALL)
_WORTH = re.compile(r"worth (\d+(?:\.\d+)?)")
_ANSWERS = ("output of", "assistant", "answer", "system", "conversation")


@dataclass(frozen=True)
class Text:
    worth: float
    length: int


@dataclass(frozen=True)
class BiasedJudge:
    """One judge for one protocol."""

    protocol: str
    first: float = 0.0
    longer: float = 0.0
    slope: float = 0.0
    refuse: float = 0.0
    garble: float = 0.0
    schema: bool = False
    """Whether it answers in the schema, where it was given one."""

    def __call__(self, number: int, body: dict[str, Any]) -> Answer:
        prompt = "\n".join(message["content"] for message in body["messages"])
        draw = (prompt, body.get("seed"))
        if share("refuse", *draw) < self.refuse:
            return self._answer(REFUSAL, 0.5)
        if share("garble", *draw) < self.garble:
            return self._answer("Both have their merits, as so often.", None)
        texts = shown(prompt)
        if len(texts) == 1:
            return self._single(texts[0], body)
        return self._several(texts, draw, body)

    def _single(self, text: Text, body: dict[str, Any]) -> Answer:
        score = text.worth + self.slope * math.log2(max(1, text.length))
        match self.protocol:
            case "mt_bench" | "coherence":
                score = round(min(10, max(1, score)), 2)
                if self.schema and "response_format" in body:
                    return self._answer(json.dumps({"explanation": "so", "rating": score}), None)
                return self._answer(f"It answers the question.\n\nRating: [[{score}]]", None)
            case "belle":
                return self._answer(f"回答正确。\n得分:{min(1.0, max(0.0, score / 10)):.3f}", None)
            case "dreamergpt":
                return self._answer(f"System 1: {min(10, max(0, score)):.2f}; good", None)
            case _:
                return self._answer(f"It does what was asked. [RESULT] {min(5, max(1, round(score / 2)))}", None)

    def _several(self, texts: list[Text], draw: tuple[Any, ...], body: dict[str, Any]) -> Answer:
        worth = [text.worth for text in texts]
        lean = share("lean", *draw)
        if lean < self.first:
            worth = [10.0] + [min(one, 9.0) for one in worth[1:]]
        elif lean < self.first + self.longer:
            longest = max(text.length for text in texts)
            worth = [9.5 if text.length == longest else min(text.worth, 9.0) for text in texts]
        if self.protocol == "dreamergpt":
            lines = [f"System {place}: {value:g}; so" for place, value in enumerate(worth, 1)]
            return self._answer("\n".join(lines), None)
        a, b = worth
        return self._pair(a, b)

    def _pair(self, a: float, b: float) -> Answer:
        better = "A" if a > b else "B" if b > a else "="
        match self.protocol:
            case "alpaca_eval_1":
                ranks = (1, 2) if a >= b else (2, 1)
                return self._answer(
                    str([{"model": f"model_{n}", "rank": rank} for n, rank in enumerate(ranks, 1)]), None
                )
            case "alpaca_eval_2":
                return self._answer("m" if a >= b else "M", 0.999 if a > b else 0.001 if b > a else 0.5)
            case "mt_bench_pair":
                return self._answer(f"Compared. [[{better.replace('=', 'C')}]]", None)
            case "arena_hard":
                label = {"A": "A>B", "B": "B>A", "=": "A=B"}[better]
                return self._answer(f"My own answer. Compared. My final verdict is: [[{label}]]", None)
            case "vicuna_bench" | "evol_instruct":
                return self._answer(f"{a:g} {b:g}\nThe first is so, the second so.", None)
            case "openchat":
                return self._answer(f"They differ.\n[{a:g}, {b:g}]", None)
            case _:
                lines = f"Score of the Assistant 1: {a:g}\nScore of the Assistant 2: {b:g}"
                return self._answer(f"Evaluation evidence: so\n{lines}", None)

    def _answer(self, text: str, first: float | None) -> Answer:
        found = completion(text)
        found["model"] = "biased-1"
        if self.protocol == "alpaca_eval_2" and first is not None and text != REFUSAL:
            odds = [{"token": "m", "logprob": math.log(first)}, {"token": "M", "logprob": math.log(1 - first)}]
            found["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": odds}]}
        return Answer(json.dumps(found).encode())


def shown(prompt: str) -> list[Text]:
    """The answers in a judge's prompt, in their order; of several turns the last counts."""
    found: dict[str, Text] = {}
    for title, _, text in _PART.findall(prompt):
        name = title.split(",")[0]
        if title.startswith(_ANSWERS) and ", user" not in title:
            worth = _WORTH.search(text)
            before = found.get(name)
            found[name] = Text(float(worth[1]) if worth else 0.0, len(text) + (before.length if before else 0))
    return list(found.values())
