"""Templates to pages: escaped everywhere, in Jinja's sandbox, under a policy that lets a page fetch and run nothing."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from filters.pages import charts, wording
from filters.pages.texts import visible

HOME = Path(__file__).parent


def render(template: str, *, home: Path = HOME, **variables: object) -> str:
    """The page; a variable that the template misses is an error.

    Templates of another folder, `home`, may extend and import those that lie here, and have a `more.css`.
    """
    style = _style(home)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return _environment(home).get_template(template).render(**variables, style=Markup(style), policy=policy)  # noqa: S704


@cache
def _style(home: Path) -> str:
    files = [HOME / "page.css", *([] if home == HOME else [home / "more.css"])]
    return "".join(file.read_text(encoding="utf-8") for file in files)


@cache
def _environment(home: Path) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([home, HOME]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": wording.count,
        "number": wording.number,
        "short": charts.short,
        "size": wording.size,
        "spoken": wording.spoken,
        "told": wording.told,
    }
    environment.globals |= {
        "bar": charts.bar,
        "meter": charts.meter,
        "histogram": charts.histogram,
        "percent": wording.percent,
    }
    return environment


def _shown(value: object) -> object:
    """What a template writes: foreign text with its invisible characters named, all else as it is."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
