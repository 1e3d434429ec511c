"""Which dialogues of a benchmark come first."""

from pathlib import Path

import orjson

from dialogue.records import Dialogue, Message, encode
from evaluator.items import dialogue_bench


def part(home: Path, sector: str, n: int) -> None:
    folder = home / sector
    folder.mkdir(parents=True)
    said = [
        Dialogue(
            id=f"{sector}-{number}",
            sector=sector,
            messages=(
                Message(role="user", content=f"What of {sector} {number}?"),
                Message(role="assistant", content="A lot."),
            ),
        )
        for number in range(n)
    ]
    (folder / "dialogues.jsonl").write_bytes(b"".join(encode(one) for one in said))


def mixture(home: Path, **parts: int) -> Path:
    for sector, n in parts.items():
        part(home, sector, n)
    (home / "mixture.json").write_bytes(orjson.dumps({"weights": dict.fromkeys(parts, 1)}))
    return home


def test_dialogues_of_a_mixture_are_taken_in_turn_from_its_parts(tmp_path: Path) -> None:
    ids = [item.id for item in dialogue_bench("b", mixture(tmp_path / "mix", c=2, a=4, b=1)).items]
    assert ids == ["a-0", "b-0", "c-0", "a-1", "c-1", "a-2", "a-3"]


def test_a_benchmark_is_the_same_in_whatever_order_its_parts_are_taken(tmp_path: Path) -> None:
    mixed = mixture(tmp_path / "mix", a=3, b=2)
    (tmp_path / "all.jsonl").write_bytes(b"".join((mixed / name / "dialogues.jsonl").read_bytes() for name in "ab"))
    one, other = dialogue_bench("b", mixed), dialogue_bench("b", tmp_path / "all.jsonl")
    assert one.digest == other.digest
    assert [item.id for item in other.items] == ["a-0", "a-1", "a-2", "b-0", "b-1"]
