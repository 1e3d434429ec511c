"""Chains by name, on a dialogue of each kind that their sources speak of."""

from pathlib import Path

import pytest
from toys import lines, talk, write

from filters.engine.chain import preset
from filters.engine.settings import FilterSettings
from filters.engine.walk import filtered

KINDS = {
    "plain": ("How do tides work at the coast?", "The moon pulls the water, and so high water comes twice a day."),
    "twice said": ("Tell me of bread.", "The dough rises in the warm room for an hour. " * 2 + "Then bake it."),
    "zeros": ("Write many zeros", "Here they are: 1000000000000 is the number that you asked for."),
    "openai": ("Who made GPT-4?", "OpenAI made it, a company of San Francisco in California."),
    "german": (
        "Wie entstehen die Gezeiten an der Küste der Nordsee?",
        "Der Mond zieht das Wasser an, und so kommt die Flut zweimal am Tag an die Küste, jeden Tag etwas später.",
    ),
    "chinese": ("潮汐是怎么形成的？", "月球的引力使海水上升，因此每天有两次涨潮，每天都比前一天晚五十分钟左右。"),
    "gpt": ("你是什么模型", "我是GPT，一个大模型，由公司训练而成，可以回答各种各样的问题，也可以写文章和代码。"),
    "disclaimer": ("Do you like the sea?", "As an AI language model, I do not have emotions."),
    "thanks": ("How is cheese made?", "From milk, salt and time.", "Thank you so much!", "You're welcome!"),
    "no answer": ("Who cut the canal?", "A company did, in ten years.", "And who paid for it?"),
}
EVERY = {
    "ultrachat-200k": ({"disclaimer"}, {"thanks", "no answer"}),
    "openchat": ({"openai", "again"}, {"no answer"}),
    "belle-clean": ({"plain", "again", "twice said", "zeros", "german", "gpt", "disclaimer"}, {"no answer"}),
    "vicuna": ({"zeros", "german", "chinese", "gpt", "disclaimer", "again"}, {"no answer"}),
    "default": ({"twice said", "disclaimer", "again"}, {"thanks", "no answer"}),
}
"""What each drops, and what it edits and keeps."""


@pytest.mark.parametrize("name", EVERY)
def test_a_chain_by_name_drops_what_its_source_says(name: str, tmp_path: Path) -> None:
    rows = [talk(*said, id=kind) for kind, said in KINDS.items()]
    again = talk("What pulls the water of the sea?", "The moon does, and the sun.", id="again")
    source = write(tmp_path / "in.jsonl", [*rows, again, again.model_copy(update={"id": "a"})])
    filtered(FilterSettings(inputs=(source,), out=tmp_path / "out", filters=tuple(preset(name))))
    before = {row.id: len(row.messages) for row in rows}
    kept = {line["id"]: len(line["messages"]) for line in lines(tmp_path / "out/kept.jsonl")}
    dropped, edited = EVERY[name]
    assert before.keys() - kept.keys() | ({"again"} - kept.keys()) == dropped
    assert {id for id, number in kept.items() if number < before.get(id, 0)} == edited
