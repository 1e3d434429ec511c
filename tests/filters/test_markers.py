"""Markers: what machinery leaves behind."""

import pytest
from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given, settings
from toys import talk

from dialogue.records import Message
from filters.markers import CHECKS, Markers

QUESTION = "Why are tides later every day?"
ANSWER = "The moon moves on, so the harbour has to turn a little further before it is under it again."


@settings(deadline=None)
@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Markers(), dialogue)
    settles(Markers(checks=("template_token", "slot")), dialogue)


ANYWHERE = [
    ("It is late. <|im_end|>", "template_token"),
    ("[|Human|] And in bays?", "template_token"),
    ("[Human] And in bays?", "template_token"),
    ("[AI] It is late.", "template_token"),
    ("### Instruction:\nExplain tides.", "template_token"),
    ("It is late. <eoh>", "template_token"),
    ("[INST] Explain tides. [/INST]", "template_token"),
    ("It is late. ⟦ab12cd⟧", "sentinel"),
    ("Explain {{topic}} in a sentence.", "slot"),
    ("Explain {{ seed.topic }} in a sentence.", "slot"),
    ("{% if language %}Explain tides.", "slot"),
    ("<think>The user is asking again.</think> It is late.", "think_tag"),
    ("Assistant: It is late.", "role_marker"),
    ("It is late.\nHuman: And in bays?", "role_marker"),
    ("It is late.\nAssistant:", "role_marker"),
    ("助手：潮汐每天晚一点。", "role_marker"),
    ("**User:** And in bays?", "role_marker"),
]


@pytest.mark.parametrize(("text", "expected"), ANYWHERE)
def test_a_trace_is_found_in_both_roles(text, expected):
    assert reason(Markers().apply(talk(QUESTION, ANSWER, text, ANSWER))) == expected
    outcome = Markers().apply(talk(QUESTION, ANSWER, "And in bays?", text))
    assert reason(outcome) == expected
    assert outcome.evidence["message"] == 3
    assert outcome.evidence["phrase"] in outcome.evidence["text"].lower().replace("：", ":")


@pytest.mark.parametrize("text", ["Dear [Your name],\nit is late.", "The goal card says to ask about tides."])
def test_placeholders_and_talk_of_the_simulation_are_faults_of_the_user_alone(text):
    assert reason(Markers().apply(talk(QUESTION, ANSWER, text, ANSWER))) in ("placeholder", "meta")
    assert reason(Markers().apply(talk(text, ANSWER))) in ("placeholder", "meta")
    assert reason(Markers().apply(talk(QUESTION, text))) is None


@pytest.mark.parametrize("text", ["Explain {{topic}}.", "You are <|system|> help.", "End with ⟦ab12cd⟧."])
def test_system_messages_are_read_for_what_was_never_rendered(text):
    dialogue = talk(QUESTION, ANSWER)
    messages = (Message(role="system", content=text), *dialogue.messages)
    assert reason(Markers().apply(dialogue.model_copy(update={"messages": messages}))) in (
        "slot",
        "template_token",
        "sentinel",
    )


@pytest.mark.parametrize("text", ["User: hello\nAssistant: hi", "Think inside <think> tags.", "<|im_end|>"])
def test_system_messages_may_show_a_dialogue_and_tool_results_anything(text):
    messages = talk(QUESTION, ANSWER).messages
    if "|" not in text:
        system = Message(role="system", content=text)
        assert reason(Markers().apply(talk("a").model_copy(update={"messages": (system, *messages)}))) is None
    tool = Message(role="tool", content=text)
    assert reason(Markers().apply(talk("a").model_copy(update={"messages": (*messages, tool)}))) is None


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "```\nUser: hello\n<|im_end|> {{topic}} <think>\n```",
        "The token `<|im_end|>` ends a turn, `{{topic}}` is a slot.",
        'He wrote "<|im_end|>" on the wall.',
        "Mail us at [email protected] or see https://example.org/[AI]/.",
        "The usual order: boat, table, time.",
        r"Then $\frac{{a}}{b}$ is larger.",
        "\\begin{document}{{x}}",
        "# Tides\n## The moon\nIt moves on.",
        "Scene 1. The harbour at night.\n[End]",
        "Dear [Venue owner], #tides are late.",
        "if (a < b && c > d) { return x; }",
    ],
)
def test_code_quotes_and_ordinary_marks_pass(text):
    assert reason(Markers().apply(talk(QUESTION, text))) is None


def test_who_asks_for_a_dialogue_of_two_speakers_gets_one():
    script = "User: Is the air good today?\nBot: It is."
    assert reason(Markers().apply(talk("Write a conversation. Roles: User and Bot", script))) is None
    assert reason(Markers().apply(talk(QUESTION, script))) == "role_marker"
    assert reason(Markers().apply(talk("写一段用户和机器人的对话。", "用户：今天空气好吗？\n机器人：很好。"))) is None


def test_openers_may_quote_a_log_below_their_first_line():
    assert reason(Markers().apply(talk("What went wrong here?\nUser: hello\nAssistant: hi", ANSWER))) is None
    assert reason(Markers().apply(talk("User: What went wrong?", ANSWER))) == "role_marker"


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_can_be_had_alone(check):
    traces = {expected: text for text, expected in ANYWHERE} | {
        "placeholder": "Dear [Your name]",
        "meta": "My goal card is empty.",
    }
    for name, text in traces.items():
        found = reason(Markers(checks=(check,)).apply(talk(QUESTION, ANSWER, text, ANSWER)))
        assert found == (check if name == check else None) or (name, check) == ("slot", "placeholder")
