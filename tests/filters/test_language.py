"""Language: wrong, unplanned and changing languages are found; code, quotes, names and translations are no such."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import talk

from dialogue.records import Message, Seed
from filters.engine.base import Drop
from filters.language import Language

TEXTS = {
    "en": "The bakery opens at six in the morning, and by eight the bread is gone, as the whole street buys there.",
    "de": "Die Bäckerei öffnet um sechs Uhr, und um acht ist das Brot weg, weil die ganze Straße dort einkauft.",
    "fr": "La boulangerie ouvre à six heures et à huit heures il n'y a plus de pain, parce que toute la rue y achète.",
    "es": "La panadería abre a las seis y a las ocho ya no queda pan, porque toda la calle compra allí cada mañana.",
    "pt": "A padaria abre às seis e às oito já não há pão, porque a rua inteira compra ali todas as manhãs.",
    "it": "Il forno apre alle sei e alle otto il pane è già finito, perché tutta la strada compra lì ogni mattina.",
    "nl": "De bakkerij gaat om zes uur open en om acht uur is het brood op, want de hele straat koopt daar zijn brood.",
    "pl": "Piekarnia otwiera się o szóstej, a o ósmej chleba już nie ma, bo kupuje tam cała ulica i pół osiedla.",
    "tr": "Fırın sabah altıda açılıyor ve sekizde ekmek bitiyor, çünkü bütün sokak ekmeğini oradan alıyor.",
    "nb": "Bakeriet åpner klokken seks, og klokken åtte er brødet borte, fordi hele gaten handler der hver morgen.",
    "vi": "Tiệm bánh mở cửa lúc sáu giờ sáng và đến tám giờ thì hết bánh, vì cả con phố đều mua bánh ở đó.",
    "ru": "Пекарня открывается в шесть утра, а к восьми хлеба уже нет, потому что там покупает вся улица.",
    "uk": "Пекарня відчиняється о шостій ранку, а до восьмої хліба вже немає, бо там купує вся вулиця.",
    "el": "Ο φούρνος ανοίγει στις έξι το πρωί και στις οκτώ το ψωμί έχει τελειώσει, γιατί αγοράζει όλος ο δρόμος.",
    "ar": "يفتح المخبز في السادسة صباحا وفي الثامنة لا يبقى خبز لأن الشارع كله يشتري من هناك كل يوم تقريبا.",
    "hi": "बेकरी सुबह छह बजे खुलती है और आठ बजे तक सारी रोटी खत्म हो जाती है, क्योंकि पूरी गली के लोग रोज़ वहीं से अपनी रोटी खरीदते हैं।",
    "th": "ร้านขนมปังเปิดตอนหกโมงเช้าและพอแปดโมงขนมปังก็หมดแล้วเพราะคนทั้งถนนซื้อที่นั่นทุกวัน",
    "ko": "빵집은 아침 여섯 시에 문을 열고 여덟 시면 빵이 다 팔립니다. 온 동네 사람들이 거기서 빵을 사기 때문입니다.",
    "ja": "パン屋は朝六時に開き、八時にはもうパンがなくなります。通りの人がみんなそこで買うからです。",
    "zh-Hans": "面包店早上六点开门，到八点面包就卖完了，因为整条街的人都在那里买，晚来的人只好买点心。",
    "zh-Hant": "麵包店早上六點開門，到八點麵包就賣完了，因為整條街的人都在那裡買，晚來的人只好買點心。",
}


def reason(*texts: str, seed: Seed | None = None, **settings: object) -> str | None:
    outcome = Language.model_validate(settings).apply(talk(*texts, seed=seed or Seed()))
    return outcome.reason if isinstance(outcome, Drop) else None


@pytest.mark.parametrize("code", TEXTS)
def test_a_dialogue_that_keeps_to_its_language_is_kept(code: str) -> None:
    text = TEXTS[code]
    assert reason(text, text, text, text, allowed=[code], seed=Seed(language=code)) is None


@pytest.mark.parametrize("code", [code for code in TEXTS if code != "en"])
def test_an_answer_in_another_language_is_a_switch(code: str) -> None:
    dialogue = talk(TEXTS["en"], TEXTS["en"], TEXTS["en"], TEXTS[code])
    outcome = Language().apply(dialogue)
    assert isinstance(outcome, Drop)
    assert outcome.reason == "switch"
    assert outcome.evidence["message"] == 3
    assert outcome.evidence["began"] == "en"
    assert reason(TEXTS[code], TEXTS["en"]) == "switch"
    assert reason(TEXTS["en"], TEXTS[code], switch=False) is None


@pytest.mark.parametrize("code", TEXTS)
def test_a_dialogue_in_a_language_that_is_not_listed_is_left_out(code: str) -> None:
    other = "en" if code != "en" else "de"
    assert reason(TEXTS[code], TEXTS[code], allowed=[other]) == "not_allowed"
    assert reason(TEXTS[code], TEXTS[code], allowed=[other, code]) is None


def test_chinese_is_both_of_its_scripts_unless_one_is_named() -> None:
    simplified, traditional = TEXTS["zh-Hans"], TEXTS["zh-Hant"]
    assert reason(traditional, traditional, allowed=["zh"]) is None
    assert reason(traditional, traditional, allowed=["zh-CN"]) == "not_allowed"
    assert reason(simplified, simplified, allowed=["zh-CN"]) is None
    assert reason(simplified, traditional) == "switch"


def test_a_dialogue_in_another_language_than_planned_is_left_out() -> None:
    english, german = TEXTS["en"], Seed(language="de-CH")
    assert reason(english, english, seed=german) == "not_planned"
    assert reason(english, english, seed=german, planned=False) is None
    assert reason(english, english, seed=Seed(language="en-US")) is None
    assert reason(english, english, seed=Seed(language="tlh")) is None


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        ("Please put this into German: " + TEXTS["en"], TEXTS["de"]),
        ("把下面这句话翻译成英文：" + TEXTS["zh-Hans"], TEXTS["en"]),
        ("How would a waiter in Rome greet me, in Italian please?", TEXTS["it"]),
        ("Wie sagt man das auf Spanisch? " + TEXTS["de"], TEXTS["es"]),
    ],
)
def test_who_asks_for_a_language_gets_it(user: str, answer: str) -> None:
    assert reason(user, answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "```python\n# " + TEXTS["de"] + "\n```",
        'Die Tafel zeigt: "' + TEXTS["en"] + '"',
        "https://example.org/" + "the-bakery-opens-at-six-in-the-morning/" * 4,
        "def opens(hour):\n    if hour in (6, 7):\n        return True  # the bakery is open and it has the bread\n"
        * 3,
        "OK!",
        "1. Apple\n2. Tesla\n3. Amazon\n4. Google\n5. Facebook\n6. Netflix\n7. Airbnb\n8. SpaceX\n9. Uber\n10. Alibaba",
        TEXTS["de"] + "\n\n" + TEXTS["en"],
        "$$\\int_0^1 x^2 dx = \\frac{1}{3}$$ " * 5,
        "",
    ],
)
def test_code_quotes_names_and_short_turns_prove_nothing(answer: str) -> None:
    assert reason(TEXTS["de"], answer) is None


def test_a_wrong_code_is_refused() -> None:
    with pytest.raises(ValidationError, match="'english' is no language code"):
        Language(allowed=("english",))


def test_system_and_tool_messages_are_not_heard() -> None:
    spoken = talk(TEXTS["de"], TEXTS["de"])
    others = (Message(role="system", content=TEXTS["en"]), Message(role="tool", content=TEXTS["fr"]))
    mixed = spoken.model_copy(update={"messages": (others[0], *spoken.messages, others[1])})
    assert Language(allowed=("de",)).apply(mixed) is mixed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=300) | st.sampled_from(list(TEXTS.values())), min_size=1, max_size=4))
def test_it_never_raises_and_changes_nothing(texts: list[str]) -> None:
    dialogue = talk(*texts, seed=Seed(language="en"))
    outcome = Language(allowed=("en", "zh-Hant")).apply(dialogue)
    assert outcome is dialogue or isinstance(outcome, Drop)


@pytest.mark.parametrize("part", ["a", " ", "\n", "`", '"', "a(", "a  #", "字", "é ", "я "])
def test_a_million_characters_of_anything_are_read(part: str) -> None:
    dialogue = talk("go on", part * (1_000_000 // len(part)), TEXTS["en"])
    outcome = Language(allowed=("en",)).apply(dialogue)
    assert outcome is dialogue or isinstance(outcome, Drop)
