"""Which questions a report needs: candidates to a judge, items to a rephraser; and what asking them may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialogue.likeness import words
from dialogue.records import Usage
from filters.leaks.benchmark import Benchmark, Item
from filters.leaks.self_test import items_to_plant, text_of
from gen.judging.answers import ATTEMPTS, FAILED, UNREADABLE, Answers
from gen.judging.kinds import Kind, Question, RoleName, rewording_question, verdict_question
from gen.leak_corpus import Corpus
from generator.asking import Speaker
from generator.client.endpoint import Price
from generator.client.prices import cost
from generator.client.tokens import Counter
from prompts.loader import Prompts

SHORTEST_REPHRASED, LONGEST_REPHRASED = 8, 800
"""Words of an item that is given to the rephraser: shorter ones cannot be told in other words."""
VERDICT_TOKENS = 60
"""Expected of a verdict with its reason."""


@dataclass
class Questions:
    """The questions of one report."""

    prompts: Prompts
    kinds: Mapping[RoleName, Kind]
    speakers: Mapping[RoleName, Speaker]
    answers: Mapping[RoleName, Answers]
    all: list[Question] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)
    """The key of the question about a pair of item and text."""

    def judge(self, corpus: Corpus, items: Mapping[tuple[str, str], Item]) -> None:
        """Add a question for each of the candidates that are most alike."""
        if "judge" not in self.kinds:
            return
        kind, model = self.kinds["judge"], self.speakers["judge"].endpoint.model
        for id, hit, pair in corpus.chosen():
            item = items[hit["benchmark"], hit["item"]]
            about = {"benchmark": item.benchmark, "item": item.id, "id": id, "message": hit["message"]}
            question = verdict_question(kind, self.prompts, model, item, hit["text"], about)
            self.pairs[pair] = question.key
            self.all.append(question)

    def rephrase(self, benchmarks: Sequence[Benchmark], n: int, seed: int) -> None:
        """Add a question for each of the items that the self-test plants."""
        if "rephrase" not in self.kinds:
            return
        kind, model = self.kinds["rephrase"], self.speakers["rephrase"].endpoint.model
        for item in reworded(benchmarks, n, seed):
            self.all.append(rewording_question(kind, self.prompts, model, item, text_of(item)))

    @property
    def open(self) -> list[Question]:
        """Those that have no answer yet."""
        return [one for one in self.all if self.answers[one.kind.role].settled(one.key) is None]

    def verdict(self, pair: str) -> tuple[str, str | None] | None:
        """Word and reason that the judge has given on a pair; None where it was not asked, or has not answered."""
        line = self.answers["judge"].by_key.get(self.pairs[pair]) if pair in self.pairs else None
        return None if line is None else (line["verdict"], line.get("reason"))

    def rewordings(self) -> dict[tuple[str, str], str]:
        """Items in other words."""
        lines = (self.answers[one.kind.role].settled(one.key) for one in self.all if one.kind.role == "rephrase")
        found = (line for line in lines if line is not None and line["outcome"] == "rephrased")
        return {(str(line["benchmark"]), str(line["item"])): str(line["text"]) for line in found}

    def counts(self, role: RoleName) -> dict[str, int]:
        """How many questions of a role ended how; "open" ones were not answered yet."""
        counts = {"questions": 0}
        for question in self.all:
            if question.kind.role != role:
                continue
            line = self.answers[role].by_key.get(question.key)
            end = "open" if line is None or _to_come(line, question) else str(line[question.kind.field])
            counts["questions"] += 1
            counts[end] = counts.get(end, 0) + 1
        return counts


def _to_come(line: Mapping[str, object], question: Question) -> bool:
    attempt = line["attempt"]
    return line[question.kind.field] == UNREADABLE and isinstance(attempt, int) and attempt < ATTEMPTS


def troubled(counts: Mapping[str, int]) -> int:
    """Questions that have got no answer and will get none by themselves."""
    return counts.get(UNREADABLE, 0) + counts.get(FAILED, 0)


def reworded(benchmarks: Sequence[Benchmark], n: int, seed: int) -> list[Item]:
    """Of the items that the self-test plants, those of a length that can be told in other words."""
    items = items_to_plant(benchmarks, n, seed)
    return [item for item in items if SHORTEST_REPHRASED <= len(words(text_of(item))) <= LONGEST_REPHRASED]


def announced(
    questions: Questions, open: Sequence[Question], prices: Mapping[str, Price | None], cap: float | None
) -> list[str]:
    """What is about to be asked, and at what cost, in a line for each role."""
    lines = []
    for role, speaker in questions.speakers.items():
        counter = Counter(speaker.endpoint.model)
        mine = [question for question in open if question.kind.role == role]
        tokens = sum(counter.count(question.prompt) for question in mine)
        out = VERDICT_TOKENS * len(mine) if role == "judge" else sum(counter.count(one.source) for one in mine)
        price = prices[role]
        usd = cost(price, Usage(requests=len(mine), prompt_tokens=tokens, completion_tokens=out))
        before = questions.counts(role)["questions"] - len(mine)
        lines.append(
            f"{role}: {speaker.endpoint.model or 'the only model'} at {speaker.endpoint.name}, {len(mine):,} questions"
            + (f" ({before:,} answered before)" if before else "")
            + f", about {tokens:,} tokens in and {out:,} out"
            + (", at an unknown price" if usd is None else f", ${usd:,.4f}")
            + (f" of at most ${cap:g}" if cap is not None else "")
        )
    return lines
