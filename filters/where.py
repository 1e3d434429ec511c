"""Conditions on any field of the record: sector, language, model, stop, whatever a run or a judge wrote."""

from typing import Self

from pydantic import JsonValue, model_validator

from dialogue.records import Dialogue
from filters.engine.base import Drop, Filter
from filters.engine.paths import ABSENT, check_path, value_at


class Where(Filter):
    """Keeps what meets one condition on one field; several conditions are several entries, and all have to hold.

    Reasons: `absent` (the record has no such field, or null in it, and the condition asks for a value), `other` (not
    one of the values asked for), `excluded`, `least`, `most`, `present`.
    """

    field: str
    """Dotted path into the record: `sector`, `stop`, `seed.language`, `seed.extra.source`, `scores.quality`,
    `messages.-1.finish_reason` (a message by its number, from the end where negative)."""
    one_of: tuple[JsonValue, ...] | None = None
    """Values that are kept, and no other."""
    none_of: tuple[JsonValue, ...] | None = None
    """Values that are dropped; a record without the field is kept."""
    least: float | None = None
    """Least number that is kept."""
    most: float | None = None
    """Greatest number that is kept."""
    exists: bool | None = None
    """Whether the field has to be there, and not null."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_path(self.field)
        if all(value is None for value in (self.one_of, self.none_of, self.least, self.most, self.exists)):
            raise ValueError(f"no condition on {self.field}: give one_of, none_of, least, most or exists")
        if self.exists is False and any(value is not None for value in (self.one_of, self.least, self.most)):
            raise ValueError(f"{self.field}: exists = false leaves nothing for one_of, least or most")
        return self

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue where the condition holds."""
        value = value_at(dialogue, self.field)
        there = value is not ABSENT and value is not None
        reason = self._reason(value) if there else "absent" if self._wants_value() else None
        if reason is None:
            return dialogue
        return Drop(reason, {"field": self.field, "value": _shown(value) if there else None})

    def _wants_value(self) -> bool:
        return bool(self.exists) or any(value is not None for value in (self.one_of, self.least, self.most))

    def _reason(self, value: object) -> str | None:
        if self.exists is False:
            return "present"
        if self.one_of is not None and value not in self.one_of:
            return "other"
        if self.none_of is not None and value in self.none_of:
            return "excluded"
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if self.least is not None and (number is None or number < self.least):
            return "least"
        if self.most is not None and (number is None or number > self.most):
            return "most"
        return None


def _shown(value: object) -> JsonValue:
    return value if isinstance(value, bool | int | float) else str(value)[:200]
