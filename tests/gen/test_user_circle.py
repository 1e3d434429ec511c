"""The circle of the user's side: dialogues teach a model who asks, and it plays the user of the next ones."""

from pathlib import Path

import pytest
from runs import Disk, gen

RUN = ("run", "--sector", "world-questions", "--endpoint", "builtin")
TAUGHT = ("--train-on", "user", "--set", "brief=true", "--set", "endings=true", "--set", "scratch.context=1024")
SHORT = ("--max-steps", "100", "--lr", "3e-3", "--validation", "10", "--eval-every", "100", "--save-every", "100")


@pytest.mark.slow
async def test_a_model_taught_on_users_plays_the_user(tmp_path: Path) -> None:
    (await gen(*RUN, "--n", 250, "--rounds", "2-4", "--out", tmp_path / "first")).check(0)
    taught = await gen("train", tmp_path / "first", "--out", tmp_path / "users", *TAUGHT, *SHORT, within_s=180)
    taught.check(0)
    user = f"local:{tmp_path / 'users'}"
    words = (*RUN, "--trained-user", user, "--n", 28, "--rounds", "2-3", "--seed", 3, "--out", tmp_path / "next")
    said = await gen(*words, within_s=180)
    assert said.status in (0, 1), said.err
    assert "taught the user's side: it speaks for itself, told who it is by a brief" in said.err
    disk = Disk.of(tmp_path / "next")
    assert len(disk.dialogues) >= 20, disk.reasons
    assert set(disk.reasons) <= {"markers", "repeat", "bad_reply", "role_exchange"}, "no request was refused"
    assert all(row["user_model"].startswith("users-") for row in disk.dialogues)
    again = await gen(*words, within_s=60)
    assert Disk.of(tmp_path / "next").role("user") == disk.role("user"), "what is there is not asked again"
    assert again.status == said.status
    more = await gen("train", tmp_path / "next", "--out", tmp_path / "more", "--model", tmp_path / "users", "--plan")
    more.check(0)
    assert "train_on = user: the model's own" in more.out + more.err
