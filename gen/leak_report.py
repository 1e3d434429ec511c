"""The report of `gen contamination`: the table of benchmarks, the hits with the verdicts on them, the self-test."""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from dialogue.conversion.rows import skipped
from filters.leaks.benchmark import Item
from filters.leaks.findings import Findings
from filters.leaks.index import Index
from filters.leaks.overlap import overlap
from filters.leaks.self_test import self_test
from filters.pages.contamination_page import contamination_page
from gen.contamination_config import ContaminationSettings
from gen.judging.kinds import RoleName, clipped
from gen.leak_corpus import Corpus, hit_of
from gen.leak_folder import Folder, versions
from gen.leak_questions import Questions
from gen.leak_scan import around, pair_of
from generator.asking import Asked

MOST_HITS = 1000
"""Hits that report.json shows; hits.jsonl has all."""
SHOWN_CHARACTERS = 2000
"""Of each text of a hit."""
SPENT = (
    *("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "unreported"),
    "cost_usd",
)
"""Of a role's meter: what is the same for all calls together, however often they were interrupted."""
_LEAK: Mapping[str | None, bool] = {"leak": True, "not_leak": False}


class Report:
    """What was found and answered, ready to be told."""

    def __init__(
        self,
        settings: ContaminationSettings,
        index: Index,
        corpus: Corpus,
        questions: Questions,
        asked: Asked | None,
    ) -> None:
        self._settings, self._index, self._corpus = settings, index, corpus
        self._questions, self._asked = questions, asked
        self._items = {(item.benchmark, item.id): item for one in index.benchmarks for item in one.items}
        self._findings = Findings(index.benchmarks)

    def write(self, folder: Folder, request: Mapping[str, Any]) -> dict[str, Any]:
        """Write hits.jsonl, report.json and report.html; returns the report."""
        hits, total = self._hits(folder)
        report: dict[str, Any] = {
            "read": self._corpus.read,
            "refused": self._corpus.refused,
            "first_refused": self._corpus.first_refused,
            "benchmarks": self._findings.table(),
            "hits": hits,
            "hits_total": total,
            "self_test": self._self_test(),
            "overlap": overlap(self._index.benchmarks, self._index),
            "judge": self._told("judge"),
            "rephrase": self._told("rephrase"),
            "settings": request,
            "skipped": [f"{path}/{name}" for path in self._settings.inputs for name in skipped(path)],
            "inputs": [file.to_json() for file in self._corpus.inputs.values()],
            "versions": versions(),
        }
        folder.write(report, contamination_page(report), self._corpus.refused)
        return report

    def _told(self, role: RoleName) -> dict[str, Any] | None:
        """What became of a role's questions; None where there was nobody to ask."""
        if role not in self._questions.speakers or self._asked is None:
            return None
        endpoint = self._questions.speakers[role].endpoint
        return {
            "model": endpoint.model,
            "endpoint": endpoint.name,
            **self._questions.counts(role),
            **({"per_item": self._settings.per_item} if role == "judge" else {}),
            "stopped": self._asked.stopped,
            "spent": {name: self._asked.meter["roles"][role][name] for name in SPENT},
        }

    def _self_test(self) -> dict[str, Any] | None:
        plants = self._settings.plants
        if not plants or not self._corpus.hosts:
            return None
        rephrased = self._questions.rewordings() or None
        seed = self._settings.seed
        return self_test(self._index, self._corpus.hosts, plants_per_kind=plants, seed=seed, rephrased=rephrased)

    def _hits(self, folder: Folder) -> tuple[list[dict[str, Any]], int]:
        """Write hits.jsonl and count; the hits that the report shows, the surest first, and how many there are."""
        shown: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        total = 0
        with folder.new("hits.jsonl").open("wb") as file:
            for id, hits in self._corpus.found():
                for line in self._lines(id, hits):
                    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                    shown.append(((*_order(line), total), line))
                    total += 1
                if len(shown) > 2 * MOST_HITS:
                    shown = heapq.nsmallest(MOST_HITS, shown, key=lambda one: one[0])
        return [line for _, line in heapq.nsmallest(MOST_HITS, shown, key=lambda one: one[0])], total

    def _lines(self, id: str, hits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A dialogue's hits as they are shown, after they were counted."""
        pairs = [pair_of(hit["benchmark"], hit["item"], hit["text"]) for hit in hits]
        verdicts = [self._questions.verdict(pair) for pair in pairs]
        said = [_LEAK.get(verdict[0]) if verdict else None for verdict in verdicts]
        self._findings.add(id, [hit_of(hit) for hit in hits], said)
        return [
            _line(id, hit, self._items[hit["benchmark"], hit["item"]], verdict)
            for hit, verdict in zip(hits, verdicts, strict=True)
        ]


def _line(id: str, hit: Mapping[str, Any], item: Item, verdict: tuple[str, str | None] | None) -> dict[str, Any]:
    """A hit as hits.jsonl and the report have it: both texts, cut to what a person reads."""
    text, span = around(hit["text"], hit["text_span"], SHOWN_CHARACTERS)
    fields = {name: value for name, value in hit.items() if name not in ("text", "text_span")}
    word, reason = verdict or (None, None)
    return {
        "id": id,
        **fields,
        "verdict": word,
        **({"verdict_reason": reason} if reason else {}),
        "text": text,
        "text_span": span,
        "item_text": clipped(_part(item, hit["part"]), SHOWN_CHARACTERS),
    }


def _part(item: Item, part: str) -> str:
    if part == "passage":
        return item.passage or ""
    return "\n".join(item.answer if part == "answer" else item.question)


def _order(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Certain ones first, then what the judge calls leaks, then by likeness."""
    surest: Sequence[bool] = (line["tier"] == "certain", line["verdict"] == "leak", line["verdict"] != "not_leak")
    return (*(not one for one in surest), -max(line["coverage"], line["containment"]), -line["span_words"])
