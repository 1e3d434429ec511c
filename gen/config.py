"""A project's TOML and the flags over it, made into settings; every complaint names place, value and mend."""

import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from gen.sector_tables import of_one
from generator.client.chat import Sampling
from generator.client.endpoint import LOCAL, SECRETIVE, Endpoint, resolve
from generator.client.local import identified
from generator.own import own_openers
from generator.settings import ROLES, RoleName, RoleSettings, RunSettings, endpoint_of, one_of_several
from generator.taught import cast
from prompts.loader import Prompts
from prompts.sector import check_name

TABLES = ("run", "endpoint", "roles", "filters", "contamination", "train", "evaluate", "loop")
"""All that a project's TOML may hold; each command reads its own."""

RUN_KEYS = (
    *("sector", "n", "rounds", "preset", "shares", "language", "openers", "input", "system", "prompts", "seed", "out"),
    *("endpoint", "model", "rpm", "tpm", "concurrency", "max_cost", "max_requests", "prices", "retry_wait_s"),
    *("sectors", "weights_from", "weights_system"),
)
ASSISTANT = "assistant"
"""A flag alone, in the place of [roles] assistant: in a TOML the roles have a table of their own."""
TRAINED_USER = "trained_user"
"""Likewise: in the place of [roles] user, with `trained`."""
ROLE_KEYS = ("endpoint", *Sampling.model_fields)
USER_KEYS = ("trained", "brief")
"""What [roles] user may hold besides."""
MAIN = "main"
MOST_WEIGHT = 1_000_000


def run_settings(
    flags: Mapping[str, Any],
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    among: Sequence[str] = (),
    keys: bool = True,
) -> RunSettings:
    """The settings of a run. Flags are text as typed; TOML values may be typed ones.

    `among` are the sectors of the mixture that it is part of. Without `keys` no variable has to be set that an endpoint
    names: nothing is going to be sent. Raises UsageError where anything is unknown, unreadable
    or missing.
    """
    environ = os.environ if environ is None else environ
    known_keys(flags, (*RUN_KEYS, ASSISTANT, TRAINED_USER), "run")
    project = read_project(config) if config else {}
    table = dict(project.get("run", {}))
    known_keys(table, RUN_KEYS, f"{config}: [run]")
    values = of_one(flags, table, config, among)
    if "n" not in values and "openers" in values:
        values["n"] = sum(1 for _ in own_openers(Path(str(values["openers"]))))
    check_named(values, [values["sector"]] if "sector" in values else [], config)
    roles = _roles(values, project, config)
    endpoints = _endpoints(roles, values, project, config, environ)
    roles = cast(roles, endpoints)
    for endpoint in endpoints.values() if keys else ():
        endpoint.check(environ)
    own = table.get("sectors", {}).get(str(values["sector"]), {})
    read = {name: _read(name, value, flags, own) for name, value in values.items() if name in _READERS}
    fields = {_FIELDS.get(name, name): value for name, value in read.items()}
    fields.setdefault("out", Path("runs") / str(fields["sector"]))
    try:
        return RunSettings(**fields, endpoints=endpoints, roles=roles)
    except ValidationError as error:
        raise UsageError(one_line(error)) from None


def check_named(values: Mapping[str, Any], sectors: Sequence[Any], config: Path | None) -> None:
    """Raise UsageError where a sector does not exist, or where sector or number is missing."""
    prompts = Prompts(Path(str(values["prompts"])) if "prompts" in values else None)
    for sector in sectors:
        check_name(prompts, str(sector))
    missing = [f"--{name}" for name in ("sector", "n") if name not in values]
    if missing:
        place = f" (or {' and '.join(name[2:] for name in missing)} under [run] in {config})" if config else ""
        where = "; `gen sectors` lists the sectors" if "--sector" in missing else ", the number of dialogues"
        also = ", --help the options" if len(missing) == 2 else ""
        raise UsageError(f"{' and '.join(missing)} {'are' if also else 'is'} missing{place}{where}{also}")


