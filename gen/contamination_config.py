"""What `gen contamination` is asked, from flags and a project's TOML; every complaint names place, value and mend.

[contamination]
benchmarks = ["tests/gsm8k.jsonl", "vicuna=tests/question.jsonl"]
judge = "main"             # an endpoint: a name from [endpoint.NAME], openai, or an address
rephrase = "main"          # likewise: items in other words for the self-test
per_item = 5
[roles]
judge = { endpoint = "main", max_tokens = 2000 }    # the same as contamination.judge, with sampling
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from dialogue.errors import UsageError
from dialogue.formats.reading import named
from dialogue.records import Record, one_line
from filters.engine.blocks import BLOCK_BYTES
from gen.config import (
    MAIN,
    ROLE_KEYS,
    agreed,
    declared_endpoint,
    known_keys,
    number_above_0,
    read_project,
    whole_number,
)
from gen.judging.kinds import RoleName
from generator.asking import Speaker, Terms
from generator.client.chat import Sampling
from generator.client.endpoint import LOCAL, Endpoint, resolve
from generator.client.local import identified

KEYS = (
    *("benchmarks", "out", "format", "certain", "candidate", "encoder", "plants", "seed", "workers", "prompts"),
    *("judge", "rephrase", "model", "per_item", "max_cost", "concurrency", "prices", "retry_wait_s"),
)
FILTER_KEYS = ("judged",)
"""Keys of the same table that the filter of `gen filter` alone reads."""
SAMPLING: Mapping[RoleName, Sampling] = {"judge": Sampling(temperature=0.0), "rephrase": Sampling(temperature=1.0)}
NOBODY = "none"
"""`--judge none`: do not ask the judge that the TOML names."""


class ContaminationSettings(Record):
    """Everything that a contamination report needs to know."""

    inputs: tuple[Path, ...]
    benchmarks: tuple[str, ...]
    """PATH, NAME=PATH or MAP.toml."""
    out: Path
    format: str | None = None
    certain: tuple[str, ...] | None = None
    """Rules by name; None: those that the reference measurements chose."""
    candidate: tuple[str, ...] | None = None
    encoder: str | None = None
    """A sentence encoder, by path or hub id: the nearest messages of each item are candidates too."""
    plants: int = Field(default=200, ge=0)
    """Leaks of each kind that the self-test plants; 0: no self-test."""
    seed: int = 0
    workers: int = Field(default=1, ge=1)
    block_bytes: int = Field(default=BLOCK_BYTES, ge=1)
    """Input is cut into blocks of about this size; it never changes a result."""
    prompts: Path | None = None
    """A folder whose templates stand before the package's."""
    speakers: dict[RoleName, Speaker] = Field(default_factory=dict)
    per_item: int = Field(default=5, ge=1)
    """The most messages that a judge is asked about for each item, the most alike first."""
    terms: Terms = Terms()


