"""Whose turns a local model of ours was taught to write, and so which part it can play."""

from collections.abc import Mapping
from typing import Any

from dialogue.errors import UsageError
from generator.client.endpoint import LOCAL, Endpoint
from generator.client.local import facts_of
from generator.settings import RoleSettings


def cast(roles: Mapping[str, RoleSettings], endpoints: Mapping[str, Endpoint]) -> dict[str, RoleSettings]:
    """The roles, a user whose folder says that it was taught the user's side as such, with a brief if it had one.

    Raises UsageError where a model would have to write turns that it was not taught.
    """
    return {role: _cast(role, part, endpoints[part.endpoint]) for role, part in roles.items()}


def refuse_user(place: str, endpoint: Endpoint, what: str) -> None:
    """Raise UsageError where a model of the user's side is named, at a place, for what it cannot do."""
    if _settings(endpoint).get("train_on") == "user":
        raise UsageError(
            f"{place} {LOCAL}{endpoint.local_model}: was taught the user's side (train_on = user) and cannot {what}; "
            "gen run --trained-user has it play the user"
        )


def _settings(endpoint: Endpoint) -> Mapping[str, Any]:
    """What the training of a model of ours was asked; empty for any other endpoint."""
    found = facts_of(endpoint).get("settings")
    return found if isinstance(found, dict) else {}


def _cast(role: str, part: RoleSettings, endpoint: Endpoint) -> RoleSettings:
    settings = _settings(endpoint)
    taught = settings.get("train_on")
    if taught is None:
        return part
    place = f"{LOCAL}{endpoint.local_model}"
    if taught == "user" and role != "user":
        raise UsageError(
            f"{place}: was taught the user's side (train_on = user) and cannot be the {role}; name another --endpoint, "
            f"and this one by --trained-user {place}"
        )
    if taught == "user":
        return part.model_copy(update=_as_taught(part, place, bool(settings.get("brief"))))
    if part.trained:
        raise UsageError(
            f"{place}: was taught with train_on = {taught}, not the user's side; train one with --train-on user, or "
            "let it play the user as a simulator: [roles] user without trained"
        )
    return part


def _as_taught(part: RoleSettings, place: str, brief: bool) -> dict[str, bool]:
    """What is so of the user, since its model was taught so. UsageError where something else is stated."""
    found = {"trained": True, "brief": brief}
    for name, taught in found.items():
        asked = getattr(part, name)
        if name in part.model_fields_set and asked != taught:
            mend = "leave it out, or train one with it" if name == "brief" else "leave it out, or name another model"
            raise UsageError(
                f"[roles] user: {name} = {str(asked).lower()}: {place} was taught the user's side "
                f"{'with' if brief else 'without'} a brief, and is asked as it was taught; {mend}"
            )
    return found
