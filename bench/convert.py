"""What `gen convert` takes beside a plain loop of orjson that does the same and looks at nothing.

    python -m bench.convert [--n 1000000]

Rows of our own layout with eight turns (4.6 kB) are generated, then converted to `sharegpt` and that to Parquet; the
loops do the two steps with orjson, and pyarrow for the second. Each is a process of its own: CPU of all threads with
start-up, and most memory. A hundredth of the rows shows what memory is there at the start.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.child import GEN, Cost, run
from dialogue.records import Dialogue, Message, Seed, Usage, encode

TURNS = 8
WORDS = [f"{''.join(random.Random(n).choices('etaoinshrdlu', k=2 + n % 8))}" for n in range(3000)]
LOOP_SHAREGPT = """
import orjson, sys
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as target:
    for line in source:
        row = orjson.loads(line)
        turns = [{"from": "human" if m["role"] == "user" else "gpt", "value": m["content"]} for m in row["messages"]]
        target.write(orjson.dumps({"id": row["id"], "conversations": turns}, option=orjson.OPT_APPEND_NEWLINE))
"""
LOOP_PARQUET = """
import orjson, sys, pyarrow as pa, pyarrow.parquet as pq
turn = pa.struct([("from", pa.string()), ("value", pa.string())])
schema = pa.schema([("id", pa.string()), ("conversations", pa.list_(turn))])
with open(sys.argv[1], "rb") as source, pq.ParquetWriter(sys.argv[2], schema, compression="zstd") as target:
    rows = []
    for line in source:
        rows.append(orjson.loads(line))
        if len(rows) == 2000:
            target.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows = []
    target.write_table(pa.Table.from_pylist(rows, schema=schema))
"""


def dialogues(count: int) -> Iterator[bytes]:
    """Lines of records, no two alike."""
    chance = random.Random(0)
    texts = [" ".join(chance.choices(WORDS, k=15 if n % 2 else 130)) for n in range(4000)]
    usage = {"user": Usage(requests=3, prompt_tokens=900, completion_tokens=60)}
    for number in range(count):
        said = [f"{number} {texts[(chance.randrange(2000)) * 2 + (place % 2 == 0)]}" for place in range(TURNS)]
        messages = tuple(
            Message(role="assistant", content=text, finish_reason="stop", model="m")
            if place % 2
            else Message(role="user", content=text)
            for place, text in enumerate(said)
        )
        seed = Seed(topic="t", subtopic="s", kind="general", language="en", extra={"acts": ["deepen"] * 3})
        yield encode(
            Dialogue(id=f"wq-{number:016x}", sector="world-questions", messages=messages, seed=seed, usage=usage)
        )


def table(n: int, folder: Path) -> Iterator[str]:
    """Markdown."""
    yield "| step | rows | CPU s | rows a CPU-second | CPU beside the loop | peak MB |"
    yield "|---|---|---|---|---|---|"
    for count in (n // 100, n):
        source, turns, loop_turns = (folder / f"{name}.jsonl" for name in ("source", "sharegpt", "loop"))
        with source.open("wb") as file:
            file.writelines(dialogues(count))
        steps = (
            ("`messages` -> `sharegpt`", LOOP_SHAREGPT, source, turns, loop_turns),
            ("`sharegpt` -> Parquet", LOOP_PARQUET, turns, folder / "ours.parquet", folder / "loop.parquet"),
        )
        for name, loop, read, ours, theirs in steps:
            own = run([*GEN, "convert", str(read), str(ours), "--to", "sharegpt", "--overwrite"])
            plain = run([sys.executable, "-c", loop, str(read), str(theirs)])
            yield _row(f"{name}, a plain loop", count, plain, plain)
            yield _row(f"{name}, `gen convert`", count, own, plain)


def _row(name: str, count: int, cost: Cost, plain: Cost) -> str:
    rate = count / cost.cpu_s
    return (
        f"| {name} | {count:,} | {cost.cpu_s:.1f} | {rate:,.0f} | {cost.cpu_s / plain.cpu_s:.2f} | {cost.peak_mb:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in table(asked.n, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
