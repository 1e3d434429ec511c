"""All examples of a training in one folder: made whole, found again, held out by the hash of an id."""

import json
import os
import signal
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from small_trainings import rows, toy, write
from spoken import HOSTILE, MARKS, dialogues, fitted

from dialogue.chance import hash64
from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message, encode
from trainer.batches import held_out
from trainer.batches import store as stores
from trainer.batches.sources import sources
from trainer.batches.store import Store, View, build
from trainer.settings import TrainSettings
from trainer.text.audit import Audit
from trainer.text.example import Example
from trainer.text.examples import examples
from trainer.text.render import renderer
from trainer.text.template import FOLDER


def made(asked: TrainSettings, where: str = "data") -> Store:
    """The store of the settings, in a folder of their `out`."""
    return build(asked, renderer(fitted(asked.template), asked), asked.out / where, sources(asked.data))


def rendered(asked: TrainSettings, found: list[Dialogue]) -> list[Example]:
    speech = renderer(fitted(asked.template), asked)
    return [one for dialogue in found for one in examples(dialogue, speech, asked, Audit())]


def same(store: Store, wanted: list[Example]) -> bool:
    return len(store) == len(wanted) and all(
        all(np.array_equal(mine, theirs) for mine, theirs in zip(store[place][1:], one[1:], strict=True))
        for place, one in enumerate(wanted)
    )


def read_rows(path: Path) -> list[Dialogue]:
    return [Dialogue.model_validate_json(line) for line in path.read_bytes().split(b"\n") if line]


def held_ids(asked: TrainSettings) -> set[str]:
    return {one.id for one in made(asked).held_dialogues()}


def test_the_store_holds_what_rendering_gives(tmp_path: Path) -> None:
    asked = toy(tmp_path, count=700)
    store, wanted = made(asked), rendered(asked, read_rows(asked.data[0]))
    assert same(store, wanted)
    assert store.lengths.tolist() == [len(one.input_ids) for one in wanted]
    assert store.sums.tolist() == [one.taught for one in wanted]
    assert (store.audit.dialogues, store.audit.examples) == (700, 700)
    assert (store.audit.tokens, store.audit.weight) == (int(store.lengths.sum()), float(store.sums.sum()))


def test_a_store_is_found_again_by_what_it_was_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = toy(tmp_path)
    first = made(asked)
    monkeypatch.setattr(stores, "_make", lambda *_: pytest.fail("made anew"))
    again = made(asked.model_copy(update={"lr": 1.0, "micro_tokens": 512, "seed": 5, "epochs": 1}))
    assert again.key == first.key
    assert again.audit.as_dict() == first.audit.as_dict()


@pytest.mark.parametrize(
    "changed",
    [
        {"train_on": "all"},
        {"train_on": "user"},
        {"max_length": 20},
        {"template": "vicuna"},
        {"validation": 0.2},
        {"weight_by": "weight"},
        {"thoughts": "keep"},
        {"overflow": "refuse"},
        {"format": "messages"},
    ],
)
def test_other_settings_make_it_anew(tmp_path: Path, changed: dict[str, Any]) -> None:
    asked = toy(tmp_path)
    first = made(asked)
    other = asked.model_copy(update=changed)
    assert made(other).key != first.key
    assert made(asked).key == first.key


def test_other_data_make_it_anew(tmp_path: Path) -> None:
    asked = toy(tmp_path)
    first = made(asked)
    write(asked.data[0], rows(121))
    second = made(asked)
    assert (second.key != first.key, len(second)) == (True, 121)


def test_other_spans_without_loss_make_it_anew(tmp_path: Path) -> None:
    """What a template never teaches shows in no text that it writes."""
    own = tmp_path / "own.toml"
    own.write_text((FOLDER / "chatml.toml").read_text())
    asked = toy(tmp_path, template=str(own), train_on="all")
    first = made(asked)
    own.write_text('never = ["user"]\n' + own.read_text())
    assert made(asked).audit.taught < first.audit.taught


def test_another_tokenizer_makes_it_anew(tmp_path: Path) -> None:
    asked = toy(tmp_path)
    first = made(asked)
    other = renderer(fitted(vocabulary=400), asked)
    assert build(asked, other, asked.out / "data", sources(asked.data)).key != first.key


def test_a_store_that_was_opened_can_be_read_after_another_took_its_place(tmp_path: Path) -> None:
    asked = toy(tmp_path)
    first = made(asked)
    before = first[3]
    made(asked.model_copy(update={"train_on": "all"}))
    assert np.array_equal(first[3].labels, before.labels)


