"""Template: how a dialogue is written down for a model; one TOML file in trainer/templates/, or one of the user's own.

A template says what stands around each side's words. Nothing here knows a tokenizer: `layout.py` joins the two.
"""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import Record, one_line

FOLDER = Path(__file__).parents[1] / "templates"
OWN = "own"
"""The name that stands for the tokenizer's own chat template."""


class Side(Record):
    """What stands around the words of one side; a space at the end of `before` is encoded with the words."""

    before: str = ""
    end: str = ""
    """Ends the speech, and is learned with it."""
    after: str = ""
    """Stands behind the end, and is not."""
    opens: str | None = None
    """Whose turn `end` has already opened (Baize: the next human tag is the stop signal): its `before` is left out."""
    class_before: str | None = None
    """Instead of `before` for a dialogue with a class; holds `{class}`."""


class Part(Record):
    """A piece of an assistant's message with marks of its own; the marks are learned with it."""

    before: str = ""
    join: str = ""
    """Between two tool calls."""
    after: str = ""
    gap: str = ""
    """Between this part and a further one."""


class Template(Record):
    """Literal text around the words; `{eos}` in it is the tokenizer's end-of-text token."""

    name: str
    about: str = ""
    tokens: tuple[str, ...] = ()
    """Control tokens: added to a tokenizer that lacks them."""
    also: tuple[str, ...] = ()
    """Control tokens that a new tokenizer gets besides; in others they are plain text."""
    bos: bool = True
    """Start with the tokenizer's start-of-text token, where it is in the habit of writing one."""
    default_system: str = ""
    """Stands for a missing system message, marks included."""
    default_with_input: str = ""
    """The same where an input follows the first instruction (Alpaca)."""
    system: Side | None = None
    user: Side
    input: Side | None = None
    """Material of an instruction: a user message by the name of `input`."""
    assistant: Side
    tool: Side | None = None
    thoughts: Part | None = None
    text: Part = Part()
    tool_calls: Part | None = None
    calls_first: bool = False
    """Tool calls stand before the text (MOSS) and not behind it."""
    never: tuple[str, ...] = ()
    """Roles whose words are not learned even where everything else is (MOSS's spans without loss)."""
    stops: tuple[str, ...] = ()
    """Texts that end a reply, where no control token does."""

    @property
    def has_classes(self) -> bool:
        """Whether the role names of a dialogue tell its class (OpenChat)."""
        return self.user.class_before is not None


def names() -> list[str]:
    """The templates that the project ships."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def find(name: str) -> Template:
    """The template by its name, or by the path of a TOML file; UsageError where it is neither or badly written."""
    shipped = FOLDER / f"{name}.toml"
    path = shipped if shipped.is_file() else Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise UsageError(
            f"template = {name!r}: no trainer/templates/{name}.toml and no file of that path "
            f"(there are: {', '.join([*names(), OWN])})"
        )
    return read(path)


def read(path: Path) -> Template:
    """The template in a TOML file, read strictly."""
    try:
        return Template.model_validate({"name": path.stem, **tomllib.loads(path.read_text("utf-8"))})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {one_line(error)}") from None
