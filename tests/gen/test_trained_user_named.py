"""Who may play the user: what a folder of ours says of its training, flags and [roles] over it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dialogue.errors import UsageError
from gen.config import run_settings
from gen.evaluate_config import evaluate_settings
from generator.settings import RunSettings


def folder(place: Path, **settings: Any) -> str:
    """What looks like a model of ours from outside."""
    (place / "model").mkdir(parents=True)
    (place / "model" / "config.json").write_text("{}")
    (place / "model" / "duologue.json").write_text(json.dumps({"settings": settings}))
    return f"local:{place}"


def asked(tmp_path: Path, roles: str = "", **flags: str) -> RunSettings:
    config = tmp_path / "project.toml"
    config.write_text(f"[roles]\n{roles}\n" if roles else "", encoding="utf-8")
    return run_settings({"sector": "world-questions", "n": "2", "out": str(tmp_path / "run"), **flags}, config, {})


@pytest.mark.parametrize("brief", [True, False])
def test_a_folder_that_was_taught_the_users_side_is_known_for_it(tmp_path: Path, brief: bool) -> None:
    users = folder(tmp_path / "users", train_on="user", brief=brief)
    by_table = asked(tmp_path, f'opener = "builtin"\nassistant = "builtin"\nuser = "{users}"')
    by_flag = asked(tmp_path, endpoint="builtin", trained_user=users)
    for settings in (by_table, by_flag):
        assert settings.roles["user"].trained
        assert settings.roles["user"].brief == brief
        assert not settings.roles["assistant"].trained
    assert by_table.identity() == by_flag.identity()
    assert by_flag.identity()["user"]["trained"] is True


def test_what_was_not_told_or_taught_changes_no_runs_hash(tmp_path: Path) -> None:
    plain = asked(tmp_path, endpoint="builtin").identity()
    assert not {"trained", "brief"} & set(plain["user"])


def test_an_assistant_is_no_trained_user_and_a_user_is_no_assistant(tmp_path: Path) -> None:
    users = folder(tmp_path / "users", train_on="user")
    helper = folder(tmp_path / "helper", train_on="assistant")
    with pytest.raises(UsageError, match=r"was taught with train_on = assistant, not the user's side; train one with"):
        asked(tmp_path, endpoint="builtin", trained_user=helper)
    with pytest.raises(UsageError, match=r"cannot be the opener; .* by --trained-user local:"):
        asked(tmp_path, endpoint=users)
    with pytest.raises(UsageError, match="cannot be the assistant"):
        asked(tmp_path, endpoint="builtin", assistant=users)
    as_simulator = asked(tmp_path, f'opener = "builtin"\nassistant = "builtin"\nuser = "{helper}"')
    assert not as_simulator.roles["user"].trained


def test_a_server_of_others_is_one_where_it_is_said(tmp_path: Path) -> None:
    said = asked(tmp_path, endpoint="builtin", trained_user="http://127.0.0.1:9/v1")
    assert (said.roles["user"].trained, said.roles["user"].brief) == (True, True)
    for wrong, why in (
        ('assistant = { endpoint = "builtin", trained = true }', "unknown key 'trained'"),
        ('user = { endpoint = "builtin", trained = "perhaps" }', "trained"),
        ('user = { endpoint = "builtin", brief = true }', "is for a trained user; add trained = true"),
    ):
        with pytest.raises(UsageError, match=why):
            asked(tmp_path, f'opener = "builtin"\n{wrong}')


def test_a_torn_file_of_facts_is_named(tmp_path: Path) -> None:
    users = folder(tmp_path / "users", train_on="user")
    (tmp_path / "users" / "model" / "duologue.json").write_text('{"settings"')
    with pytest.raises(UsageError, match=r"duologue.json: broken JSON .*; copy or fetch it anew"):
        asked(tmp_path, endpoint="builtin", trained_user=users)


@pytest.mark.parametrize("flags", [{"models": ("{users}",)}, {"play": "4", "simulator": "{users}"}])
def test_an_evaluation_has_no_use_for_it(tmp_path: Path, flags: dict[str, Any]) -> None:
    users = folder(tmp_path / "users", train_on="user")
    given = {
        name: tuple(one.format(users=users) for one in value) if isinstance(value, tuple) else value.format(users=users)
        for name, value in flags.items()
    }
    with pytest.raises(UsageError, match=r"was taught the user's side .* cannot answer, judge, or write the openers"):
        evaluate_settings({"models": ("builtin",), "out": str(tmp_path / "e"), **given}, None, {})


@pytest.mark.parametrize(
    ("taught", "stated", "why"),
    [
        (True, "brief = false", "brief = false: local:.* was taught the user's side with a brief, and is asked as it"),
        (False, "brief = true", "brief = true: local:.* was taught the user's side without a brief"),
        (True, "trained = false", "trained = false: local:.* name another model"),
    ],
)
def test_what_is_stated_against_what_the_folder_says_is_refused(
    tmp_path: Path, taught: bool, stated: str, why: str
) -> None:
    users = folder(tmp_path / "users", train_on="user", brief=taught)
    others = 'opener = "builtin"\nassistant = "builtin"\n'
    told = stated if stated.startswith("trained") else f"trained = true, {stated}"
    with pytest.raises(UsageError, match=why):
        asked(tmp_path, f'{others}user = {{ endpoint = "{users}", {told} }}')
    agreeing = f"trained = true, brief = {str(taught).lower()}"
    assert asked(tmp_path, f'{others}user = {{ endpoint = "{users}", {agreeing} }}').roles["user"].brief == taught


def test_an_endpoint_in_its_place_is_a_simulator_with_the_same_sampling(tmp_path: Path) -> None:
    trained = 'user = { endpoint = "http://127.0.0.1:9/v1", trained = true, brief = false, temperature = 0.3 }'
    role = asked(tmp_path, trained, endpoint="builtin").roles["user"]
    assert (role.endpoint, role.trained, role.sampling.temperature) == ("builtin", False, 0.3)
    other = asked(tmp_path, trained, endpoint="builtin", trained_user="http://127.0.0.1:8/v1").roles["user"]
    assert (other.endpoint, other.trained) == ("http://127.0.0.1:8/v1", True)
