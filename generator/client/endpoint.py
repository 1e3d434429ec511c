"""Where requests go: an endpoint's record, and what the command line's word for one stands for.

The record names the variable that holds the key, never the key: `generator.client.keys` reads it when a request needs
it.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, field_validator, model_validator

from dialogue.errors import UsageError
from dialogue.records import Record

DEFAULT_MODEL = "gpt-4.1-mini"
"""What `openai` asks for where no model is named."""

OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"
BUILTIN_URL = "builtin://local"
LOCAL = "local:"
"""Before a model's folder or hub id, which a server of our own is started for."""
LOCAL_TIMEOUT_S = 600.0
"""A small machine works on many replies at a time, and each takes as long as all."""


SECRETIVE = ("base_url", "api_key_env", "extra_headers", "extra_body")
"""Fields in which a user may have put a secret by mistake: their values are never shown."""

_BUILTIN = ("builtin", ("builtin",), ["builtin"], BUILTIN_URL, (BUILTIN_URL,), [BUILTIN_URL])
_KEY_ITSELF = re.compile(r"(?:gsk|hf|sk|pk|xai|r8|pplx|nvapi|AIza|AKIA|glpat)[_-]?[A-Za-z0-9_]{8,}")
_TELLTALE = re.compile(r"authorization|cookie|secret|token|password|(?:^|[-_])(?:api)?key|^sig", re.I)
"""Names of things that are secrets."""
_KEY_NAME = re.compile(r"(?:^|_)(?:api_?key|secret|password|authorization|access_token)$", re.I)
"""The same in a request's body, where `max_tokens` is none."""


class Price(Record):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Prompt tokens that the provider had cached; None: as `input`."""
    batch: float = Field(default=1.0, gt=0, le=1)
    """Factor on all of it through the provider's batch interface."""


FREE = Price(input=0.0, output=0.0)