def read_project(path: Path) -> dict[str, Any]:
    """A project's TOML with its tables checked by name."""
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path}: {error}") from None
    known_keys(project, TABLES, str(path))
    for name in ("run", "endpoint", "roles"):
        if not isinstance(project.get(name, {}), dict):
            raise UsageError(f"{path}: {name}: expected a table [{name}]")
    return project


def known_keys(table: Mapping[str, Any], known: tuple[str, ...] | list[str], place: str) -> None:
    """Raise UsageError for a key that is not among the known ones."""
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=2)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
            raise UsageError(f"{place}: unknown key {key!r}; {hint}")


def _roles(values: Mapping[str, Any], project: Mapping[str, Any], config: Path | None) -> dict[str, RoleSettings]:
    """Who speaks: by [roles], by --endpoint for all of them, by --assistant for those who answer."""
    table = project.get("roles", {})
    known_keys(table, [*ROLES, "judge"], f"{config}: [roles]")
    opener, user = (_role(role, table.get(role, MAIN), f"{config}: [roles] {role}") for role in ROLES[:2])
    answering = _assistants(table.get("assistant", MAIN), f"{config}: [roles] assistant")
    if "endpoint" in project.get("run", {}) and table:
        raise UsageError(f"{config}: [run] endpoint and [roles] both say who speaks; give one")
    asked = values.get("endpoint")
    if asked is not None:
        # Whether a model was taught the user's side is said of the one in [roles], not of this one.
        opener, user = (RoleSettings(endpoint=str(asked), sampling=part.sampling) for part in (opener, user))
    if TRAINED_USER in values:
        user = user.model_copy(update={"endpoint": str(values[TRAINED_USER]), "trained": True})
    if ASSISTANT in values:
        answering = _in_place_of(answering, _names(values[ASSISTANT], "--assistant"))
    elif asked is not None:
        answering = _in_place_of(answering, [str(asked)])
    if len(answering) == 1:
        return {"opener": opener, "user": user, "assistant": answering[0]}
    if "opener" not in table:  # such a run writes no openers: nobody has to be named for it
        opener = opener.model_copy(update={"endpoint": user.endpoint})
    return {"opener": opener, "user": user, **{one_of_several(part.endpoint): part for part in answering}}


def _assistants(value: object, place: str) -> list[RoleSettings]:
    """Those who answer: one, or each of a list."""
    if not isinstance(value, list):
        return [_role("assistant", value, place)]
    parts = [_role("assistant", one, f"{place}[{number}]") for number, one in enumerate(value)]
    _names([part.endpoint for part in parts], place)
    return parts


def _names(value: object, place: str) -> list[str]:
    """Names of endpoints, from a list or a text with commas; each once, since by them answers are told apart."""
    names = [str(name).strip() for name in (value if isinstance(value, list | tuple) else str(value).split(","))]
    if not names or not all(names):
        raise UsageError(f"{place} {value}: expected the names of endpoints, as big,small")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{place}: {twice} stands twice; give its model a second [endpoint.NAME] to have it so")
    return names


def _in_place_of(answering: Sequence[RoleSettings], names: Sequence[str]) -> list[RoleSettings]:
    """Those named, sampled as [roles] has it for them; one that [roles] does not name as its only assistant."""
    known = {part.endpoint: part.sampling for part in answering}
    other = answering[0].sampling if len(answering) == 1 else DEFAULT_SAMPLING["assistant"]
    return [RoleSettings(endpoint=name, sampling=known.get(name, other)) for name in names]


