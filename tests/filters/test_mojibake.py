"""Mojibake: broken text is found and, where that is asked for, mended; other scripts, code and quotes are let be."""

import pytest
from ftfy.badness import badness
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import talk

from dialogue.records import Dialogue
from filters.engine.base import Drop
from filters.mojibake import Mojibake, counts, mended

BROKEN = "The fiancÃ© takes the train from LondonÂ St Pancras â€” itâ€™s fast."
WHOLE = "The fiancé takes the train from London\u00a0St Pancras — it’s fast."


def reason(text: str, **settings: object) -> str | None:
    outcome = Mojibake.model_validate(settings).apply(talk("go on", text))
    return outcome.reason if isinstance(outcome, Drop) else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BROKEN, "mojibake"),
        ("375\ufffdF in the oven", "replacement"),
        ("a bell\x07 rings", "control"),
        ("\x1b[31mred\x1b[0m", "control"),
        ("a next line\x85 here", "mojibake"),
        ("\uf0b7 item " * 11, "private_use"),
        ("w\u200bo\u200br\u200bd" * 5, "zero_width"),
    ],
)
def test_broken_text_is_found(text: str, expected: str) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "“Curly” quotes, an ellipsis… a dash — and 20 °C, café, naïve, São Paulo, Ærø, Łódź, İstanbul",
        "ÀÉÎ, «guillemets» et l’œuvre", "Größe: 3 × 4 = 12 m²; µ ≈ 5 € ± 1 £", "¿Qué? ¡Sí! 1.º y 2.ª",
        "Привет, мир! Як справи? Добър ден", "Καλημέρα κόσμε", "你好，世界！", "こんにちは、世界", "안녕하세요",
        "مرحبا بالعالم",
        "नमस्ते दुनिया", "สวัสดีชาวโลก", "می‌خواهم", "👩‍👩‍👧‍👦 🏳️‍🌈 ✔️", "│ box │\n└─────┘", "(╯°□°)╯︵ ┻━┻", "∀x ∈ ℝ: x² ≥ 0",
        "tab\tnew\nline\r\nfeed\f", "\ufeffone mark at the start", "\uf0b7 one bullet", "",
    ],
)  # fmt: skip
def test_whole_text_is_kept(text: str) -> None:
    assert reason(text) is None


def test_mending_gives_back_what_was_meant() -> None:
    dialogue = talk("go on", BROKEN, "and?", "fine")
    outcome = Mojibake(act="mend").apply(dialogue)
    assert isinstance(outcome, Dialogue)
    assert outcome.messages[1].content == WHOLE
    assert outcome.messages[0] is dialogue.messages[0]
    assert outcome.id == dialogue.id
    (verdict,) = Mojibake(act="mend").verdicts([dialogue])
    assert verdict.outcome == outcome
    assert verdict.measures["mojibake"] == badness(BROKEN)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("“quoted” ﬁsh &amp; ＷＩＤＥ fiancÃ©", "“quoted” ﬁsh &amp; ＷＩＤＥ fiancé"),
        ("a\x07b\r\nc fiancÃ©", "ab\r\nc fiancé"),
        (
            "print:\n```python\ns = 'fiancÃ©'\x07\n```\nfiancÃ© `Ã©`",
            "print:\n```python\ns = 'fiancÃ©'\x07\n```\nfiancé `Ã©`",
        ),
        ("e\u0301 fiancÃ©", "e\u0301 fiancé"),
    ],
)
def test_mending_touches_no_quotes_ligatures_entities_or_code(text: str, whole: str) -> None:
    assert mended(text) == whole


def test_what_cannot_be_mended_is_dropped_even_so() -> None:
    assert reason("375\ufffdF", act="mend") == "replacement"
    assert reason("```\nfiancÃ©\n```", act="mend") == "mojibake"
    assert reason(BROKEN, act="mend") is None


def test_the_worst_message_counts_and_is_shown() -> None:
    outcome = Mojibake().apply(talk("10\ufffd", "x" * 500 + "a\ufffdb\ufffdc", "ok"))
    assert isinstance(outcome, Drop)
    assert outcome.evidence["message"] == 1
    assert outcome.evidence["value"] == 2
    assert "a\ufffdb\ufffdc" in str(outcome.evidence["text"])


def test_each_kind_has_its_own_limit() -> None:
    assert reason("375\ufffdF", most_replacement=1) is None
    assert reason("\uf0b7 item", most_private_use=0) == "private_use"
    assert reason(BROKEN, most_mojibake=None, most_control=None) is None


_NOISE = st.text(alphabet="abÃÂâ€™œžŠ“”é×²°вЂГРСуØÙ\x80\x9d\xa0,1 \ufffdßŒ字│‚Ä", max_size=8)


@given(_NOISE)
def test_the_quick_look_never_overlooks_what_ftfy_finds(text: str) -> None:
    assert counts(text).get("mojibake", (0, 0))[0] == badness(text)


@settings(deadline=None)
@given(st.text(max_size=200) | _NOISE.map(lambda noise: noise * 5))
def test_mending_never_raises_and_leaves_whole_text_alone(text: str) -> None:
    outcome = Mojibake(act="mend").apply(talk("go on", text))
    if isinstance(Mojibake().apply(talk("go on", text)), Dialogue):
        assert isinstance(outcome, Dialogue)
        assert outcome.messages[1].content == text


@pytest.mark.parametrize("part", ["a", "é", "Ã", "â€", "\x07", "`", "```", "字", "\ufffd", "\u200b"])
def test_a_million_characters_of_anything_are_looked_through(part: str) -> None:
    dialogue = talk("go on", part * (1_000_000 // len(part)))
    outcome = Mojibake(act="mend").apply(dialogue)
    assert isinstance(outcome, Drop) or Mojibake().apply(outcome) is outcome