class Endpoint(Record):
    """One model behind one address, or behind several that serve the same."""

    name: str
    base_url: tuple[str, ...]
    """Where /chat/completions is appended; with several servers of one model a dialogue stays on its own."""
    model: str | None = None
    """None: the server knows only one, and no name is sent."""
    api_key_env: str | None = None
    """The name of the variable that holds the key; None: no key is sent."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """The provider's limit for each server; None: as its headers say."""
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout_s: float = Field(default=120.0, gt=0)
    """For one whole request, from connecting to the reply's last byte."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    extra_headers: dict[str, str] = Field(default_factory=dict)
    """A value that starts with "$" names a variable of the environment."""
    price: Price | None = None
    """Overrides the price table; None: of `builtin` and `local:` none is asked."""
    terms: str | None = None
    """A note on licence or terms of use, carried into the run's record."""
    latency_ms: float = Field(default=0.0, ge=0)
    """`builtin` alone: how long an answer takes, for rehearsing a run."""
    jitter_ms: float = Field(default=0.0, ge=0)
    """`builtin` alone: how far that varies to either side."""
    enforced_rpm: float | None = Field(default=None, gt=0)
    """`builtin` alone: requests a minute above which it answers 429."""
    wrong_share: float | None = Field(default=None, ge=0, le=1)
    """`builtin` alone: the share of sums that it gets wrong; None: its own."""
    seed: int = 0
    """`builtin` alone: another seed, another text."""
    server: Literal["gen", "vllm"] | None = None
    """`local:` alone: what serves the model; None: vLLM where it is installed, else `gen serve`."""

    @model_validator(mode="before")
    @classmethod
    def _builtin_says_so(cls, fields: Any) -> Any:
        """Whatever was asked for, its records bear its own name. A price is its only where a rehearsal states one."""
        if isinstance(fields, dict) and fields.get("base_url") in _BUILTIN:
            return {**fields, "model": "builtin", "price": FREE if fields.get("price") is None else fields["price"]}
        if isinstance(fields, dict) and LOCAL in str(fields.get("base_url")):
            return {"price": FREE, "timeout_s": LOCAL_TIMEOUT_S, **fields}
        return fields

    @field_validator("base_url", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        urls = [value] if isinstance(value, str) else value
        return tuple(map(_address, urls)) if isinstance(urls, list | tuple) else urls

    @field_validator("base_url")
    @classmethod
    def _some(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not urls or len(set(urls)) < len(urls):
            raise ValueError("expected one address or several different ones")
        if len(urls) > 1 and any(url.startswith(LOCAL) for url in urls):
            raise ValueError(f"{LOCAL} starts one server for one model, give it alone")
        return urls

    @field_validator("api_key_env")
    @classmethod
    def _a_name(cls, name: str | None) -> str | None:
        if name is not None and (not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or _KEY_ITSELF.match(name)):
            raise ValueError("no variable's name; put the key into a variable and name that here")
        return name

    @field_validator("extra_headers")
    @classmethod
    def _no_secret(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, text in headers.items():
            if _TELLTALE.search(name) and not text.startswith("$"):
                raise ValueError(f'{name} would be written to files; put it into a variable and write "$NAME"')
        return headers

    @field_validator("extra_body")
    @classmethod
    def _no_key(cls, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        _refuse_keys(body)
        return body

    @property
    def is_builtin(self) -> bool:
        """Whether it answers inside this process."""
        return self.base_url == (BUILTIN_URL,)

    @property
    def local_model(self) -> str | None:
        """The folder or hub id behind `local:`; None for every other endpoint."""
        (first, *_) = self.base_url
        return first.removeprefix(LOCAL) if first.startswith(LOCAL) else None

    def check(self, environ: Mapping[str, str]) -> None:
        """Raise UsageError naming the first variable that this endpoint needs and the environment lacks."""
        wanted = {"api_key_env": self.api_key_env}
        wanted |= {f"extra_headers.{name}": text[1:] for name, text in self.extra_headers.items() if text[:1] == "$"}
        for field, variable in wanted.items():
            if variable is not None and not environ.get(variable, "").strip():
                raise UsageError(
                    f"endpoint {self.name}: {field} names {variable}, which is not set; export {variable}=..."
                )


def _address(url: object) -> str:
    if url in ("builtin", BUILTIN_URL):
        return BUILTIN_URL
    if str(url).startswith(LOCAL):
        if not str(url).removeprefix(LOCAL).strip():
            raise ValueError("expected local:PATH_OR_HUB_ID")
        return str(url)
    try:
        parts = urlsplit(str(url))
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ValueError("expected http://HOST/v1, https://HOST/v1 or local:PATH_OR_HUB_ID")
    if "@" in parts.netloc or any(part.split("=")[0] not in ("", "api-version") for part in parts.query.split("&")):
        raise ValueError("a key in an address would be written to files; name a variable in api_key_env instead")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return parts._replace(path=path, fragment="").geturl()


def _refuse_keys(value: JsonValue) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            if _KEY_NAME.search(name):
                raise ValueError(
                    f"{name} would be written to files; put it into a variable and send it in extra_headers"
                )
            _refuse_keys(part)
    elif isinstance(value, list):
        for part in value:
            _refuse_keys(part)


def chat_url(base_url: str) -> str:
    """The address that chat-completion requests are posted to."""
    parts = urlsplit(base_url)
    return parts._replace(path=f"{parts.path}/chat/completions").geturl()


def resolve(text: str | None, model: str | None, environ: Mapping[str, str], place: str = "--endpoint") -> Endpoint:
    """The endpoint that `--endpoint` names: `openai`, an address, `local:`, `builtin`; None: by the environment.

    `place` is where the user wrote it, for complaints.
    """
    if text is None:
        if not environ.get(OPENAI_KEY):
            raise UsageError(f"no --endpoint, and {OPENAI_KEY} is not set; {_CHOICES}")
        text = "openai"
    if text == "openai":
        base_url = environ.get("OPENAI_BASE_URL") or OPENAI_URL
        return _checked(place, name="openai", base_url=base_url, model=model or DEFAULT_MODEL, api_key_env=OPENAI_KEY)
    if text == "builtin":
        return Endpoint(name="builtin", base_url=(BUILTIN_URL,), model="builtin", price=FREE)
    if text.startswith(LOCAL):
        return _checked(place, name="local", base_url=text, model=model)
    if text.startswith(("http://", "https://")):
        return _checked(place, name=urlsplit(text).netloc.rpartition("@")[2], base_url=text, model=model)
    raise UsageError(f"{place} {text}: not known; {_CHOICES}")


_CHOICES = (
    "choose --endpoint openai (key in OPENAI_API_KEY), --endpoint http(s)://HOST/v1, "
    "--endpoint local:PATH_OR_HUB_ID (a model of your own), "
    "--endpoint builtin (offline, no language model), or an [endpoint.NAME] of --config"
)


def _checked(place: str, *, name: str, base_url: str, model: str | None, api_key_env: str | None = None) -> Endpoint:
    try:
        address = _address(base_url)
    except ValueError as error:
        shown = name if "@" in base_url or "?" in base_url else base_url  # a key is not repeated
        raise UsageError(f"{place} {shown}: {error}") from None
    fields = {"name": name, "base_url": (address,), "model": model, "api_key_env": api_key_env}
    return Endpoint.model_validate(fields)
