"""All measurements, one after another, written to docs/benchmarks.md: what `make bench` runs (about 25 minutes).

    python bench/all.py [--full] [--only scale,kills]

`--full` takes 100,000 dialogues where the default takes 20,000, and three run seeds for the kills (an hour more).
`--only` measures the named sections and leaves the others as they stand in the file. Each section is a module of this
folder that prints Markdown, and can be run by itself by the command under its tables. The status is 1 if one of them
found a promise broken.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
SHARED = Path(os.environ.get("DUOLOGUE_SHARED") or ROOT.parent / "shared") / "data"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page."""

    name: str
    title: str
    text: str
    commands: tuple[str, ...]
    """Modules with their arguments; of several, which run at the same time, the tables are joined."""
    full: tuple[str, ...] = ()
    """What `--full` runs instead."""


SECTIONS = (
    Section(
        "requests",
        "What a request costs",
        "Everything included: journal, checks, prompts, JSON, HTTP. Bar: at most 0.35 ms of CPU where the raw loop\n"
        "takes 0.13-0.16, a ratio of 2.2-2.7; at 500 ms +- 150 and 256 in flight at least 97 % of 512 requests/s.",
        ("bench.requests --slow-dialogues 4000",),
    ),
    Section(
        "convert",
        "Converting",
        "Bar: constant memory, at most 3 times the CPU of a plain loop. Rows of our own layout with eight turns,\n"
        "4.6 kB each: to `sharegpt`, and that to Parquet; beside them loops of orjson (and pyarrow's `from_pylist`)\n"
        "that do the same and look at nothing.",
        ("bench.convert --n 100000",),
        ("bench.convert",),
    ),
    Section(
        "rates",
        "A provider's limit",
        "A whole run of 64 dialogues at a time at an endpoint that counts as providers do. Bar: 600 RPM used to at\n"
        "least 99 %, at most 2 429s, no dialogue lost; bound by tokens at least 97 %. The four ran at the same time.",
        (
            "bench.rates --engine --kind bucket --rpm 600",
            "bench.rates --engine --kind sliding --rpm 600",
            "bench.rates --engine --kind bucket --rpm 600 --tpm 100000",
            "bench.rates --engine --kind sliding --rpm 600 --tpm 100000",
        ),
    ),
    Section(
        "kills",
        "kill -9, and again",
        "Bar: nothing finished lost, no id twice, nothing asked again but what was in flight (at most 64 at each\n"
        "kill), and in the end what a run gives that was never killed, word for word.",
        ("bench.kills --kills 20 --dialogues 2000 --seeds 1",),
        ("bench.kills --kills 20 --dialogues 2000 --seeds 1,2,3",),
    ),
    Section(
        "scale",
        "A large run",
        "Bar: at most 200 MB at 100,000 dialogues and 1 kB for each above the peak at 1,000; near-duplicate openers\n"
        "under 0.1 %; ready within 2 s beyond imports.",
        ("bench.scale --n 20000",),
        ("bench.scale --n 100000",),
    ),
    Section(
        "outcome",
        "Plan against outcome",
        "What the simulated users were to do, and did. The embedded endpoint speaks from word lists, so the second\n"
        "table tells of the sampler and the checks, not of any model's style.",
        ("bench.outcome --n 2000",),
    ),
    Section(
        "checks",
        "How often the checks fire on good turns",
        "Dialogues of public sets (UC UltraChat, MT MT-Bench-101, OA OpenAssistant, AH Arena-Hard, SI Self-Instruct),\n"
        "taken as good: what fires is a false positive, nearly always.",
        (f"bench.false_positives {SHARED}",),
    ),
    Section(
        "near",
        "Near duplicates beside other tools",
        "Texts of which every pair is known (bench/near_corpus.py), threshold 0.7, one core, from texts to flags; a\n"
        "peak holds the texts as well. Bar: 10 times datasketch's own loop, 4 times rensa, recall 0.99 at Jaccard 0.7\n"
        "and 0.999 at 0.8, precision 1.",
        (f"bench.near_duplicates {SHARED} --dialogues 20000 --sizes=",),
        (f"bench.near_duplicates {SHARED} --sizes=",),
    ),
    Section(
        "near-sizes",
        "Near duplicates at three sizes",
        "`gen filter` with that filter alone, from file to file, in one process, start-up left out; CPU of all and of\n"
        "each stage. Bar: at most a fifth dearer than at 10,000, 1.5 GB at a million.",
        (f"bench.near_duplicates {SHARED} --dialogues 0 --sizes 10000,100000",),
        (f"bench.near_duplicates {SHARED} --dialogues 0",),
    ),
    Section(
        "odd",
        "Odd inputs",
        "`gen filter` on what no one expects, from file to file, in one process; start-up is about 3 s of each. Bar:\n"
        "what is read is kept or dropped, and as many are kept as should be.",
        ("bench.odd_inputs --copies 20000 --short 50000 --mb 10",),
        ("bench.odd_inputs",),
    ),
    Section(
        "ladder",
        "GPTeacher's ladder",
        "What we keep beside what its makers published. They name no measure. Ours compares whole rows, of which the\n"
        "tool's description is most: word 5-grams tell rows apart that single words do not. In samples of 25 rows (by\n"
        "hand) difflib's ratio of the outputs to the nearest kept row was at or above 0.9 for 96 % of the rows that\n"
        "they dropped at 0.9 and for 16 % of those they kept: most likely they compared outputs, by characters.",
        (f"bench.ladder {SHARED}",),
    ),
    Section(
        "contamination",
        "Contamination",
        "Benchmark items planted into real dialogues, published rewrites, look-alikes (items that are not looked for)\n"
        "and clean dialogues: the share found by each rule; false ones as counts. Published rows without a word are\n"
        "left out. Bars below the tables; dialogues/s are from records to hits, cutting the words included.",
        (f"bench.contamination {SHARED}",),
    ),
    Section(
        "whole",
        "The whole chain of filters",
        "Dialogues of `builtin` with 200 benchmark questions among them, word for word, through `gen filter` with its\n"
        "defaults and five benchmarks. Bar: nothing lost, every leak dropped.",
        (f"bench.whole_chain {SHARED} --n 5000",),
        (f"bench.whole_chain {SHARED} --n 100000",),
    ),
    Section(
        "serving",
        "A model served",
        "`gen serve` under many clients at once and under one, and transformers' own loop on the same model, which\n"
        "knows neither sockets nor prompts of different lengths.",
        ("bench.serving",),
    ),
    Section(
        "training",
        "Training beside HF Trainer and TRL",
        "Useful tokens (no padding) per CPU-second of the steps alone, one thread, a Llama of 5 M parameters (4\n"
        "layers, width 256, 8,192 tied embeddings), float32 unless named otherwise; each is given the same ragged\n"
        "dialogues, 16 a step or 2,048 tokens. Bar: the better of ours 5.5 times HF padded, 2.9 times TRL packing.\n"
        "On a CPU HF and TRL score every position, on a GPU TRL's fused head does not: nothing here is said of GPUs.",
        (f"bench.training {SHARED}",),
    ),
    Section(
        "coverage",
        "How often an interval holds the truth",
        "Simulated evaluations of 200 questions, and in how many the 95 % interval holds the truth that they were\n"
        "drawn from. Bar: 94-96 % for t, clustered mean, paired difference and Bradley-Terry, 93-97 % for BCa and\n"
        "Wilson. The row that takes two turns of a question for two questions is there to show what that does.",
        ("bench.coverage --repetitions 1000",),
        ("bench.coverage",),
    ),
    Section(
        "kernels",
        "Words, n-grams and signatures",
        "Stages of the kernels on one core, MB/s of text.",
        (f"bench.kernels {SHARED}",),
    ),
    Section(
        "filters",
        "How often the filters fire on good dialogues",
        "Per cent dropped by default settings; what fired was read, see docs/filters-tuning.md.",
        (f"bench.filter_false_positives {SHARED}",),
    ),
)


