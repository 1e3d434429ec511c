"""Scripts, words and languages."""

import pytest

from dialogue.faults import language_of, letters_by_script, soft_fault, thanks_only, user_fault, word_count
from dialogue.tongues import code_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I keep this starter alive in the winter?", "en"),
        ("Wie oft soll ich den Teig füttern, wenn es kalt ist?", "de"),
        ("¿Cuántas veces debo alimentar la masa madre por semana?", "es"),
        ("Combien de fois dois-je nourrir le levain pendant la semaine ?", "fr"),
        ("Quantas vezes eu preciso alimentar o fermento, e com qual farinha?", "pt"),
        ("Как часто нужно подкармливать закваску, если она стоит в холоде?", "ru"),
        ("冬にパン種をどうやって保存しますか", "ja"),
        ("겨울에 발효종을 어떻게 보관하나요", "ko"),
        ("冬天怎么保存这个酵头", "zh-Hans"),
        ("冬天怎麼保存這個酵頭", "zh-Hant"),
        ("大小人心", "zh"),
        ("כמה פעמים צריך להאכיל", "Hebr"),
        ("pandas numpy matplotlib", "Latn"),
        ("ok", None),
        ("12 + 30", None),
        ("```\nhow do I keep the thing alive\n```", None),
    ],
)
def test_a_language_is_told_by_script_and_frequent_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("How's it going, Tom?", 4),
        ("面团要发酵多久", 4),
        ("用 pandas 画图", 3),
        ("हिन्दी में लिखो", 3),
        ("ทำอย่างไร", 2),
        ("겨울에 보관하나요", 2),
    ],
)
def test_words_are_counted_in_every_script(text: str, words: int) -> None:
    assert word_count(text) == words


def test_letters_are_counted_by_script() -> None:
    assert letters_by_script("ab1 вг д 中") == {"Latn": 2, "Cyrl": 3, "Hani": 1}
    assert letters_by_script("a, b!") == {"Latn": 2}


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-US", "en"),
        ("zh", "zh"),
        ("zh-CN", "zh-Hans"),
        ("zh_tw", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("pt_BR", "pt"),
    ],
)
def test_tags_are_reduced_to_the_known_codes(tag: str, code: str) -> None:
    assert code_of(tag) == code


WRONG = [
    ("How often should I feed it when the kitchen is cold?", "zh"),
    ("How often should I feed it when the kitchen is cold?", "de"),
    ("How often should I feed it when the kitchen is cold and the flour is old?", "it"),
    ("冬天怎麼保存這個酵頭，應該餵幾次麵粉才會發酵起來呢", "zh-Hans"),
    ("冬天怎么保存这个酵头，应该喂几次面粉才会发酵起来呢", "zh-TW"),
    ("冬天怎么保存这个酵头，应该喂几次面粉才会发酵起来呢", "ja"),
    ("冬にパン種をどうやって保存しますか、教えてほしいのですが", "zh"),
    ("Как часто нужно подкармливать закваску?", "ko"),
]


@pytest.mark.parametrize(("text", "language"), WRONG)
def test_another_language_is_a_fault(text: str, language: str) -> None:
    fault = user_fault(text, (), act=None, language=language)
    assert fault is not None
    assert fault.check == "language"


RIGHT = [
    ("用Python的pandas和matplotlib画一个GroupBy之后的柱状图", "zh"),
    ("How do you say 请问最近的面包店在哪里，谢谢您，我想买面包 in English?", "en"),
    ('what does "Wie oft soll ich den Teig füttern und mit was" mean', "en"),
    ("见 https://example.org/how-to-keep-the-starter-alive-in-winter", "zh"),
    ("把下面这段话改短:\nHow often should I feed it when the kitchen is cold and dry?", "zh"),
    ("冬天怎麼保存這個酵頭", "zh"),
    ("Kolik mouky mám použít, když je v kuchyni zima?", "cs"),
    ("Quanta farina devo usare se in cucina fa freddo?", "it"),
    ("anything at all, with enough words to vote on it", "tlh"),
]


@pytest.mark.parametrize(("text", "language"), RIGHT)
def test_names_code_quotes_and_translation_are_no_fault(text: str, language: str) -> None:
    assert user_fault(text, (), act=None, language=language) is None
    assert soft_fault(text, language=language, words=None) is None


def test_thanks_only_needs_no_history() -> None:
    assert thanks_only("thanks a lot!", "en")
    assert thanks_only("谢谢！", "zh")
    assert not thanks_only("thanks, shorter please", "en")
    assert not thanks_only("is that all? thanks", "en")
    assert not thanks_only("感谢信怎么写", "zh")