def _endpoints(
    roles: Mapping[str, RoleSettings],
    values: Mapping[str, Any],
    project: Mapping[str, Any],
    config: Path | None,
    environ: Mapping[str, str],
) -> dict[str, Endpoint]:
    """The endpoints of the roles, under one limit where they share a server and a key."""
    declared = {name: declared_endpoint(name, table, config) for name, table in project.get("endpoint", {}).items()}
    found: dict[str, Endpoint] = {}
    for name in sorted({part.endpoint for part in roles.values()}):
        endpoint, place = declared.get(name), _place(name, values, config)
        if endpoint is None:
            text = None if name == MAIN else name
            known = text in ("openai", "builtin") or str(text).startswith(LOCAL)
            if text is not None and declared and "/" not in text and not known:
                known_keys({text: None}, [*declared, "openai", "builtin"], place)
            try:
                endpoint = resolve(text, None, environ, place)
            except UsageError as error:
                raise UsageError(f"{_lacking(roles, config)}{error}" if text is None else str(error)) from None
        found[name] = identified(_limited(endpoint, values))
    if "model" in values and len(found) > 1:
        raise UsageError(
            f"--model {values['model']}: the roles speak to {', '.join(found)}; name each model in --config"
        )
    return agreed(found)


def _lacking(roles: Mapping[str, RoleSettings], config: Path | None) -> str:
    """The beginning of the complaint that nobody is named to speak for some of the roles; "" where it is all of them.

    Where several answer, a user's endpoint is the opener's as well.
    """
    names = [role for role, part in roles.items() if part.endpoint == MAIN]
    if len(names) == len(roles):
        return ""
    if any(map(endpoint_of, roles)) and "user" in names:
        names = ["user"]
    return f"{f'{config}: [roles] ' if config else ''}{' and '.join(names)}: "


def _place(name: str, values: Mapping[str, Any], config: Path | None) -> str:
    """Where the user wrote an endpoint's name."""
    if values.get(TRAINED_USER) == name:
        return "--trained-user"
    if ASSISTANT in values and name in _names(values[ASSISTANT], "--assistant"):
        return "--assistant"
    return "--endpoint" if "endpoint" in values or config is None else f"{config}: [roles]"