def machine() -> str:
    """What all this was measured on."""
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    return f"{cores}, {platform.system()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"


def measured(section: Section, full: bool) -> tuple[str, bool]:
    """The section as Markdown, and whether its promises were kept."""
    commands = section.full if full and section.full else section.commands
    started = time.monotonic()
    children = [
        subprocess.Popen([sys.executable, "-m", *command.split()], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for command in commands
    ]
    outputs = [child.communicate()[0] for child in children]
    kept = not any(child.returncode for child in children)
    print(f"{section.name}: {time.monotonic() - started:.0f} s{'' if kept else ', a promise broken'}", file=sys.stderr)
    typed = "\n".join(f"`python -m {command.replace(str(SHARED), 'FOLDER')}`  " for command in commands)
    return f"## {section.title}\n\n{section.text}\n\n{joined(outputs)}\n\n{typed}\n{machine()}\n", kept


def joined(outputs: list[str]) -> str:
    """One table of several with the same head."""
    first, *others = (output.strip() for output in outputs)
    lines = first.split("\n")
    end = max(place for place, line in enumerate(lines) if line.startswith("|")) + 1 if others else len(lines)
    rows = [line for other in others for line in other.split("\n") if line.startswith("|")]
    heads = set(lines[:2])
    return "\n".join([*lines[:end], *(row for row in rows if row not in heads), *lines[end:]])


def standing() -> dict[str, str]:
    """The sections of the page as it is, by title."""
    if not PAGE.exists():
        return {}
    parts = re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.split("\n", 1)[0].removeprefix("## "): part.rstrip() + "\n" for part in parts[1:]}


def page(sections: dict[str, str]) -> str:
    """The whole page: what is measured here in our order, then what somebody wrote after measuring elsewhere."""
    head = (
        "# Benchmarks\n\nWritten by `make bench`. The machine is shared and noisy: read the ratios, and times only\n"
        "beside what was measured with them. Under each table stand the command that prints it and the machine.\n"
    )
    ours = [section.title for section in SECTIONS if section.title in sections]
    others = [title for title in sections if title not in ours]
    return "\n".join([head, *(sections[title] for title in ours + others)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default=",".join(section.name for section in SECTIONS))
    asked = parser.parse_args()
    wanted, sections, good = set(asked.only.split(",")), standing(), True
    for section in SECTIONS:
        if section.name in wanted and (SHARED.is_dir() or str(SHARED) not in section.commands[0]):
            sections[section.title], kept = measured(section, asked.full)
            good &= kept
            PAGE.write_text(page(sections), encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
