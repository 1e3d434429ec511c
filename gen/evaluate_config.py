"""What `gen evaluate` is asked, from flags and a project's TOML; every complaint names place, value and mend.

[evaluate]
benchmarks = ["tests/mt_bench.jsonl"]
models = ["main", "local:models/first"]     # endpoints: a name from [endpoint.NAME], openai, an address, local:MODEL
judge = "large"
baseline = "main"
[roles]
judge = { endpoint = "large", max_tokens = 2000 }    # the same as evaluate.judge, with sampling
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import one_line
from evaluator.answer_files import LAYOUTS
from evaluator.settings import AnswerFile, EvaluateSettings, PlaySettings
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
from generator.asking import Speaker, Terms
from generator.client.chat import Sampling
from generator.client.endpoint import LOCAL, Endpoint, resolve
from generator.client.local import identified
from generator.taught import refuse_user

KEYS = (
    *("models", "answers", "answers_as", "benchmarks", "references", "protocols", "judge", "judge_model", "baseline"),
    *("out", "judgments", "as_stored", "limit", "samples", "judge_samples", "repeats", "contamination", "difficulty"),
    *("anchors", "people", "compare", "prompts", "seed", "temperature", "max_tokens", "concurrency", "max_cost"),
    *("prices", "retry_wait_s", "play", "sector", "rounds", "simulator"),
)
_LISTS = ("models", "answers", "benchmarks", "references", "protocols", "judgments", "compare")
_COUNTS = ("limit", "samples", "judge_samples", "repeats")
_PATHS = ("contamination", "difficulty", "anchors", "people", "prompts")


def evaluate_settings(
    flags: Mapping[str, Any], config: Path | None = None, environ: Mapping[str, str] | None = None
) -> EvaluateSettings:
    """The settings; flags win over the TOML's. Raises UsageError where anything is unknown, unreadable or missing."""
    environ = os.environ if environ is None else environ
    known_keys(flags, KEYS, "evaluate")
    project = read_project(config) if config else {}
    table = project.get("evaluate", {})
    if not isinstance(table, dict):
        raise UsageError(f"{config}: evaluate: expected a table [evaluate]")
    known_keys(table, KEYS, f"{config}: [evaluate]")
    values = {**table, **flags}
    if not values.get("out"):
        raise UsageError("--out is missing: name a folder for the report")
    speakers = _Speakers(values, flags, project, config, environ)
    try:
        return EvaluateSettings(**_fields(values, flags), **speakers.all())
    except ValidationError as error:
        raise UsageError(one_line(error)) from None


