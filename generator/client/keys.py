"""Keys: read from the environment when a request needs them, shown to nobody.

Secret    a value whose repr and str hide it
Access    an endpoint's request headers, and `scrub`, through which a server's text goes before it is quoted
"""

import os
import re
from collections.abc import Mapping

from dialogue.errors import UsageError
from generator.client.endpoint import OPENAI_KEY, Endpoint

_TOKENS = re.compile(r"(?i)(?<=bearer)[\s:]+[^\s\"',;]+|\bsk-[\w*.-]{6,}|(?<=://)[^/\s@]+@")
"""What looks like a key even where it is none of ours: a proxy may quote another's."""


QUOTED_CHARACTERS = 200
"""How much of a server's text an error quotes."""


class Secret:
    """A string that only `reveal` gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Access:
    """What an endpoint has to be shown with each request."""

    def __init__(self, headers: dict[str, str], secrets: tuple[Secret, ...]) -> None:
        self.headers: Mapping[str, str] = headers
        self.key = secrets[0] if secrets else None
        self._secrets = secrets

    def scrub(self, text: str) -> str:
        """The text with every key in it struck out."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), "***")
        return _TOKENS.sub("***", text)

    def quote(self, body: bytes) -> str:
        """The first bytes of a body as one line, for an error's text; scrubbed before it is cut, not after."""
        text = " ".join(self.scrub(body[: 10 * QUOTED_CHARACTERS].decode("utf-8", "replace")).split())
        return repr(shortened(text)) if text else "an empty body"


def shortened(text: str) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}…"


def access(endpoint: Endpoint, environ: Mapping[str, str] | None = None) -> Access:
    """Headers and secrets of an endpoint; raises UsageError naming the variable where one is not set."""
    environ = os.environ if environ is None else environ
    endpoint.check(environ)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    secrets = []
    if endpoint.api_key_env is not None:
        key = _read(endpoint, endpoint.api_key_env, environ)
        secrets.append(key)
        headers |= _openai_headers(key, environ) if endpoint.api_key_env == OPENAI_KEY else _bearer(key)
    for name, text in endpoint.extra_headers.items():
        if text.startswith("$"):
            secrets.append(_read(endpoint, text[1:], environ))
            text = secrets[-1].reveal()
        headers[name] = text
    return Access(headers, tuple(secrets))


def _read(endpoint: Endpoint, variable: str, environ: Mapping[str, str]) -> Secret:
    # A key pasted with its newline is the commonest slip, and aiohttp would refuse the header without saying why.
    text = environ[variable].strip()
    if not (text.isascii() and text.isprintable()):
        raise UsageError(f"endpoint {endpoint.name}: {variable} holds more than plain characters; is it the whole key?")
    return Secret(text)


def _bearer(key: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.reveal()}"}


def _openai_headers(key: Secret, environ: Mapping[str, str]) -> dict[str, str]:
    """As the `openai` package sends them: organisation, project and custom headers of the environment included.

    Imported here alone: it takes half a second of CPU, which no other endpoint has to pay.
    """
    from openai import AsyncOpenAI

    client = AsyncOpenAI(
        api_key=key.reveal(),
        organization=environ.get("OPENAI_ORG_ID"),
        project=environ.get("OPENAI_PROJECT_ID"),
    )
    headers = {**client.default_headers, **client.auth_headers}
    return {name: value for name, value in headers.items() if isinstance(value, str)}
