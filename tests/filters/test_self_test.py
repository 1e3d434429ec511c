"""What the self-test plants, where, and how it counts; and that it tells of a scan what the scan can do."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.likeness import words
from dialogue.records import Dialogue, Message
from filters.leaks.benchmark import Benchmark, Item
from filters.leaks.index import Index
from filters.leaks.plants import KINDS, edited, recased, truncated, vocabulary
from filters.leaks.rules import Rule
from filters.leaks.scan import Hit, scan
from filters.leaks.self_test import Plant as Planted
from filters.leaks.self_test import fired, items_to_plant, plant, sample, self_test, text_of, wilson

OTHERS = ["anchor", "buoy", "cable", "derrick", "ebb"]
TEXT = "Janet's ducks lay 16 eggs per day; she eats three for breakfast and sells 1,000 of them at $2.50 each."
CHINESE = "小明有三个苹果，他给了小红一个，请问他还剩下几个苹果？"


def chance(seed: int = 0) -> random.Random:
    return random.Random(seed)


texts = st.text(alphabet=st.sampled_from("aZ9_ ,.-'\n苹果のไทย한é"), max_size=60)


@given(texts, st.integers(0, 99))
def test_another_case_and_other_marks_leave_the_words_as_they_are(text: str, seed: int) -> None:
    assert words(recased(text, chance(seed), OTHERS)) == words(text)


@given(texts, st.integers(0, 99))
def test_half_of_a_text_is_its_beginning_with_half_of_its_words(text: str, seed: int) -> None:
    half = truncated(text, chance(seed), OTHERS)
    assert text.startswith(half)
    assert len(words(half)) == min(len(words(text)), max(1, len(words(text)) // 2))


@given(texts, st.integers(0, 99), st.sampled_from([0.1, 0.25, 1.0]))
def test_so_many_words_are_changed_and_no_other(text: str, seed: int, share: float) -> None:
    before, after = words(text), words(edited(share, text, chance(seed), OTHERS))
    assert len(after) == len(before)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    assert changed == (max(1, round(share * len(before))) if before else 0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "verbatim"])
def test_each_kind_changes_the_text_and_is_drawn_by_its_seed(kind: str) -> None:
    made = [KINDS[kind](TEXT, chance(seed), OTHERS) for seed in (1, 1, 2)]
    assert made[0] == made[1]
    assert made[0] != TEXT
    assert kind == "truncated" or made[0] != made[2]


def test_verbatim_is_the_text() -> None:
    assert KINDS["verbatim"](TEXT, chance(), OTHERS) == TEXT


def test_a_chinese_text_is_changed_character_by_character() -> None:
    known = vocabulary(["你好世界", "hello wide world"])
    assert known.of(CHINESE) == ["你", "好", "世", "界"]
    assert known.of(TEXT) == ["hello", "wide", "world"]
    after = edited(0.25, CHINESE, chance(), known.of(CHINESE))
    assert len(words(after)) == len(words(CHINESE))
    assert set(after) - set(CHINESE) <= set("你好世界")


def test_without_other_words_the_changed_ones_are_left_out() -> None:
    assert words(edited(1.0, "ebb and flow", chance(), [])) == []
    assert words(edited(1.0, "ebb EBB", chance(), ["Ebb"])) == []


def test_marks_that_belong_to_a_letter_stay() -> None:
    assert words(recased("हिन्दी, भाषा", chance(), [])) == words("हिन्दी भाषा")
    assert "ि" in recased("हि", chance(), [])


# -- where they are planted, and what is counted


@dataclass
class ToyIndex:
    """Benchmarks and two rules."""

    benchmarks: tuple[Benchmark, ...]
    rules: tuple[Rule, ...] = (Rule("whole", "whole", 1, 0.0, "certain"), Rule("half", "coverage", 1, 0.5, "candidate"))


def toy_scan(index: ToyIndex, dialogues: Sequence[Dialogue]) -> list[list[Hit]]:
    """An item is hit where it stands word for word, and where half of its words stand."""
    return [
        [hit for at, message in enumerate(one.messages) for hit in toy_hits(index, at, message)] for one in dialogues
    ]


def toy_hits(index: ToyIndex, at: int, message: Message) -> Iterable[Hit]:
    said = words(message.content)
    for item in (item for one in index.benchmarks for item in one.items):
        asked = words(text_of(item))
        share = sum(word in said for word in asked) / max(1, len(asked))
        whole = f" {' '.join(asked)} " in f" {' '.join(said)} "
        if asked and share >= 0.5:
            rules = ("whole", "half") if whole else ("half",)
            tier: Any = "certain" if whole else "candidate"
            yield Hit(item.benchmark, item.id, tier, rules[0], rules, "question", at, (0, 1), 1, share, share)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filters.leaks.self_test.scan", toy_scan)


def benchmark(name: str, *questions: str, passage: str | None = None) -> Benchmark:
    items = tuple(Item(name, str(number), (question,), passage=passage) for number, question in enumerate(questions))
    return Benchmark(name, f"{name}.jsonl", items, "0" * 16)


def questions(name: str, count: int) -> Benchmark:
    """Items of ten words that no other has."""
    return benchmark(name, *(" ".join(f"{name}{item}w{word}" for word in range(10)) for item in range(count)))


def host(id: str, rounds: int = 2) -> Dialogue:
    said = [
        Message(role=role, content=f"{role} of {id} speaks for the {turn}th time about buoys and cables")
        for turn in range(rounds)
        for role in ("user", "assistant")
    ]
    return Dialogue(id=id, messages=tuple(said))


HOSTS = [host(f"h{number}") for number in range(30)]


def found(report: dict[str, Any], kind: str, by: str) -> int:
    (entry,) = [entry for entry in report["kinds"] if entry["kind"] == kind]
    (row,) = [row for row in entry["found"] if row["by"] == by]
    return int(row["found"])


def run(index: ToyIndex, hosts: Iterable[Dialogue], **options: Any) -> dict[str, Any]:
    return self_test(index, hosts, **options)  # type: ignore[arg-type]


@given(st.integers(0, 50), st.integers(0, 3))
def test_a_plant_is_a_users_turn_between_whole_turns_of_its_host(seed: int, rounds: int) -> None:
    before = host("x", rounds)
    after, places = plant(before, ["a leak", "its answer"], chance(seed))
    assert [after.messages[at].content for at in places] == ["a leak", "its answer"]
    assert [message.role for message in after.messages] == ["user", "assistant"] * (rounds + 1)
    rest = [message for at, message in enumerate(after.messages) if at not in places]
    assert tuple(rest) == before.messages


def test_the_same_dialogues_are_drawn_in_whatever_order_and_pieces_they_come() -> None:
    whole = sample(HOSTS, 7)
    assert sample(reversed(HOSTS), 7) == whole
    assert sample([*sample(HOSTS[:12], 7), *sample(HOSTS[12:], 7)], 7) == whole
    assert sample(HOSTS, 7, seed=1) != whole
    assert len(sample(iter(HOSTS), 99)) == len(HOSTS)


def test_benchmarks_give_the_same_number_of_items_as_far_as_they_have_them() -> None:
    drawn = items_to_plant([questions("big", 50), questions("small", 3), questions("mid", 20)], 20)
    counts = {name: sum(item.benchmark == name for item in drawn) for name in ("big", "small", "mid")}
    assert counts == {"big": 9, "small": 3, "mid": 8}
    assert len(set(drawn)) == 20


def test_items_without_a_word_are_not_planted() -> None:
    assert items_to_plant([benchmark("b", "?!", "one word", "")], 9) == [Item("b", "1", ("one word",))]


def test_an_item_leaks_with_its_passage_and_its_first_question() -> None:
    assert text_of(Item("b", "0", ("why", "and then"), ("because",), "A story.")) == "A story.\n\nwhy"


def test_counts_are_those_of_the_scan() -> None:
    report = run(ToyIndex((questions("a", 30), questions("b", 30))), HOSTS, plants_per_kind=20)
    assert (report["hosts"], report["items"], report["benchmarks"]) == (20, 20, {"a": 10, "b": 10})
    assert [entry["kind"] for entry in report["kinds"]] == list(KINDS)
    for kind, whole in [("verbatim", 20), ("case_and_punctuation", 20), ("edited_25", 0), ("truncated", 0)]:
        assert (found(report, kind, "certain"), found(report, kind, "whole")) == (whole, whole)
        assert (found(report, kind, "certain or candidate"), found(report, kind, "half")) == (20, 20)


def test_the_line_says_it_in_words() -> None:
    report = run(ToyIndex((questions("a", 30),)), HOSTS, plants_per_kind=10)
    lines = {entry["kind"]: entry["line"] for entry in report["kinds"]}
    assert lines["edited_25"] == (
        "of 10 leaks with a quarter of the words changed, 0 were removed, 10 more would be shown to a judge, 0 missed"
    )


def test_what_fires_without_a_plant_is_counted_apart() -> None:
    said = host("h", 1).messages[0].content
    report = run(ToyIndex((benchmark("a", said, "quite another"),)), [host("h", 1), host("i", 1)], plants_per_kind=2)
    rows = {row["by"]: row for row in report["unplanted"]["found"]}
    assert (rows["certain"]["found"], rows["certain"]["share"], rows["half"]["found"]) == (1, 0.5, 2)


def test_an_item_with_the_same_words_is_as_good() -> None:
    index = ToyIndex((benchmark("a", "How high is the tide?"), benchmark("b", "how high is the tide")))
    item = index.benchmarks[0].items[0]
    dialogue, places = plant(host("h"), [text_of(item)], chance())
    (one,) = fired(index, [Planted(dialogue, places, item)])  # type: ignore[arg-type]
    assert one.named == {"certain", "certain or candidate", "whole", "half"}
    assert one.other == set()


def test_hits_that_name_another_item_or_lie_elsewhere_are_not_found() -> None:
    index = ToyIndex((benchmark("a", "how high is the tide", "how low is the ebb", "speaks for the"),))
    dialogue, places = plant(host("h"), ["how high is the tide"], chance())
    (one,) = fired(index, [Planted(dialogue, places, index.benchmarks[0].items[1])])  # type: ignore[arg-type]
    assert "whole" not in one.named
    assert "whole" in one.other
    (two,) = fired(index, [Planted(dialogue, places, index.benchmarks[0].items[2])])  # type: ignore[arg-type]
    assert not two.named


def test_rewritten_items_are_planted_where_a_text_is_given() -> None:
    index = ToyIndex((questions("a", 3),))
    text = " ".join(words(text_of(index.benchmarks[0].items[1]))[:6])
    report = run(index, HOSTS, plants_per_kind=2, rephrased={("a", "1"): text, ("gone", "1"): "x"})
    entry = report["kinds"][-1]
    assert (entry["kind"], entry["planted"]) == ("rephrased", 1)
    assert (found(report, "rephrased", "certain"), found(report, "rephrased", "half")) == (0, 1)


def test_one_dialogue_is_enough_and_none_plants_nothing() -> None:
    index = ToyIndex((questions("a", 30),))
    assert found(run(index, [host("only")], plants_per_kind=20), "verbatim", "certain") == 20
    empty = run(index, [], rephrased={("a", "1"): "x"})
    assert (empty["hosts"], empty["items"]) == (0, 0)
    assert [entry["planted"] for entry in empty["kinds"]] == [0] * len(KINDS)
    assert empty["unplanted"]["found"][0] == {
        "by": "certain",
        "found": 0,
        "misnamed": 0,
        "share": None,
        "low": 0.0,
        "high": 1.0,
    }


def test_a_benchmark_without_a_text_plants_nothing() -> None:
    report = run(ToyIndex((benchmark("a", "?"),)), HOSTS)
    assert (report["hosts"], report["items"]) == (len(HOSTS), 0)


def test_it_is_plain_data_and_the_same_for_the_same_corpus() -> None:
    index = ToyIndex((questions("a", 30), questions("b", 3)))
    reports = [orjson.dumps(run(index, hosts, plants_per_kind=9)) for hosts in (HOSTS, reversed(HOSTS))]
    assert reports[0] == reports[1]


def test_the_rules_themselves_find_what_is_left_word_for_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filters.leaks.self_test.scan", scan)
    index = Index(
        [questions("a", 30), benchmark("zh", CHINESE, "请把下面这句话翻译成英文：今天的天气真好，我们去公园吧。")]
    )
    report = self_test(index, HOSTS, plants_per_kind=12)
    for kind in ("verbatim", "case_and_punctuation"):
        assert found(report, kind, "certain") == 12
    assert found(report, "edited_10", "certain or candidate") == 12
    assert all(row["found"] == 0 for row in report["unplanted"]["found"])  # type: ignore[index, call-overload, union-attr]


def test_the_interval_is_wilsons() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(21, 50) == pytest.approx((0.2938, 0.5577), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_interval_holds_the_share(found: int, more: int) -> None:
    low, high = wilson(found, found + more)
    assert 0 <= low <= found / max(1, found + more) + 1e-12
    assert found / max(1, found + more) - 1e-12 <= high <= 1
