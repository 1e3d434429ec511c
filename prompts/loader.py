"""Templates and data files by name, from the package and, before it, from a folder of the user's own.

Templates run in Jinja's immutable sandbox with StrictUndefined: a missing variable or a reach for Python's insides
stops the run before the first request instead of going into a hundred thousand prompts.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dialogue.errors import UsageError

HOME = Path(__file__).parent


class Prompts:
    """The prompt files of this package, overlaid by those of the same name in the user's folder, if there is one."""

    def __init__(self, overlay: Path | None = None) -> None:
        if overlay is not None and not overlay.is_dir():
            raise UsageError(f"--prompts {overlay}: no such folder")
        self._folders = [folder for folder in (overlay, HOME) if folder is not None]
        self._environment = ImmutableSandboxedEnvironment(
            loader=_Noted(self._folders, self._note),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # prompts are plain text; pages escape for themselves
        )
        self._templates: dict[str, Callable[..., str]] = {}
        self.used: dict[str, str] = {}
        """Name and hash of each file read so far, for the run's record."""

    def path(self, name: str) -> Path | None:
        """Where the file of this name lies; None where there is none."""
        return next((folder / name for folder in self._folders if (folder / name).is_file()), None)

    def read(self, name: str) -> str:
        """The text of a file."""
        path = self.path(name)
        if path is None:
            raise UsageError(f"prompts: no file {name} in {', '.join(map(str, self._folders))}")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from None
        self._note(name, text)
        return text

    def _note(self, name: str, text: str) -> None:
        self.used[name] = blake2b(text.encode(), digest_size=8).hexdigest()

    def data(self, name: str) -> dict[str, Any]:
        """A TOML file, parsed once."""
        return self._toml(name)

    @cache  # noqa: B019 - one object a run
    def _toml(self, name: str) -> dict[str, Any]:
        try:
            return Table(tomllib.loads(self.read(name)), str(self.path(name)))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{self.path(name)}: {error}") from None

    def render(self, name: str, **variables: object) -> str:
        """The template filled in, without the white space around it. Raises UsageError with the template's name."""
        try:
            return self._template(name)(**variables).strip()
        except jinja2.TemplateSyntaxError as error:
            raise UsageError(f"{error.filename or name}:{error.lineno}: {error.message}") from None
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise UsageError(f"{self.path(name) or name}: {error}") from None

    def _template(self, name: str) -> Callable[..., str]:
        found = self._templates.get(name)
        if found is None:
            self.read(name)
            found = self._templates[name] = self._environment.get_template(name).render
        return found

    def folders(self, under: str) -> list[str]:
        """The names of the folders under one, sorted: the sectors, the languages."""
        found = {path.name for folder in self._folders for path in (folder / under).glob("*/")}
        return sorted(name for name in found if not name.startswith((".", "_")))


class Table(dict[str, Any]):
    """A table of a data file; asking for what is not there is a fault of the file, and named as such."""

    def __init__(self, rows: Mapping[str, Any], place: str) -> None:
        super().__init__(
            {name: Table(row, f"{place}: {name}") if isinstance(row, dict) else row for name, row in rows.items()}
        )
        self._place = place

    def __missing__(self, name: str) -> Any:
        raise UsageError(f"{self._place}: no {name!r}")


class _Noted(jinja2.FileSystemLoader):
    """Tells of every file that it reads, those that a template includes or extends as well."""

    def __init__(self, folders: Sequence[Path], note: Callable[[str, str], None]) -> None:
        super().__init__(folders)
        self._note_file = note

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        text, path, fresh = super().get_source(environment, template)
        self._note_file(template, text)
        return text, path, fresh


def check_overlay(overlay: Path) -> None:
    """Raise UsageError for a file beside the subfolders: it stands before none of ours, so it is a slip."""
    ours = sorted(path.relative_to(HOME).as_posix() for path in HOME.rglob("*") if path.is_file())
    for path in sorted(overlay.glob("*")):
        if path.suffix in (".j2", ".toml", ".jsonl"):
            near = [known for known in ours if known.endswith(f"/{path.name}")][:3]
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(f"--prompts {overlay}: {path.name} stands for no file of prompts/{hint}")
