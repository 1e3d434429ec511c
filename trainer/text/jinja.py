"""The layout as a Jinja chat template with generation marks, for `tokenizer.chat_template`.

It is an export: what this project trains on and answers with is made by `render.py`. Both give the same ids.
"""

from collections.abc import Mapping

from trainer.settings import Thoughts
from trainer.text.layout import ANSWER, THOUGHTS, WHOLE, Layout, Trim
from trainer.text.speakers import Speaker
from trainer.text.template import Part

_KIND_WITH_INPUT = (
    "message.role if message.role != 'user' else 'input' if message.name == 'input' else 'instruction' "
    "if loop.nextitem is defined and loop.nextitem.role == 'user' and loop.nextitem.name == 'input' else 'user'"
)
_WORDS = "(message.content or '')"
_THOUGHT = "(message.thoughts or message.reasoning_content)"


def to_jinja(layout: Layout, thoughts: Thoughts = "none", speaker: Speaker = "assistant") -> str:
    """The chat template; thoughts as in training: in all answers, in those since the user last spoke, or in none.

    What the `speaker` says is marked as generated. Of a model of the user's side the generation prompt opens the user's
    turn wherever it is theirs, and an answer else, as any template does: by that it can be taken apart again.
    """
    edges = {f"{before}>{kind}": front for (before, kind), front in layout.edges.items()}
    lines = [
        "{%- set edges = " + _table({name: front.literal for name, front in edges.items()}) + " -%}",
        "{%- set leads = " + _table({name: front.lead for name, front in edges.items() if front.lead}) + " -%}",
        "{%- set ends = " + _table(layout.ends) + " -%}",
        "{%- set now = namespace(before='', user=-1) -%}",
        "{%- for message in messages -%}",
        "{%- if message.role == 'user' -%}{%- set now.user = loop.index0 -%}{%- endif -%}",
        "{%- endfor -%}",
        "{%- for message in messages -%}",
        "{%- set kind = " + (_KIND_WITH_INPUT if "input" in layout.ends else "message.role") + " -%}",
        "{%- set edge = now.before ~ '>' ~ kind -%}",
        "{%- if edge not in edges -%}{{- raise_exception('no place for ' ~ kind ~ ' after ' ~ now.before) -}}"
        "{%- endif -%}",
        "{{- edges[edge] -}}",
        *_message(layout, thoughts, speaker),
        "{%- set now.before = kind -%}",
        "{%- endfor -%}",
        "{%- if add_generation_prompt -%}{{- edges[now.before ~ " + _floor(speaker) + "] -}}"
        "{%- else -%}{{- edges[now.before ~ '>'] -}}{%- endif -%}",
    ]
    return "\n".join(lines)


def _message(layout: Layout, thoughts: Thoughts, speaker: Speaker) -> list[str]:
    """One message behind its edge."""
    said = "{{- leads.get(edge, '') -}}" + _words(layout, *sorted(layout.ends)) + "{{- ends[kind] -}}"
    answer = ["{{- leads.get(edge, '') -}}", *_speech(layout, thoughts), "{{- ends[kind] -}}"]
    if speaker == "assistant":
        return [
            "{%- if kind == 'assistant' -%}{%- generation -%}",
            *answer,
            "{%- endgeneration -%}{%- else -%}",
            said,
            "{%- endif -%}",
        ]
    return [
        "{%- if kind == 'assistant' -%}",
        *answer,
        "{%- elif kind == 'user' -%}{%- generation -%}" + said + "{%- endgeneration -%}",
        "{%- else -%}" + said + "{%- endif -%}",
    ]


def _floor(speaker: Speaker) -> str:
    """What comes behind `now.before` in the name of the edge that the generation prompt is."""
    if speaker == "assistant":
        return "'>assistant'"
    return "('>user' if now.before in ('', 'system', 'assistant') else '>assistant')"