def _fields(values: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    def place(name: str) -> str:
        return f"--{name.replace('_', '-')}" if name in flags else f"[evaluate] {name} ="

    fields: dict[str, Any] = {"out": Path(str(values["out"]))}
    for name in _LISTS:
        if name in values and name not in ("models", "answers"):
            fields[name] = _texts(place(name), values[name])
    if "answers" in values:
        fields["answers"] = tuple(map(_answer_file, _texts(place("answers"), values["answers"])))
    for name in _COUNTS:
        if name in values:
            fields[name] = whole_number(place(name), values[name])
    for name in _PATHS:
        if name in values:
            fields[name] = Path(str(values[name]))
    if "seed" in values:
        fields["seed"] = _seed(place("seed"), values["seed"])
    if "as_stored" in values:
        fields["as_stored"] = bool(values["as_stored"])
    if "answers_as" in values:
        if values["answers_as"] not in LAYOUTS:
            raise UsageError(f"{place('answers_as')} {values['answers_as']}: expected one of {', '.join(LAYOUTS)}")
        fields["answers_as"] = values["answers_as"]
    fields["terms"] = _terms(values, place)
    return fields


def _terms(values: Mapping[str, Any], place: Callable[[str], str]) -> Terms:
    terms: dict[str, Any] = {name: values[name] for name in ("prices", "retry_wait_s") if name in values}
    if "concurrency" in values:
        terms["concurrency"] = whole_number(place("concurrency"), values["concurrency"])
    if "max_cost" in values:
        terms["max_cost_usd"] = number_above_0(place("max_cost"), values["max_cost"])
    return Terms(**terms)


def _seed(place: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise UsageError(f"{place} {value}: expected a whole number") from None


def _texts(place: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str | Path):
        return (str(value),)
    if not isinstance(value, list | tuple) or not all(isinstance(part, str | Path) for part in value):
        raise UsageError(f"{place} {value}: expected a list of texts")
    return tuple(map(str, value))


def _answer_file(text: str) -> AnswerFile:
    """NAME=FILE or FILE."""
    name, equals, rest = text.partition("=")
    if equals and not Path(text).exists():
        return AnswerFile(path=Path(rest), name=name or None)
    return AnswerFile(path=Path(text))


class _Speakers:
    """Who answers and who judges, each checked as far as can be without asking."""

    def __init__(
        self,
        values: Mapping[str, Any],
        flags: Mapping[str, Any],
        project: Mapping[str, Any],
        config: Path | None,
        environ: Mapping[str, str],
    ) -> None:
        self._values, self._flags, self._environ = values, flags, environ
        self._declared = {name: declared_endpoint(name, of, config) for name, of in project.get("endpoint", {}).items()}
        self._roles, self._config = project.get("roles", {}), config

    def all(self) -> dict[str, Any]:
        """The fields `systems`, `judge` and `baseline` of the settings."""
        sampling = self._sampling()
        systems: dict[str, Speaker] = {}
        for spec in _texts(self._place("models"), self._values.get("models", ())):
            name, endpoint = self._named(spec, self._place("models"))
            if name in systems:
                raise UsageError(
                    f"{self._place('models')} {spec}: two models are called {name}; name one as NAME={spec}"
                )
            systems[name] = Speaker(endpoint=endpoint, sampling=sampling)
        baseline = self._values.get("baseline")
        if baseline is not None and baseline not in systems and self._is_endpoint(str(baseline)):
            name, endpoint = self._named(str(baseline), self._place("baseline"))
            systems.setdefault(name, Speaker(endpoint=endpoint, sampling=sampling))
            baseline = name
        judge = self._judge()
        return {"systems": self._limited(systems), "judge": judge, "baseline": baseline, "play": self._play()}

    def _play(self) -> PlaySettings | None:
        """What --play, --sector, --rounds and --simulator give together."""
        values = self._values
        if "play" not in values:
            for name in ("sector", "rounds", "simulator"):
                if name in self._flags:
                    raise UsageError(f"--{name} {values[name]}: is for --play N")
            return None
        if "simulator" not in values:
            raise UsageError("--simulator is missing: --play needs somebody who plays the user; name an endpoint")
        _, endpoint = self._named(str(values["simulator"]), self._place("simulator"))
        fields: dict[str, Any] = {"n": whole_number("--play", values["play"]), "simulator": Speaker(endpoint=endpoint)}
        if "sector" in values:
            fields["sector"] = str(values["sector"])
        if "rounds" in values:
            low, dash, high = str(values["rounds"]).partition("-")
            if not low.isdecimal() or (dash and not high.isdecimal()):
                raise UsageError(f"--rounds {values['rounds']}: expected A-B, as 3-7")
            fields["rounds"] = (int(low), int(high if dash else low))
            if not 1 <= fields["rounds"][0] <= fields["rounds"][1]:
                raise UsageError(f"--rounds {values['rounds']}: expected A-B with 1 <= A <= B")
        return PlaySettings(**fields)

    def _sampling(self) -> Sampling:
        fields: dict[str, Any] = {}
        if "temperature" in self._values:
            value = str(self._values["temperature"])
            fields["temperature"] = 0.0 if value in ("0", "0.0") else number_above_0("--temperature", value)
        if "max_tokens" in self._values:
            fields["max_tokens"] = whole_number("--max-tokens", self._values["max_tokens"])
        return Sampling(**fields)

    def _place(self, name: str) -> str:
        option = {"models": "--model", "benchmarks": "--benchmark"}.get(name, f"--{name.replace('_', '-')}")
        return option if name in self._flags else f"[evaluate] {name} ="

    def _is_endpoint(self, text: str) -> bool:
        head, _, rest = text.partition("=")
        spec = rest if rest and not text.startswith("http") else head
        known = spec.startswith(("http://", "https://", LOCAL)) or spec.partition("#")[0] in ("openai", "builtin")
        return known or spec in self._declared or (Path(spec) / "config.json").exists()

    def _named(self, spec: str, place: str) -> tuple[str, Endpoint]:
        """[NAME=]E[#MODEL]: an endpoint, and what it is called in the report."""
        name, equals, rest = spec.partition("=")
        text = rest if equals and not spec.startswith(("http://", "https://")) else spec
        text, _, model = text.partition("#")
        endpoint = self._endpoint(text, place)
        if model:
            if endpoint.is_builtin or endpoint.local_model is not None:
                raise UsageError(f"{place} {spec}: {text} names its model already; leave #{model} out")
            endpoint = endpoint.model_copy(update={"model": model})
        endpoint = identified(endpoint)
        refuse_user(place, endpoint, "answer, judge, or write the openers of --play")
        endpoint.check(self._environ)
        own = name if text != spec.partition("#")[0] else None
        return own or _called(endpoint, text), endpoint

    def _endpoint(self, text: str, place: str) -> Endpoint:
        if text in self._declared:
            return self._declared[text]
        if any((Path(text) / part / "config.json").exists() for part in ("", "model")):
            text = f"{LOCAL}{text}"
        if text not in (MAIN, "openai", "builtin") and not text.startswith(("http://", "https://", LOCAL)):
            known_keys({text: None}, [*self._declared, "openai", "builtin", "http(s)://HOST/v1", f"{LOCAL}PATH"], place)
        try:
            return resolve(None if text == MAIN else text, None, self._environ)
        except UsageError as error:  # it speaks of the option of `gen run`
            raise UsageError(str(error).replace("--endpoint", place, 1)) from None

    def _judge(self) -> Speaker | None:
        value: Any = self._values.get("judge", self._roles.get("judge"))
        if value is None:
            if "judge_model" in self._flags:
                raise UsageError(
                    f"--judge-model {self._values['judge_model']}: nobody judges; name an endpoint: --judge"
                )
            return None
        place = self._place("judge") if "judge" in self._values else f"{self._config}: [roles] judge ="
        table = value if isinstance(value, dict) else {"endpoint": value}
        known_keys(table, ROLE_KEYS, place)
        _, endpoint = self._named(str(table.get("endpoint", MAIN)), place)
        if endpoint.is_builtin:
            raise UsageError(f"{place} builtin: it is no language model and cannot judge; name one")
        if "judge_model" in self._values:
            endpoint = endpoint.model_copy(update={"model": str(self._values["judge_model"])})
        try:
            sampling = Sampling(**{name: part for name, part in table.items() if name != "endpoint"})
        except ValidationError as error:
            raise UsageError(f"{place}: {one_line(error)}") from None
        return Speaker(endpoint=endpoint, sampling=sampling)

    def _limited(self, systems: Mapping[str, Speaker]) -> dict[str, Speaker]:
        """With one limit for all that share a server and a key."""
        limited = agreed({name: speaker.endpoint for name, speaker in systems.items()})
        return {name: speaker.model_copy(update={"endpoint": limited[name]}) for name, speaker in systems.items()}


def _called(endpoint: Endpoint, text: str) -> str:
    """A system's name where nobody gave one: its model's, without the hash of a local one where that is plain."""
    if endpoint.is_builtin:
        return "builtin"
    return endpoint.model or text