def agreed(endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints with one limit for all that share a server and a key: the least that is stated."""

    def least(endpoint: Endpoint, field: str) -> float | None:
        sharing = (
            other
            for other in endpoints.values()
            if other.api_key_env == endpoint.api_key_env and set(other.base_url) & set(endpoint.base_url)
        )
        return min((limit for other in sharing if (limit := getattr(other, field)) is not None), default=None)

    fields = ("requests_per_minute", "tokens_per_minute")
    return {
        name: endpoint.model_copy(update={field: least(endpoint, field) for field in fields})
        for name, endpoint in endpoints.items()
    }


def declared_endpoint(name: str, table: object, config: Path | None) -> Endpoint:
    place = f"{config}: [endpoint.{name}]"
    if not isinstance(table, dict):
        raise UsageError(f"{place}: expected a table")
    fields = dict(table)
    known_keys(fields, [key for key in Endpoint.model_fields if key != "name"], place)
    if isinstance(fields.get("base_url"), str):
        fields["base_url"] = (fields["base_url"],)
    try:
        return Endpoint(name=name, **fields)
    except ValidationError as error:
        raise UsageError(f"{place}: {one_line(error, SECRETIVE)}") from None


def _role(role: RoleName, value: object, place: str) -> RoleSettings:
    if isinstance(value, str):
        return RoleSettings(endpoint=value, sampling=DEFAULT_SAMPLING[role])
    if not isinstance(value, dict):
        several = ", or a list of them" if role == "assistant" else ""
        raise UsageError(f"{place}: expected the name of an endpoint, or a table with `endpoint`{several}")
    known_keys(value, (*ROLE_KEYS, *USER_KEYS) if role == "user" else ROLE_KEYS, place)
    sampling = {
        **DEFAULT_SAMPLING[role].model_dump(exclude_none=True),
        **{k: v for k, v in value.items() if k in Sampling.model_fields},
    }
    asked = {name: value[name] for name in USER_KEYS if name in value}
    if "brief" in asked and not asked.get("trained"):
        raise UsageError(f"{place}: brief = {str(asked['brief']).lower()}: is for a trained user; add trained = true")
    try:
        return RoleSettings(endpoint=value.get("endpoint", MAIN), sampling=Sampling(**sampling), **asked)
    except ValidationError as error:
        raise UsageError(f"{place}: {one_line(error)}") from None


DEFAULT_SAMPLING: dict[RoleName, Sampling] = {
    "opener": Sampling(temperature=1.0),
    "user": Sampling(temperature=1.0, top_p=0.95),
    "assistant": Sampling(),
}
"""The simulator's as in the user-simulation literature; an assistant speaks as its provider set it."""


def _limited(endpoint: Endpoint, values: Mapping[str, Any]) -> Endpoint:
    """The endpoint with --model, --rpm and --tpm over it."""
    over: dict[str, Any] = {}
    if "model" in values and endpoint.is_builtin:
        raise UsageError(f"--model {values['model']}: builtin is no language model; leave --model out")
    if "model" in values and endpoint.local_model is not None:
        raise UsageError(f"--model {values['model']}: {endpoint.base_url[0]} names the model; leave --model out")
    if "model" in values:
        over["model"] = str(values["model"])
    for flag, field in (("rpm", "requests_per_minute"), ("tpm", "tokens_per_minute")):
        if flag in values:
            over[field] = number_above_0(f"--{flag}", values[flag])
    return endpoint.model_copy(update=over)


def number_above_0(place: str, value: Any, whole: bool = False) -> Any:
    try:
        number = float(str(value).replace("_", ""))
    except ValueError:
        raise UsageError(f"{place} {value}: expected a number") from None
    if not 0 < number < math.inf or (whole and number != int(number)):
        raise UsageError(f"{place} {value}: expected {'a whole number above 0' if whole else 'a number above 0'}")
    return int(number) if whole else number


def whole_number(place: str, value: Any) -> int:
    number: int = number_above_0(place, value, whole=True)
    return number


def _rounds(place: str, value: Any) -> tuple[int, int]:
    low, dash, high = str(value).partition("-")
    try:
        return int(low), int(high if dash else low)
    except ValueError:
        raise UsageError(f"{place} {value}: expected A-B, as 3-7") from None


def _languages(place: str, value: Any) -> dict[str, float]:
    parts = value.items() if isinstance(value, dict) else (part.partition(":")[::2] for part in str(value).split(","))
    found: dict[str, float] = {}
    for code, weight in parts:
        code = str(code).strip()
        if not code or not all(piece.isalnum() for piece in code.split("-")):
            raise UsageError(
                f"{place} {value}: {code!r} is no language code; expected codes and weights, as zh-TW:3,en:1"
            )
        if code in found:
            raise UsageError(f"{place} {value}: {code} stands twice")
        found[code] = number_above_0(f"{place}: weight of {code}", weight or 1)
        if found[code] > MOST_WEIGHT:
            raise UsageError(f"{place}: weight of {code} {weight}: expected at most {MOST_WEIGHT:,}")
    return found


def _seed(place: str, value: Any) -> int:
    try:
        seed = int(str(value))
    except ValueError:
        raise UsageError(f"{place} {value}: expected a whole number") from None
    if abs(seed) >= 2**63:
        raise UsageError(f"{place} {value}: expected a number of at most 18 digits")
    return seed


def _text(_place: str, value: Any) -> str:
    return str(value)


def _path(_place: str, value: Any) -> Path:
    return Path(str(value))


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "sector": _text,
    "n": whole_number,
    "rounds": _rounds,
    "preset": _text,
    "shares": _text,
    "language": _languages,
    "openers": _path,
    "input": _path,
    "system": _path,
    "prompts": _path,
    "seed": _seed,
    "out": _path,
    "concurrency": whole_number,
    "max_cost": number_above_0,
    "max_requests": whole_number,
    "prices": _path,
    "retry_wait_s": number_above_0,
}


def _read(name: str, value: Any, flags: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    """`own`: what the sector's table says; it is read where no flag says otherwise."""
    table = "[run.sectors] " if name in own else "[run] "
    place = f"--{name.replace('_', '-')}" if name in flags else f"{table}{name} ="
    return _READERS[name](place, value)


_FIELDS = {"max_cost": "max_cost_usd"}
"""Flags whose setting bears its unit."""
