"""Audit: what became of the dialogues on their way to examples; it opens every run, so that nothing is lost unsaid."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

_TOOLS = "no list of tools is written; name in a system message what the assistant may call"
_MENDS = {
    "chat_template_kwargs": "all is written by one template, with thoughts as the settings say",
    "system_prompt": "as `system` it would be the first message",
}
"""What to do where a column that a chat template would read is not followed."""


@dataclass
class Audit:
    """Counts; two of them add up."""

    dialogues: int = 0
    """Dialogues looked at."""
    examples: int = 0
    tokens: int = 0
    """Of all examples."""
    taught: int = 0
    """Tokens that are learned: those with a label and a predecessor."""
    weight: float = 0.0
    """The sum of their weights."""
    longest: int = 0
    """Tokens of the longest example."""
    split: int = 0
    """Dialogues that became several examples because they were too long."""
    cut: int = 0
    """Rounds too long even alone, of which the user's words lost their front or the answer its end."""
    dropped_tokens: int = 0
    """Tokens of those cuts, and of history that had to be left out before a turn (thoughts = per_turn)."""
    repeated_tokens: int = 0
    """Tokens read more than once: system messages of later pieces, history before each turn."""
    special_typed: int = 0
    """Dialogues whose words held a control token's text; it was encoded as plain text."""
    unlearned: int = 0
    """Answers of weight 0: read, not learned."""
    unthought: int = 0
    """Answers whose thoughts are not written: thoughts = none."""
    aloud: int = 0
    """Answers with thoughts within their words (`<think>`): words like others, no marks of a template."""
    unbriefed: int = 0
    """Dialogues whose seed tells nothing of the person, so that no brief stands above them: brief = true."""
    unended: int = 0
    """Dialogues whose user did not end them, so that no end is taught: endings = true."""
    unread: Counter[str] = field(default_factory=Counter)
    """Dialogues by the column (`tools`, ...) that a chat template would read, and that is not written."""
    refused: Counter[str] = field(default_factory=Counter)
    """Dialogues that gave no example, by reason; and pieces that gave none of dialogues that gave others, by theirs."""
    refused_tokens: int = 0
    """Of examples that were made and refused, since they teach nothing: tokens + refused tokens = tokens of the
    dialogues that have a place in the template and no empty answer + repeated - dropped, where not every round is an
    example."""
    places: dict[str, str] = field(default_factory=dict)
    """The first dialogue refused for each reason: `file.jsonl:12 (ID)`, or the id alone."""

    def refuse(self, reason: str, where: str) -> None:
        """Counts a refusal and remembers where the first one was."""
        self.refused[reason] += 1
        self.places.setdefault(reason, where)

    def __iadd__(self, other: "Audit") -> "Audit":
        for name in ("dialogues", "examples", "tokens", "taught", "split", "cut", "dropped_tokens", "repeated_tokens"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.special_typed += other.special_typed
        self.unlearned += other.unlearned
        self.unthought += other.unthought
        self.aloud += other.aloud
        self.unbriefed += other.unbriefed
        self.unended += other.unended
        self.unread += other.unread
        self.refused_tokens += other.refused_tokens
        self.weight += other.weight
        self.longest = max(self.longest, other.longest)
        self.refused += other.refused
        self.places = {**other.places, **self.places}
        return self

    @property
    def share(self) -> float:
        """Learned tokens of all tokens."""
        return self.taught / self.tokens if self.tokens else 0.0

    def as_dict(self) -> dict[str, JsonValue]:
        """For train.json and log.jsonl."""
        counted: dict[str, JsonValue] = {
            name: value for name, value in vars(self).items() if isinstance(value, int | float)
        }
        return {
            **counted,
            "taught_share": round(self.share, 6),
            "unread": dict(self.unread),
            "refused": dict(self.refused),
            "refused_first": dict(self.places),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, JsonValue]) -> "Audit":
        """The audit that `as_dict` described."""
        counts = {name for name, value in vars(cls()).items() if isinstance(value, int | float)}
        audit = cls(**{name: fields[name] for name in counts if name in fields})  # type: ignore[arg-type]
        audit.refused, audit.unread = _counter(fields.get("refused")), _counter(fields.get("unread"))
        places = fields.get("refused_first")
        if isinstance(places, dict):
            audit.places = {reason: str(id) for reason, id in places.items()}
        return audit

    def lines(self) -> list[str]:
        """For people; what was lost stands on lines of its own."""
        return [*self._sizes(), *self.lost()]

    def _sizes(self) -> list[str]:
        mean = self.tokens / self.examples if self.examples else 0.0
        return [
            f"{self.dialogues:,} dialogues -> {self.examples:,} examples, {self.tokens:,} tokens "
            f"(mean {mean:,.0f}, longest {self.longest:,})",
            f"learned: {self.taught:,} tokens, {self.share:.1%}"
            + (f", weight {self.weight:,.1f}" if abs(self.weight - self.taught) > 0.5 else ""),
        ]

    def lost(self) -> list[str]:
        """What was split, cut, refused, read and not learned; empty where all was taken as it is."""
        lines = []
        if self.split:
            lines.append(f"split at turns: {self.split:,} dialogues")
        if self.repeated_tokens:
            lines.append(f"read more than once: {self.repeated_tokens:,} tokens (system messages, history)")
        if self.cut or self.dropped_tokens:
            lines.append(f"cut: {self.cut:,} rounds longer than max_length, {self.dropped_tokens:,} tokens dropped")
        if self.unlearned:
            lines.append(f"of weight 0, read and not learned: {self.unlearned:,} answers")
        if self.unthought:
            lines.append(
                f"thoughts left out: of {self.unthought:,} answers (thoughts = none; keep and per_turn teach them)"
            )
        if self.aloud:
            lines.append(
                f"<think> within the words: of {self.aloud:,} answers, plain text like all words; gen convert "
                "--split-thoughts makes thoughts of it"
            )
        if self.unbriefed:
            lines.append(f"without a brief: {self.unbriefed:,} dialogues, whose seed tells nothing of the person")
        if self.unended:
            lines.append(f"no end taught: of {self.unended:,} dialogues, which their user did not end (stop)")
        for name, count in self.unread.most_common():
            lines.append(f"{name}: in {count:,} rows, and not followed; {_MENDS.get(name, _TOOLS)}")
        if self.special_typed:
            lines.append(f"control tokens typed as text: {self.special_typed:,} dialogues, encoded as plain text")
        if self.refused_tokens:
            lines.append(f"refused tokens: {self.refused_tokens:,}, in examples that teach nothing")
        for reason, count in self.refused.most_common():
            lines.append(f"refused, {reason}: {count:,} (the first: {self.places[reason]})")
        return lines


def _counter(value: JsonValue | None) -> Counter[str]:
    return Counter({name: int(str(count)) for name, count in value.items()} if isinstance(value, dict) else {})