def _speech(layout: Layout, thoughts: Thoughts) -> list[str]:
    """The assistant's message in the order in which its parts are written."""
    lines: list[str] = []
    words = _words(layout, "assistant")
    if layout.thoughts is not None and thoughts != "none":
        when = " and loop.index0 > now.user" if thoughts == "per_turn" else ""
        thinks = f"({_THOUGHT}) is string and {_THOUGHT}{when}"
        thought = _said(_THOUGHT, layout.trims.get(THOUGHTS, WHOLE))
        lines.append("{%- if " + thinks + " -%}" + _part(layout.thoughts, thought) + "{%- endif -%}")
        if layout.trims.get(ANSWER) != layout.trims.get("assistant"):
            words = "{%- if " + thinks + " -%}" + _words(layout, ANSWER) + "{%- else -%}" + words + "{%- endif -%}"
    text = _part(layout.text, words)
    calls = ""
    if layout.tool_calls is not None:
        calls = _calls(layout.tool_calls)
        if layout.text.before:
            text = "{%- if message.content or not message.tool_calls -%}" + text + "{%- endif -%}"
        if layout.tool_calls.gap:
            both = "{%- if message.content and message.tool_calls -%}"
            calls += both + _literal(layout.tool_calls.gap) + "{%- endif -%}"
    return [*lines, *([calls, text] if layout.calls_first else [text, calls])]


def _calls(part: Part) -> str:
    one = (
        "{%- set raw = call if call is string else call.raw -%}"
        "{%- set inner = call.function if call.function is defined else call -%}"
        "{%- if raw is string -%}{{- raw -}}{%- elif inner is not mapping -%}"
        "{{- inner | tojson -}}{%- else -%}{{- '{' -}}"
        "{%- for name, value in inner.items() -%}{{- name | tojson ~ ': ' -}}"
        "{%- if name == 'arguments' and value is string and value[:1] == '{' and value[-1:] == '}' -%}{{- value -}}"
        "{%- else -%}{{- value | tojson -}}{%- endif -%}{{- '' if loop.last else ', ' -}}"
        "{%- endfor -%}{{- '}' -}}{%- endif -%}"
    )
    between = "{%- if not loop.last -%}" + _literal(part.join) + "{%- endif -%}"
    loop = "{%- for call in message.tool_calls -%}" + one + between + "{%- endfor -%}"
    return "{%- if message.tool_calls -%}" + _part(part, loop) + "{%- endif -%}"


def _part(part: Part, inside: str) -> str:
    return _literal(part.before) + inside + _literal(part.after)


def _words(layout: Layout, *kinds: str) -> str:
    """The words of a message of one of the kinds, stripped as this template strips them."""
    if len(kinds) == 1:
        return _said(_WORDS, layout.trims.get(kinds[0], WHOLE))
    trimmed = [kind for kind in kinds if layout.trims.get(kind, WHOLE) != WHOLE]
    text = _said(_WORDS, WHOLE)
    for kind in trimmed:
        one = _said(_WORDS, layout.trims[kind])
        text = "{%- if kind == " + quoted(kind) + " -%}" + one + "{%- else -%}" + text + "{%- endif -%}"
    return text


def _said(text: str, trim: Trim) -> str:
    if trim == Trim(None, None):
        return "{{- " + text + "|trim -}}"
    for name, chars in (("lstrip", trim.left), ("rstrip", trim.right)):
        text += "" if chars == "" else f".{name}({'' if chars is None else quoted(chars)})"
    return "{{- " + text + " -}}"


def _literal(text: str) -> str:
    return "{{- " + quoted(text) + " -}}" if text else ""


def _table(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: {quoted(text)}" for name, text in texts.items()) + "}"


def quoted(text: str) -> str:
    """The text as a Jinja string: ASCII, so that nothing depends on how the file is read."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "'" + escaped.encode("ascii", "backslashreplace").decode("ascii") + "'"
