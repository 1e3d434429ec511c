"""What the lines of a list want: kinds drawn by code, with a wording for the writer.

A file has the weights of its kinds, the forms that a message may take, and the wordings by language.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from pydantic import Field, ValidationError, model_validator

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.records import Record, one_line
from prompts.loader import Prompts


class Wants(Record):
    """Kinds as one language has them."""

    kinds: dict[str, float] = Field(min_length=1)
    """The weight of each kind."""
    forms: dict[str, dict[str, float]]
    """Weights of the forms of a message, by kind where it has its own, else `default`."""
    label: str
    """How a line for the writer says what is wanted, with {wanted}."""
    wants: dict[str, tuple[str, ...]]
    """What is wanted, by kind, in several wordings."""

    @model_validator(mode="after")
    def _is_worded(self) -> "Wants":
        if set(self.wants) != set(self.kinds):
            raise ValueError(f"wants: {sorted(self.wants)}, but kinds are {sorted(self.kinds)}")
        return self

    def form_weights(self, kind: str) -> Mapping[str, float]:
        """The weights of a message's forms for a kind."""
        return self.forms.get(kind) or self.forms["default"]

    def wanted(self, kind: str, u: float) -> str:
        """What is wanted; `u` in [0, 1) chooses the wording."""
        wordings = self.wants[kind]
        return wordings[int(u * len(wordings))]

    def line(self, kind: str, u: float) -> str:
        """What is wanted, for the writer."""
        return self.label.format(wanted=self.wanted(kind, u))


@cache
def wants(prompts: Prompts, file: str, language: str) -> Wants:
    """The kinds of a file in a language, its base or English. Raises UsageError where they do not hang together."""
    data = prompts.data(file)
    code = next((code for code in (language, language.split("-")[0]) if code in data), "en")
    try:
        return Wants.model_validate({"kinds": data["kinds"], "forms": data["forms"]} | data[code])
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {code}: {one_line(error)}") from None


def kinds_of(found: Wants, count: int, *key: object) -> Sequence[str]:
    """The kinds of a list of lines: by their weights, and none twice before all have come."""
    kinds: list[str] = []
    left: dict[str, float] = {}
    for number in range(count):
        left = left or dict(found.kinds)
        kinds.append(draw(left, share(*key, number, "instruction")))
        del left[kinds[-1]]
    return kinds