@pytest.mark.parametrize(("share", "about"), [(0.1, 200), (0.5, 1000)])
def test_a_share_is_held_out_and_stays_held_out_when_the_data_grows(tmp_path: Path, share: float, about: int) -> None:
    asked = toy(tmp_path, count=2000, validation=share)
    before = held_ids(asked)
    assert abs(len(before) - about) < 4 * (about * (1 - share)) ** 0.5
    write(asked.data[0], [*reversed(rows(2000)), *rows(3000, seed=1)[2000:]])
    after = held_ids(asked)
    assert {id for id in after if int(id[1:]) < 2000} == before


def test_so_many_are_held_out_those_of_the_smallest_hashes(tmp_path: Path) -> None:
    asked = toy(tmp_path, count=300, validation=17)
    before = held_ids(asked)
    assert len(before) == 17
    write(asked.data[0], [*reversed(rows(300)), *rows(400, seed=1)[300:]])
    after = held_ids(asked)
    assert len(after) == 17
    assert {id for id in after if int(id[1:]) < 300} <= before


@pytest.mark.parametrize("validation", [0.9, 900])
def test_what_is_held_out_waits_on_the_disk(tmp_path: Path, validation: float) -> None:
    """A twentieth of ten million dialogues would not fit in memory."""
    message = Message(role="user", content="word " * 4_000)
    with (tmp_path / "looked").open("wb+") as file:
        tracemalloc.start()
        choice = held_out.HeldOut(validation, file)
        for number in range(1_000):
            choice.look(hash64("held out", str(number)), Dialogue(id=str(number), messages=(message,)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        lines = list(choice.lines())
    assert peak < 2_000_000
    assert len(lines) == pytest.approx(900, abs=40)
    hashes = [hash64("held out", json.loads(line)["id"]) for line in lines]
    assert hashes == sorted(hashes)
    assert max(hashes) < choice.bound()


@pytest.mark.parametrize("validation", [0.3, 5])
def test_the_pieces_of_a_dialogue_stand_on_one_side(tmp_path: Path, validation: float) -> None:
    """Of a dialogue of which one half is learned the other half is no test."""
    asked = toy(tmp_path, count=40, validation=validation, max_length=30, thoughts="none")
    store = made(asked)
    assert len(store) > 60
    assert store.audit.split > 20
    held = [one for one in read_rows(asked.data[0]) if one.id in held_ids(asked)]
    assert same_set(store, store.held, rendered(asked, held))
    rest = [one for one in read_rows(asked.data[0]) if one.id not in held_ids(asked)]
    assert same_set(store, store.learned, rendered(asked, rest))


def same_set(store: Store, places: Any, wanted: list[Example]) -> bool:
    return [store[int(place)].input_ids.tolist() for place in places] == [one.input_ids.tolist() for one in wanted]


@pytest.mark.parametrize("validation", [0.5, 3])
def test_dialogues_of_one_id_stand_on_one_side(tmp_path: Path, validation: float) -> None:
    asked = toy(tmp_path, validation=validation)
    write(asked.data[0], [{**row, "id": f"same{number % 10}"} for number, row in enumerate(rows(60))])
    store = made(asked)
    wanted = held_ids(asked)
    ids = [one.id for one in read_rows(asked.data[0])]
    assert {ids[place] for place in store.held} == wanted
    assert not {ids[place] for place in store.learned} & wanted


def test_nothing_is_held_out_where_nothing_is_asked_for(tmp_path: Path) -> None:
    store = made(toy(tmp_path))
    assert (len(store.held), len(store.learned), list(store.held_dialogues())) == (0, 120, [])


def test_a_view_numbers_its_examples_anew(tmp_path: Path) -> None:
    store = made(toy(tmp_path, validation=20))
    view = View(store, store.held)
    assert len(view.lengths) == 20
    assert view[3].input_ids.tolist() == store[int(store.held[3])].input_ids.tolist()
    some = store.held[[3, 0]]
    assert view.counts([3, 0]) == (float(store.sums[some].sum()), int(store.lengths[some].sum()))


def test_weights_of_messages_are_kept_as_they_are(tmp_path: Path) -> None:
    asked = toy(tmp_path, weight_by="weight")
    told = rows(30)
    for number, row in enumerate(told):
        for message in row["messages"]:
            if message["role"] == "assistant":
                message["weight"] = [0.0, 0.25, 1.0, 3.5][number % 4]
    write(asked.data[0], told)
    store = made(asked)
    assert set(store.sums[:3] / [one.taught for one in (store[place] for place in range(3))]) == {0.25, 1.0, 3.5}
    assert store.audit.refused == {"nothing to learn": 8}
    assert same(store, rendered(asked, read_rows(asked.data[0])))


def test_weights_by_score_and_by_class_are_kept_as_they_are(tmp_path: Path) -> None:
    asked = toy(tmp_path, weight_by="scores.help")
    write(asked.data[0], [{**row, "scores": {"help": number / 7}} for number, row in enumerate(rows(9))])
    assert same(made(asked), rendered(asked, read_rows(asked.data[0])))


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_without_a_dialogue_there_is_nothing_to_learn_from(tmp_path: Path, text: str) -> None:
    asked = toy(tmp_path)
    asked.data[0].write_text(text)
    with pytest.raises(UsageError, match=r"data\.jsonl: nothing to learn from"):
        made(asked)


def test_where_all_is_held_out_nothing_is_left_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"beside the 120 examples that are held out; lower validation = 500 \("):
        made(toy(tmp_path, validation=500))


def test_where_no_one_answers_there_is_nothing_to_learn_from_and_it_says_why(tmp_path: Path) -> None:
    asked = toy(tmp_path)
    write(asked.data[0], [{"id": "a", "messages": [{"role": "user", "content": "Anyone?"}]}])
    with pytest.raises(UsageError, match="nothing to learn: 1"):
        made(asked)


def test_refusals_name_file_and_line(tmp_path: Path) -> None:
    asked = toy(tmp_path, count=2)
    silent = {"id": "mute", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": " "}]}
    more = tmp_path / "more.json"
    more.write_text(json.dumps([*rows(3), silent]))
    store = made(asked.model_copy(update={"data": (*asked.data, more)}))
    assert store.audit.lines()[-1] == f"refused, an empty answer: 1 (the first: {more}:4 (mute))"
    assert Store(store.folder).audit.places == {"an empty answer": f"{more}:4 (mute)"}


@pytest.mark.parametrize("broken", ['{"id": "x", "messages": [', '{"id": "x"}', "\x00"])
def test_a_broken_row_is_named_and_leaves_no_folder(tmp_path: Path, broken: str) -> None:
    asked = toy(tmp_path)
    asked.data[0].write_text(json.dumps(rows(1)[0]) + "\n" + broken + "\n")
    with pytest.raises(UsageError, match=r"data\.jsonl:2"):
        made(asked)
    assert not list(asked.out.iterdir())


def test_data_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent: no such file"):
        sources([tmp_path / "absent"])
    with pytest.raises(UsageError, match=r"no dialogues\.jsonl, kept\.jsonl, nor other \.jsonl"):
        sources([tmp_path])


def test_of_a_filters_folder_what_it_kept_is_read(tmp_path: Path) -> None:
    write(tmp_path / "dialogues.jsonl", rows(2))
    assert sources([tmp_path])[0].path == tmp_path / "dialogues.jsonl"
    write(tmp_path / "kept.jsonl", rows(1))
    assert sources([tmp_path])[0].path == tmp_path / "kept.jsonl"


def test_a_kill_while_it_is_made_leaves_no_store_and_the_next_one_is_whole(tmp_path: Path) -> None:
    asked = toy(tmp_path, count=2000)
    asked.out.mkdir()
    if (pid := os.fork()) == 0:
        real, left = stores._Written.add, [1500]

        def write_some(*parts: Any) -> None:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*parts)

        stores._Written.add = write_some  # type: ignore[method-assign]
        try:
            made(asked)
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    assert not (asked.out / "data").exists()
    assert len(made(asked)) == 2000
    assert [path.name for path in asked.out.iterdir()] == ["data"]


def test_a_store_whose_note_is_torn_is_made_anew(tmp_path: Path) -> None:
    asked = toy(tmp_path)
    made(asked)
    (asked.out / "data" / "store.json").write_text('{"key": "')
    assert len(made(asked)) == 120


def test_line_separators_and_marks_in_the_words_change_nothing(tmp_path: Path) -> None:
    """U+2028 ends no line of JSONL, and a control token that was typed is text."""
    asked = toy(tmp_path, validation=0.5)
    words = [f"a\u2028b {mark} \x85 c" for mark in MARKS]
    told = [
        {
            "id": f"\u2028{number}",
            "messages": [{"role": "user", "content": word}, {"role": "assistant", "content": word}],
        }
        for number, word in enumerate(words)
    ]
    write(asked.data[0], told)
    store, all_of_them = made(asked), read_rows(asked.data[0])
    assert len(all_of_them) == len(MARKS)
    assert same(store, rendered(asked, all_of_them))
    held = list(store.held_dialogues())
    assert held
    assert {one.id: one.messages for one in held}.items() <= {one.id: one.messages for one in all_of_them}.items()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dialogues(HOSTILE))
def test_whatever_is_said_comes_out_as_it_was_rendered(tmp_path: Path, dialogue: Dialogue) -> None:
    asked = toy(tmp_path, max_length=64, train_on="all")
    asked.data[0].write_bytes(encode(dialogue))
    wanted = rendered(asked, [dialogue])
    if wanted:
        assert same(made(asked), wanted)
