"""Where a variable stands in a rendered template: the words around it."""

from dataclasses import dataclass

QUOTED = "“”\"「」『』‘’'《》 "


@dataclass(frozen=True, slots=True)
class Mark:
    """The text before and after a variable; cut short, so that neighbours may change."""

    before: str
    after: str

    def find(self, text: str) -> str | None:
        """What stands between the two, or from the first one on where the second is missing."""
        start = text.find(self.before)
        if start < 0:
            return None
        start += len(self.before)
        end = text.find(self.after, start) if self.after else -1
        return text[start : end if end >= 0 else None].strip().rstrip(".")


def end_of(after: str) -> str:
    """What closes a variable's text: a full stop counts only before a space, as in "3.5"."""
    if after.startswith("."):
        return ". "
    return after[:2] if after[:1] in QUOTED else after[:1]


def around(template: str, variable: str, close: str) -> Mark:
    """The mark of a variable in a template; `close` ends its text where the template itself does."""
    before, _, after = template.partition(variable)
    return Mark(before, after[:1] or close)