def contamination_settings(
    inputs: Sequence[str | Path],
    flags: Mapping[str, Any],
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> ContaminationSettings:
    """The settings; flags win over the TOML's. Raises UsageError where anything is unknown, unreadable or missing."""
    environ = os.environ if environ is None else environ
    known_keys(flags, KEYS, "contamination")
    project = read_project(config) if config else {}
    table = project.get("contamination", {})
    if not isinstance(table, dict):
        raise UsageError(f"{config}: contamination: expected a table [contamination]")
    known_keys(table, [*KEYS, *FILTER_KEYS], f"{config}: [contamination]")
    values = {**{name: value for name, value in table.items() if name in KEYS}, **flags}
    if not values.get("benchmarks"):
        raise UsageError("--benchmark is missing: name a benchmark's file, as PATH or NAME=PATH")
    if not values.get("out"):
        raise UsageError("--out is missing: name a folder for the report")
    if not inputs:
        raise UsageError("IN is missing: gen contamination IN --benchmark B... --out DIR, with IN first")
    speakers = _speakers(values, flags, project, config, environ)
    fields = _fields(values, flags)
    try:
        return ContaminationSettings(inputs=tuple(map(Path, inputs)), speakers=speakers, **fields)
    except ValidationError as error:
        raise UsageError(one_line(error)) from None


def _fields(values: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    def number(name: str, *, whole: bool = False) -> Any:
        place = f"--{name.replace('_', '-')}" if name in flags else f"[contamination] {name} ="
        return whole_number(place, values[name]) if whole else number_above_0(place, values[name])

    fields: dict[str, Any] = {
        "benchmarks": _texts("benchmarks", values["benchmarks"]),
        "out": Path(str(values["out"])),
        "workers": number("workers", whole=True) if "workers" in values else _cores(),
    }
    if values.get("format") is not None:
        named(str(values["format"]))
        fields["format"] = str(values["format"])
    for name in ("certain", "candidate"):
        if name in values:
            fields[name] = _texts(name, values[name])
    for name in ("encoder", "plants", "seed", "prompts"):
        if name in values:
            fields[name] = values[name]
    if "per_item" in values:
        fields["per_item"] = number("per_item", whole=True)
    terms: dict[str, Any] = {name: values[name] for name in ("prices", "retry_wait_s") if name in values}
    if "concurrency" in values:
        terms["concurrency"] = number("concurrency", whole=True)
    if "max_cost" in values:
        terms["max_cost_usd"] = number("max_cost")
    try:
        fields["terms"] = Terms(**terms)
    except ValidationError as error:
        raise UsageError(one_line(error)) from None
    return fields


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(part, str | Path) for part in value):
        raise UsageError(f"[contamination] {name} = {value}: expected a list of texts")
    return tuple(map(str, value))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _speakers(
    values: Mapping[str, Any],
    flags: Mapping[str, Any],
    project: Mapping[str, Any],
    config: Path | None,
    environ: Mapping[str, str],
) -> dict[RoleName, Speaker]:
    """Who judges and who rephrases, each checked as far as can be without asking."""
    declared = {name: declared_endpoint(name, table, config) for name, table in project.get("endpoint", {}).items()}
    judged = {"judge": project["roles"]["judge"]} if "judge" in project.get("roles", {}) else {}
    asked = {**judged, **{name: values[name] for name in ("judge", "rephrase") if name in values}}
    found: dict[RoleName, Speaker] = {}
    roles: tuple[RoleName, ...] = ("judge", "rephrase")
    for role in roles:
        if asked.get(role) in (None, NOBODY):
            continue
        place = f"--{role}" if role in flags else f"{config}: {role} ="
        found[role] = _speaker(role, asked[role], declared, place, environ)
    if not found and "model" in flags:
        raise UsageError(f"--model {values['model']}: nobody is asked; name an endpoint with --judge or --rephrase")
    found = _with_model(found, values.get("model"))
    limited = agreed({role: speaker.endpoint for role, speaker in found.items()})
    for endpoint in limited.values():
        endpoint.check(environ)
    return {role: speaker.model_copy(update={"endpoint": limited[role]}) for role, speaker in found.items()}


def _speaker(
    role: RoleName, value: object, declared: Mapping[str, Endpoint], place: str, environ: Mapping[str, str]
) -> Speaker:
    table = value if isinstance(value, dict) else {"endpoint": value}
    known_keys(table, ROLE_KEYS, place)
    name = table.get("endpoint", MAIN)
    if not isinstance(name, str):
        raise UsageError(f"{place} {value}: expected the name of an endpoint, or a table with `endpoint`")
    endpoint = declared.get(name) or _undeclared(name, declared, place, environ)
    if endpoint.is_builtin:
        raise UsageError(f"{place} {name}: builtin is no language model and can neither judge nor rephrase; name one")
    sampling = {**SAMPLING[role].model_dump(exclude_none=True), **{k: v for k, v in table.items() if k != "endpoint"}}
    try:
        return Speaker(endpoint=identified(endpoint), sampling=Sampling(**sampling))
    except ValidationError as error:
        raise UsageError(f"{place}: {one_line(error)}") from None


def _undeclared(name: str, declared: Mapping[str, Endpoint], place: str, environ: Mapping[str, str]) -> Endpoint:
    if name not in (MAIN, "openai", "builtin") and not name.startswith(("http://", "https://", LOCAL)):
        known_keys({name: None}, [*declared, "openai", "http(s)://HOST/v1", f"{LOCAL}PATH"], place)
    try:
        return resolve(None if name == MAIN else name, None, environ)
    except UsageError as error:  # it speaks of the option of `gen run`
        raise UsageError(str(error).replace("--endpoint", place, 1)) from None


def _with_model(speakers: dict[RoleName, Speaker], model: object) -> dict[RoleName, Speaker]:
    if model is None or not speakers:
        return speakers
    urls = {speaker.endpoint.base_url for speaker in speakers.values()}
    if len(urls) > 1:
        raise UsageError(f"--model {model}: judge and rephraser speak to two endpoints; name each model in --config")
    return {
        role: speaker.model_copy(update={"endpoint": speaker.endpoint.model_copy(update={"model": str(model)})})
        for role, speaker in speakers.items()
    }
