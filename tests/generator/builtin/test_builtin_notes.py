"""Every turn note that the prompts can make is understood, by nothing but its words."""

import pytest

from generator.builtin.grammar import grammar
from generator.builtin.languages import LANGUAGES
from generator.builtin.notes import PLAIN, Foreign, Wording
from prompts.loader import Prompts
from prompts.names import tongue, words

PROMPTS = Prompts()
WORDINGS = {language: Wording(PROMPTS, language) for language in LANGUAGES}
ACTS = [
    (language, act, text)
    for language in LANGUAGES
    for act, texts in words(PROMPTS, language)["acts"].items()
    for text in texts
]
DETAIL = {"en": "it is for a class, after all", "zh": "改成给学生看", "zh-TW": "改成給學生看"}
FACT = {"en": "has 3.5 hours a week", "zh": "每周只有三个半小时", "zh-TW": "每週只有三個半小時"}


def note(folder: str, **fields: object) -> str:
    known = PLAIN | {"language": tongue(PROMPTS, folder).name, "form": words(PROMPTS, folder)["forms"]["question"]}
    return PROMPTS.render(f"languages/{folder}/note.j2", **(known | fields))


@pytest.mark.parametrize(("language", "act", "text"), ACTS)
def test_every_wording_of_every_act_is_known(language: str, act: str, text: str) -> None:
    wanted = WORDINGS[language].note(note(language, act=text.format(detail=DETAIL[language])))
    assert wanted is not None
    assert wanted.language == language
    assert wanted.act == (act if act == "own_case" else act.partition("_")[0])
    assert wanted.fact == (DETAIL[language] if "{detail}" in text else None)
    assert grammar(language).has(f"user.{wanted.act}.{wanted.form}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_of_a_note_is_read(language: str) -> None:
    act = words(PROMPTS, language)["acts"]["deepen"][0]
    full = {
        "release": FACT[language],
        "opening": "ok",
        "again": "x",
        "may_end": True,
        "sentinel": "⟦q7⟧",
        "thanks": True,
    }
    for form, text in words(PROMPTS, language)["forms"].items():
        wanted = WORDINGS[language].note(note(language, act=act, form=text, low=11, high=29, **full))
        assert wanted is not None
        assert (wanted.form, wanted.low, wanted.high) == (form, 11, 29)
        assert (wanted.fact, wanted.opening, wanted.sentinel) == (FACT[language], "ok", "⟦q7⟧")
        assert wanted.again
        assert wanted.thanks
    bare = WORDINGS[language].note(note(language, act=act, avoid=("abc", "def")))
    assert bare is not None
    assert bare.avoid == ("abc", "def")
    assert (bare.fact, bare.opening, bare.sentinel, bare.again, bare.thanks) == (None, None, None, False, False)


def test_a_note_in_another_language_is_foreign_and_other_prose_is_no_note() -> None:
    act = words(PROMPTS, "en")["acts"]["deepen"][0]
    with pytest.raises(Foreign, match="en and zh and zh-TW only"):
        WORDINGS["en"].note(note("en", act=act, language="German", foreign=True))
    assert WORDINGS["en"].note("Say something nice, 4-9 words.") is None
