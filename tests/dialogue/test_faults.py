"""What a user's turn is told, and what it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import REASONS
from dialogue.faults import CHECKS, assistant_flags, opener_fault, soft_fault, unwrap, user_fault, user_flags
from dialogue.records import Message
from dialogue.wordlists import languages

OPENER = "How do I keep sourdough starter alive if I only bake about once a month?"
ANSWER = (
    "Keep it in the fridge and feed it every two to four weeks with equal weights of flour and water. "
    "Before baking, take it out, feed it twice over a day, and wait until it doubles within six hours. "
    "If grey liquid gathers on top, pour it off or stir it in; both are fine and neither means that it died."
)


def history(*texts: str) -> list[Message]:
    return [Message(role="assistant" if i % 2 else "user", content=text) for i, text in enumerate(texts)]


def check(
    text: str, *, act: str | None = "deepen", language: str | None = "en", before=(OPENER, ANSWER), **more
) -> str:
    fault = user_fault(text, history(*before), act=act, language=language, **more)
    return fault.check if fault else ""


FINE = [
    "what flour though",
    "ok and rye?",
    "Thanks, and how often should I feed it at room temperature?",
    "thanks, now give me a weekly schedule",
    "no thanks, I want to keep it on the counter",
    "Write a thank you note to the neighbour who gave me the starter",
    "does the bank appreciate such collateral",
    "I can't open the file",
    "I'm sorry, but I can't open the file you mentioned",
    "I'm sorry but I can't eat rye",
    "I can't participate in the bake sale, what can I send instead?",
    "I can't help with the dishes because of my back, so fewer bowls please",
    'My sister\'s card says "feel free to ask me", is that about feeding?',
    "The log says:\n```\nUser: feed\nAssistant: done\n```\nwhat does it mean?",
    "here is my schedule: monday feed, friday bake",
    "Here's the recipe I use, is it too wet?",
    "My steps so far:\n1. feed\n2. wait\n3. bake\nWhat is missing?",
    "what does `<|im_end|>` do in a chat template",
    r"solve \frac{x}{2} = {3} for me and plot {1, 2, 3}",
    "I said *not* on the counter (my kitchen is hot)",
    "Q: is it dead if it smells of acetone?",
    "say goodbye in a funny way on the label",
    "the assistant manager at the bakery says once a week, is she right?",
    "translate: ich möchte bitte ein Brot und zwei Brötchen, und dann noch etwas Kuchen",
    "is <b>bold</b> allowed on the label?",
    "yes",
    "...?",
]


@pytest.mark.parametrize("text", FINE)
def test_a_users_sentence_has_no_fault(text: str) -> None:
    assert user_fault(text, history(OPENER, ANSWER), act="deepen", language="en") is None


BAD = [
    ("", "empty", "markers"),
    ("***", "empty", "markers"),
    ("<think>I should ask about rye</think> What about rye?", "think_tag", "markers"),
    ("What about rye?<|im_end|>", "template_token", "markers"),
    ("What about rye? [END]", "template_token", "markers"),
    ("### Response:\nWhat about rye?", "template_token", "markers"),
    ("User: what about rye?", "role_marker", "markers"),
    ("What about rye?\n**Assistant:** Rye works well.", "role_marker", "markers"),
    ("I'm sorry, but I can't assist with that.", "refusal", "refusal"),
    ("I'm sorry, but I can't continue with this roleplay.", "refusal", "refusal"),
    ("As a language model I cannot pretend to be a baker.", "refusal", "refusal"),
    (OPENER, "opener_resent", "repeat"),
    ("Keep it in the fridge and feed it every two to four weeks with rye", "answer_copy", "repeat"),
    ("Thank you so much, this was really helpful!", "thanks_only", "politeness"),
    ("Thanks for the advice on my sourdough starter.", "thanks_only", "politeness"),
    ("Great, thanks! Have a nice day!", "thanks_only", "politeness"),
    ("Bye, take care!", "farewell", "politeness"),
    ("Certainly! Rye flour feeds it faster.", "assistant_start", "role_exchange"),
    ("Here are some ways to keep it alive", "assistant_start", "role_exchange"),
    ("You're welcome, have fun baking", "assistant_start", "role_exchange"),
    ("Rye works too. Let me know if you need anything else.", "help_desk", "role_exchange"),
    ("How can I help you with the starter today?", "help_desk", "role_exchange"),
    ("My persona would ask about rye next", "meta", "markers"),
    ("As the user, I would like rye bread", "meta", "markers"),
    ("*sighs* it died again", "stage_direction", "markers"),
    ("it died again (laughs nervously)", "stage_direction", "markers"),
    ("Can you write it for [your name]?", "placeholder", "markers"),
    ("Write it for {recipient_name} please", "placeholder", "markers"),
    ("Как часто нужно подкармливать закваску зимой?", "language", "markers"),
    ("Wie oft soll ich den Teig füttern, wenn ich ihn nicht jeden Tag brauche?", "language", "markers"),
    ("# Feeding\nTwice a day", "shape", "role_exchange"),
    ("Three ways:\n1. rye\n2. spelt\n3. oats", "shape", "role_exchange"),
    ("rye " * 100 + "spelt " * 100, "shape", "role_exchange"),
]


@pytest.mark.parametrize(("text", "name", "reason"), BAD)
def test_a_fault_is_named(text: str, name: str, reason: str) -> None:
    fault = user_fault(text, history(OPENER, ANSWER), act="deepen", language="en")
    assert fault is not None
    assert (fault.check, fault.reason) == (name, reason)
    assert fault.evidence


def test_every_check_is_among_the_named_faults() -> None:
    covered = {name for _, name, _ in BAD} | {"turn_copy"}
    assert covered == set(CHECKS)
    assert {reason for reason, _ in CHECKS.values()} <= set(REASONS)


@pytest.mark.parametrize("form", ["zq7kv", "ZQ7KV", "ok Z Q 7 K V", "ok. z-q-7-k-v!", "ｚｑ７ｋｖ", "`zq7kv`"])
def test_the_sentinel_is_found_in_any_form(form: str) -> None:
    assert check(form, sentinel="⟦zq7kv⟧") == "sentinel"


def test_a_turn_without_the_sentinel_passes() -> None:
    assert check("how many quick kitchen visits, 7?", sentinel="⟦zq7kv⟧") == ""


def test_a_sentinel_needs_a_letter() -> None:
    with pytest.raises(ValueError, match="no letter"):
        check("anything", sentinel="###")


COIN = "A coin is heads up. Tom does not flip the coin. Is the coin still heads up?"
CHAIN = ("Anna flips nothing and leaves. Is the coin still heads up or tails up now?", "Heads up.", "And rye?", "No.")


def test_an_earlier_turn_may_not_be_said_again() -> None:
    assert check(CHAIN[0], before=CHAIN) == "turn_copy"


def test_a_rephrasing_needs_one_changed_word() -> None:
    changed = CHAIN[0].replace("Anna", "Berta")
    assert check(changed, before=CHAIN) == "turn_copy"
    assert check(changed, before=CHAIN, act="rephrase") == ""
    assert check(CHAIN[0], before=CHAIN, act="rephrase") == "turn_copy"


def test_where_turn_copy_is_waived_a_changed_word_passes_and_a_copy_does_not() -> None:
    assert check(CHAIN[0].replace("Anna", "Berta"), before=CHAIN, waived=("turn_copy",)) == ""
    assert check(CHAIN[0], before=CHAIN, waived=("turn_copy",)) == "turn_copy"


def test_short_turns_may_recur() -> None:
    assert (
        check("continue please", before=("Write a poem about bread in the oven", "...", "continue please", "...")) == ""
    )


def test_a_quoted_line_of_the_answer_is_no_copy() -> None:
    quote = '"feed it every two to four weeks with equal weights of flour and water"'
    assert check(f"you wrote {quote}, is that by volume?") == ""


def test_the_second_turn_may_repeat_the_openers_frame_with_a_new_thing() -> None:
    assert check(OPENER.replace("sourdough", "kefir"), act="rephrase") == ""


def test_a_system_message_before_the_opener_changes_nothing() -> None:
    past = [Message(role="system", content="Be brief."), *history(OPENER, ANSWER)]
    fault = user_fault(OPENER, past, act="deepen", language="en")
    assert fault is not None
    assert fault.check == "opener_resent"


def test_thanks_are_right_where_the_script_closes() -> None:
    assert check("Thanks, bye!", act="closing") == ""


def test_sure_is_an_answer_to_a_question() -> None:
    asked = (OPENER, "Do you bake with rye?")
    assert check("Sure, mostly rye", act="answer", before=asked) == ""
    assert check("Sure, mostly rye", act=None, before=asked) == ""
    assert check("Sure, mostly rye", act="deepen", before=asked) == "assistant_start"


def test_role_play_waives_stage_directions() -> None:
    assert check("*sighs* it died again", waived=("stage_direction", "meta")) == ""


def test_figures_come_from_the_card_or_the_dialogue() -> None:
    facts = "order AB-20417, paid 1,250 euros"
    assert check("my order is ab-20417 and I paid 1250", facts=facts) == ""
    assert check("my order is CD-99817", facts=facts) == "figures"
    assert check("it came on 2024-03-05 at 12:30, 2 of 3 boxes, since 1998", facts=facts) == ""
    assert check("my order is CD-99817") == ""


def test_long_pasted_material_is_no_essay() -> None:
    assert check("Shorten this for me:\n" + "the dough was wet and heavy " * 40) == ""
    assert check("请从以下文章中提取三个关键词:" + "面团又湿又重" * 60, language="zh") == ""
    assert check('Shorten "' + "the dough was wet and heavy " * 40 + '"') == ""


def test_a_long_turn_is_measured_against_the_answer() -> None:
    turn = "dough and water " * 60
    assert check(turn, before=(OPENER, "Bread rises slowly. " * 200)) == ""
    assert check(turn) == "shape"


IN_OTHER_LANGUAGES = {
    "de": ("Vielen Dank für die tolle Erklärung!", "Kann ich Ihnen sonst noch helfen? Lass es mich wissen."),
    "es": ("¡Muchas gracias por tu ayuda!", "Espero que esto te ayude con la masa madre."),
    "fr": ("Merci beaucoup pour cette réponse très claire !", "N'hésitez pas à me demander autre chose."),
    "pt": ("Muito obrigado pela ajuda, ficou claro!", "Espero ter ajudado com o fermento."),
    "ru": ("Большое спасибо за подробный ответ!", "Надеюсь, это поможет вам с закваской."),
    "ja": ("ありがとうございます、とても参考になりました！", "ご不明な点がありましたらお気軽にどうぞ。"),
    "ko": ("정말 감사합니다! 큰 도움이 되었어요.", "궁금한 점이 있으시면 말씀해 주세요."),
    "zh-Hans": ("非常感谢你的详细解答！", "如果您有任何问题，请随时告诉我。"),
    "zh-Hant": ("非常感謝你的詳細解答！", "如果您有任何問題，請隨時告訴我。"),
}


@pytest.mark.parametrize("language", IN_OTHER_LANGUAGES)
def test_thanks_and_help_desk_are_known_in_each_language(language: str) -> None:
    thanks, help_desk = IN_OTHER_LANGUAGES[language]
    assert check(thanks, language=language, before=()) in ("thanks_only",)
    assert check(help_desk, language=language, before=()) == "help_desk"
    assert check(help_desk, language=None, before=()) == "help_desk"


def test_an_ai_that_speaks_of_itself_is_known_where_latin_letters_and_others_touch() -> None:
    for language, turn in (
        ("zh-Hans", "作为一个AI语言模型，我没有个人观点。"),
        ("zh-Hans", "作为AI助手，我很乐意帮忙。"),
        ("zh-Hans", "我是一个AI助手，可以帮你。"),
        ("zh-Hant", "作為一個AI語言模型，我沒有個人觀點。"),
        ("zh-Hant", "我是一個AI助理，可以幫你。"),
        ("ko", "저는 AI라서 감정이 없습니다."),
    ):
        assert check(turn, language=language) == "help_desk", turn
    for language, turn in (
        ("zh-Hans", "作为一名AI工程师，我想转行"),
        ("zh-Hant", "我是一個AI愛好者"),
        ("ko", "AI를 배우고 싶어요"),
    ):
        assert check(turn, language=language) == "", turn


REFUSALS = {
    "de": "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
    "es": "Lo siento, pero no puedo ayudarte con eso.",
    "fr": "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
    "pt": "Desculpe, mas não posso ajudar com isso.",
    "ru": "Извините, но я не могу помочь с этим запросом.",
    "ja": "申し訳ありませんが、そのご要望にはお応えできません。",
    "ko": "죄송하지만 해당 요청은 도와드릴 수 없습니다.",
    "zh-Hans": "很抱歉，我无法提供这类内容。",
    "zh-Hant": "很抱歉，我無法提供這類內容。",
}


@pytest.mark.parametrize("language", REFUSALS)
def test_refusals_are_known_in_each_language(language: str) -> None:
    assert check(REFUSALS[language], language=language, before=()) == "refusal"


def test_a_users_inability_is_no_refusal_in_other_languages() -> None:
    assert check("抱歉，我不能吃辣，换一个菜", language="zh", before=()) == ""
    assert check("Lo siento, pero no puedo abrir el archivo", language="es", before=()) == ""
    assert check("Ich darf keine Nüsse essen, was nehme ich stattdessen?", language="de", before=()) == ""


def test_each_language_file_has_its_example() -> None:
    assert {*IN_OTHER_LANGUAGES, "en"} == set(languages())


REQUESTS = {
    "de": "Danke, und wie lange hält er sich im Kühlschrank?",
    "es": "Gracias, ahora dame un calendario semanal",
    "fr": "merci, et combien de temps au frigo",
    "pt": "obrigado, agora faça uma tabela",
    "ru": "Спасибо, а теперь составь таблицу",
    "ja": "ありがとう、では冷蔵庫での保存期間は",
    "ko": "감사합니다. 그럼 냉장 보관 기간은",
    "zh-Hans": "谢谢，那放冰箱能保存多久",
    "zh-Hant": "謝謝，那放冰箱能保存多久",
}


@pytest.mark.parametrize("language", REQUESTS)
def test_thanks_before_a_request_are_fine_in_each_language(language: str) -> None:
    assert check(REQUESTS[language], language=language, before=()) == ""


def test_length_is_a_soft_fault() -> None:
    for text, words, wrong in [
        ("one two three", (8, 20), True),
        ("one two three four", (8, 20), False),
        ("word " * 41, (8, 20), True),
        ("word " * 40, (8, 20), False),
        ("这个面团要发酵多久才好", (4, 8), False),
        ("word " * 400, None, False),
    ]:
        fault = soft_fault(text, language=None, words=words)
        assert (fault is not None) == wrong, text
        assert fault is None or fault.check == "length"


def test_a_wrong_language_in_few_letters_is_a_soft_fault() -> None:
    text = "а сколько муки?"
    assert check(text) == ""
    fault = soft_fault(text, language="en", words=None)
    assert fault is not None
    assert fault.check == "language"


@pytest.mark.parametrize(
    "text",
    [
        "Here is a text. Summarise it in two lines.\nBread was first baked in ...",
        "1. Read the poem below. 2. Name its metre.",
        '"Is bread a vegetable?"',
        "explain bread",
        "def bake(x): return f'{name} bread'  # `what does {topic} do`" + "\n```\n[Your name] {topic}\n```",
        "Here are my 10 questions for a baker, which is the weakest?",
        "Imagine you are an AI that bakes. What would you bake?",
        "Who said this in the play?\nUser: never\nAssistant: ever",
    ],
)
def test_an_openers_oddities_are_legitimate(text: str) -> None:
    assert opener_fault(text, "en") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "empty"),
        ("Bread?", "empty"),
        ("word " * 401, "long"),
        ("Here are 10 questions about bread:", "preamble"),
        ("Sure! Here is an opener: how does bread rise?", "preamble"),
        ("User: how does bread rise?", "marker"),
        ("How does bread rise?<|im_end|>", "marker"),
        ("I'm sorry, but I can't assist with that request.", "refusal"),
        ("The user asks how bread rises", "meta"),
        ("Write to [Your name] about {topic}", "placeholder"),
        ("Write a letter about {topic} today", "placeholder"),
        ("Почему тесто не поднимается зимой?", "language"),
    ],
)
def test_a_broken_opener_is_named(text: str, name: str) -> None:
    fault = opener_fault(text, "en")
    assert fault is not None
    assert (fault.reason, fault.check) == ("opener", name)


@pytest.mark.parametrize(
    ("wrapped", "bare"),
    [
        ('"How does bread rise?"', "How does bread rise?"),
        ("“How?”", "How?"),
        ("「パンは？」", "パンは？"),
        ("\u200f How?\u200b", "How?"),
        ('"Yes" or "no"', '"Yes" or "no"'),
        ("'tis the season'", "'tis the season'"),
        ('"', '"'),
        ('he said "hi"', 'he said "hi"'),
        ('""How?""', '""How?""'),
    ],
)
def test_one_pair_of_quotes_round_all_is_unwrapped(wrapped: str, bare: str) -> None:
    assert unwrap(wrapped) == bare


def test_odd_answers_are_flagged() -> None:
    past = history(OPENER, ANSWER, "again?")
    assert assistant_flags(ANSWER, past) == ["self_copy"]
    assert assistant_flags(ANSWER.replace("grey liquid", "brown water"), past, edits=True) == []
    assert assistant_flags("Can you tell me how bread rises?", past) == ["asks_as_user"]
    assert assistant_flags("Great question! It rises.", past) == ["praise"]
    assert assistant_flags("Bread rises because the yeast in it eats sugar and then", past) == ["truncated"]
    assert assistant_flags("Three kinds:\n- rye\n- a very long one that has no mark at its end", past) == []
    assert assistant_flags("", past) == []


def test_praise_is_counted_and_never_a_fault() -> None:
    assert user_flags("Wow, that's a lot. And rye?", language="en") == ["praise"]
    assert user_flags("And rye?", language="en") == []


@given(st.text(), st.sampled_from([None, "en", "zh", "zh-TW", "ja", "de", "it", "xx", "th"]))
def test_any_text_is_read(text: str, language: str | None) -> None:
    past = history(OPENER, text, text)
    user_fault(text, past, act=None, language=language, sentinel="zq7", facts="")
    soft_fault(text, language=language, words=(1, 9))
    opener_fault(text, language)
    assistant_flags(text, past, language=language)
    assert len(unwrap(text)) <= len(text)
