"""Instructions on a passage: which kinds there are, and the shapes in which one is joined with its passage.

UltraChat joined its third sector's instructions and passages by seven templates, the passage first or the instruction
first (Ding et al. 2023, arXiv 2305.14233). A shape here is a text with {passage} and {instruction} in either order. A
language without shapes of its own takes those of its base, else those under `any`, which hold no words.
"""

from functools import cache

from pydantic import Field, ValidationError, model_validator

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.records import one_line
from prompts.loader import Prompts
from prompts.wants import Wants

PASSAGE, INSTRUCTION = "{passage}", "{instruction}"


class Joins(Wants):
    """Kinds and shapes as one language has them."""

    shapes: dict[str, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> "Joins":
        for name, shape in self.shapes.items():
            if shape.count(PASSAGE) != 1 or shape.count(INSTRUCTION) != 1:
                raise ValueError(f"shapes.{name}: expected one {PASSAGE} and one {INSTRUCTION}")
        return self

    def around(self, shape: str, passage: str) -> tuple[str, str]:
        """What stands before and after an instruction that is joined with the passage."""
        before, after = self.shapes[shape].split(INSTRUCTION)
        return before.replace(PASSAGE, passage), after.replace(PASSAGE, passage)


@cache
def joins(prompts: Prompts, file: str, language: str) -> Joins:
    """The kinds and shapes of a file in a language. Raises UsageError where they do not hang together."""
    data = prompts.data(file)
    code = next((code for code in (language, language.split("-")[0]) if code in data), None)
    words = data[code or "en"]
    shapes = words["shapes"] if code else data["any"]["shapes"]
    try:
        return Joins.model_validate({"kinds": data["kinds"], "forms": data["forms"]} | words | {"shapes": shapes})
    except ValidationError as error:
        raise UsageError(f"{prompts.path(file)}: {code or 'en'}: {one_line(error)}") from None


def shape_of(found: Joins, *key: object) -> str:
    """The shape drawn for a key, each as often as any other."""
    return draw(dict.fromkeys(found.shapes, 1.0), share(*key, "shape"))
