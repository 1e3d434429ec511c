"""Files held out whole: encoded as the data, looked at, never learned from."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from small_trainings import rows, told, toy, write
from spoken import fitted

from dialogue.errors import UsageError
from dialogue.records import content_id, decode
from trainer.batches.held_out import TWICE
from trainer.batches.sources import read_by
from trainer.batches.store import Store, build
from trainer.loop import checkpoint
from trainer.loop.plan import plan
from trainer.loop.shown import shown
from trainer.loop.train import train
from trainer.settings import TrainSettings
from trainer.text.render import renderer

OURS = "wq-0f3a91c25d7e8b16"


def numbered(count: int, mark: str) -> list[dict[str, Any]]:
    """Dialogues of which no two say the same."""
    made = rows(count)
    for number, row in enumerate(made):
        row["messages"][0]["content"] += f" {mark}{number}"
    return made


def with_dev(folder: Path, dev: list[dict[str, Any]], *, count: int = 40, **changes: Any) -> TrainSettings:
    """A training of so many dialogues, with a file for validation."""
    write(folder / "data.jsonl", numbered(count, "n"))
    return toy(folder, validation=(write(folder / "dev.jsonl", dev),), **changes)


def stored(asked: TrainSettings) -> Store:
    return build(asked, renderer(fitted(asked.template), asked), asked.out / "data", read_by(asked))


def test_a_file_is_held_out_and_the_data_are_learned_whole(tmp_path: Path) -> None:
    dev = numbered(7, "m")
    asked = with_dev(tmp_path, dev, overflow="split")
    (tmp_path / "more.jsonl").write_text(json.dumps(numbered(9, "more")))
    asked = asked.model_copy(update={"validation": (*asked.held_files, tmp_path / "more.jsonl")})
    store = stored(asked)
    assert (len(store.learned), len(store.held)) == (40, 16)
    assert [one.id for one in store.held_dialogues()] == [f"d{n}" for n in [*range(7), *range(9)]]
    alone = stored(toy(tmp_path, out="alone"))
    assert [store[int(place)].input_ids.tolist() for place in store.learned] == [
        alone[place].input_ids.tolist() for place in range(40)
    ]
    assert store.audit == alone.audit
    assert store.audit_of_files is not None
    assert (store.audit_of_files.dialogues, store.audit_of_files.examples) == (16, 16)
    assert store.lines()[-2].startswith("validation: 16 dialogues -> 16 examples")


def test_what_stands_in_both_is_held_out_and_counted(tmp_path: Path) -> None:
    same, dev = numbered(40, "n"), numbered(5, "m")
    dev[0] = {**same[30], "id": "under-another-id"}
    store = stored(with_dev(tmp_path, dev))
    assert (len(store.learned), len(store.held)) == (39, 5)
    place = f"{tmp_path / 'data.jsonl'}:31 (d30)"
    assert (store.audit.refused[TWICE], store.audit.places[TWICE]) == (1, place)
    assert f"refused, stands in the validation data too: 1 (the first: {place})" in store.lines()


def test_an_id_that_only_one_dialogue_has_tells_it_though_its_words_were_changed(tmp_path: Path) -> None:
    said = numbered(1, "q")[0]["messages"]
    for number, (id, left) in enumerate(
        [(OURS, 39), ("d3", 40), (content_id(decode({"messages": said}).messages), 39)]
    ):
        (folder := tmp_path / str(number)).mkdir()
        asked = with_dev(folder, [{**numbered(1, "m")[0], "id": id}])
        data = numbered(40, "n")
        data[3]["id"] = id
        write(folder / "data.jsonl", data)
        assert len(stored(asked).learned) == left, id


def test_what_a_users_model_is_told_and_taught_besides_hides_no_dialogue_that_stands_in_both(tmp_path: Path) -> None:
    data = [{**row, "seed": {"topic": "towns"}, "stop": "user_stopped"} for row in numbered(40, "n")]
    dev = [*numbered(40, "n")[28:31], *numbered(4, "m")]  # another layout tells neither seed nor stop
    asked = with_dev(tmp_path, dev, train_on="user", brief=True, endings=True)
    write(tmp_path / "data.jsonl", data)
    store = stored(asked)
    assert (len(store.learned), len(store.held), store.audit.refused[TWICE]) == (37, 7, 3)
    said = list[str]()
    look(asked, 50, said)
    assert any(line.startswith("refused, stands in the validation data too: 3 ") for line in said)


def test_a_store_is_found_again_by_what_the_files_hold(tmp_path: Path) -> None:
    asked = with_dev(tmp_path, numbered(5, "m"))
    key = stored(asked).key
    (tmp_path / "dev.jsonl").rename(tmp_path / "moved.jsonl")
    moved = asked.model_copy(update={"validation": (tmp_path / "moved.jsonl",)})
    assert stored(moved).key == key
    write(tmp_path / "moved.jsonl", numbered(6, "m"))
    assert stored(moved).key != key
    assert len(stored(moved).held) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"validation: .*dev.jsonl: nothing is taught in it \(no dialogue in it\)"),
        ('{"messages": [{"role": "user", "content": "a"}]}\n', r"nothing is taught in it .*refused.*: 1 \(the first"),
        ("{nothing\n{}\n", r"dev.jsonl:1: not JSON"),
    ],
    ids=["empty", "without an answer", "not JSON"],
)
def test_a_file_of_no_use_is_told_before_anything_is_learned(tmp_path: Path, text: str, message: str) -> None:
    asked = with_dev(tmp_path, [])
    (tmp_path / "dev.jsonl").write_text(text)
    for doing in (lambda: train(asked, lambda _: None), lambda: plan(asked), lambda: list(look(asked))):
        with pytest.raises(UsageError, match=message):
            doing()
    assert not asked.out.exists()


def look(asked: TrainSettings, count: int = 3, said: list[str] | None = None) -> list[str]:
    return list(shown(asked, count, marks=("<", ">"), said=(said if said is not None else []).append))


def test_what_is_held_out_is_not_shown_and_is_planned(tmp_path: Path) -> None:
    dev = [*numbered(2, "n"), *numbered(5, "m")]
    asked, said = with_dev(tmp_path, dev), list[str]()
    painted = look(asked, said=said)
    assert [text.split(":")[0] for text in painted] == ["d2", "d3", "d4"]
    assert any(line.startswith("validation: 7 dialogues -> 7 examples") for line in said)
    found = plan(asked)
    assert (found.examples, found.held_out) == (38, 7)
    place = f"{tmp_path / 'data.jsonl'}:1 (d0)"
    assert found.notes[0] == f"refused, stands in the validation data too: 2 (the first: {place})"


def test_a_plan_tells_what_the_file_loses(tmp_path: Path) -> None:
    dev = numbered(3, "m")
    del dev[1]["messages"][1:]
    place = f"{tmp_path / 'dev.jsonl'}:2 (d1)"
    notes = plan(with_dev(tmp_path, dev)).notes
    assert [one for one in notes if one.startswith("validation: refused") and one.endswith(f"(the first: {place})")]


def test_the_data_as_their_own_validation_leave_nothing(tmp_path: Path) -> None:
    asked = with_dev(tmp_path, [])
    with pytest.raises(UsageError, match=r"nothing to learn from .*stands in the validation data too: 40"):
        train(asked.model_copy(update={"validation": asked.data}), lambda _: None)


def test_a_training_looks_at_the_file_and_says_so(tmp_path: Path) -> None:
    looked: dict[str, Any] = {"max_steps": 8, "eval_every": 4, "save_every": 4, "samples": 1, "exact": 3}
    asked, said = with_dev(tmp_path, [*numbered(5, "m"), numbered(40, "n")[39]], **looked), list[str]()
    summary = train(asked, said.append)
    assert "held out: 6 examples; 39 are learned from" in said
    assert any(line.startswith("validation: 6 dialogues") for line in said)
    assert summary["audit_of_validation"]["examples"] == 6
    assert (summary["n"], summary["best_step"]) == (3, 8)
    entries = [json.loads(line) for line in (asked.out / "log.jsonl").read_text().splitlines()]
    assert [one["samples"][0]["id"] for one in entries if "samples" in one] == ["d0", "d0"]
    request = json.loads((asked.out / "train.json").read_text())
    assert [one["path"] for one in request["validation"]] == [str(tmp_path / "dev.jsonl")]
    card = (asked.out / "model" / "README.md").read_text()
    assert f"/dev.jsonl (validation) | {request['validation'][0]['sha256']} |" in card
    assert str(tmp_path) not in card
    assert f"(the first: {tmp_path.name}/data.jsonl:40 (d39))" in card


def test_it_goes_on_with_the_same_file_wherever_it_lies_and_with_no_other(tmp_path: Path) -> None:
    never = with_dev(tmp_path, numbered(9, "m"), max_steps=8, save_every=4, eval_every=4)
    train(never, lambda _: None)
    cut = never.model_copy(update={"out": tmp_path / "cut"})
    (cut.out / "checkpoints").mkdir(parents=True)
    subprocess.run(["cp", "-r", checkpoint.step_folder(never.out, 4), cut.out / "checkpoints"], check=True)
    subprocess.run(["cp", "-r", never.out / "tokenizer", never.out / "train.json", cut.out], check=True)
    for other, message in (
        ((write(tmp_path / "other.jsonl", numbered(8, "m")),), "validated on other data; name another folder"),
        (0.1, "was asked with validation = .*dev.jsonl'], now 0.1"),
    ):
        with pytest.raises(UsageError, match=message):
            train(cut.model_copy(update={"validation": other}), lambda _: None)
    (tmp_path / "dev.jsonl").rename(tmp_path / "moved.jsonl")
    train(cut.model_copy(update={"validation": (tmp_path / "moved.jsonl",)}), lambda _: None)
    mine, theirs = (one.out / "model" / "model.safetensors" for one in (cut, never))
    assert mine.read_bytes() == theirs.read_bytes()
    assert told(cut.out, "eval_loss") == told(never.out, "eval_loss")[1:]
