"""Traces of the machinery in a user's turn: role names, template tokens, reasoning, stage directions, placeholders."""

import re
import unicodedata
from functools import lru_cache

from dialogue.draft import Draft
from dialogue.wordlists import Wordlists

_TOKENS = re.compile(
    r"<\|[a-z_ ]{1,40}\|>|<｜[^｜\n]{1,40}｜>|\[\|[a-z ]{1,20}\|\]|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>"
    r"|<eo[hmctr]>|</s>\s*\Z|\A<s>|\[(?:end|eos|stop|done)\]|<(?:eos|bos|end|stop|pad)>"
    r"|^#{2,3} ?(?:instruction|response|human|assistant|user)\b:?\s*$",
    re.MULTILINE,
)
_REASONING = re.compile(r"</?(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis)>|◁/?think▷")
_STAGE = re.compile(
    r"(?:\A|(?<=\n))\s*(?:\(\*?([^()\n]{1,80}?)\*?\)|\*([^*\n]{1,80})\*|\[([^\[\]\n]{1,80})\])(?=\s)"
    r"|(?:\(\*?([^()\n]{1,80}?)\*?\)|(?<=\s)\*([^*\n]{1,80})\*|\[([^\[\]\n]{1,80})\])\s*(?:\Z|(?=\n))"
)
_BRACKETS = re.compile(r"\[([^\[\]\n]{1,60})\](?!\()|<([a-z][a-z _']{2,40})>")
_CURLY = re.compile(r"(?<![\\\w$}^_\]=:,{])\{\{? ?([a-z][a-z_ ]{2,40}?) ?\}?\}(?![\w{])|(?<!\w)\{x\}(?!\w)")
_BARE_CODE = re.compile(
    r"^\s*(?:def|class|from|import|return|const|let|var|function|public|private|#include)\b.*[({=;:]"
    r"|^\s*(?:from|import) \w|=>|;\s*$|^%%|</\w+>",
    re.MULTILINE,
)
_HTML = frozenset(
    [
        "html",
        "body",
        "div",
        "span",
        "head",
        "title",
        "table",
        "form",
        "input",
        "button",
        "script",
        "style",
        "link",
        "img",
        "nav",
        "main",
        "section",
        "header",
        "footer",
        "article",
        "select",
        "option",
        "label",
        "meta",
        "strong",
        "pre",
        "code",
        "canvas",
        "svg",
        "string",
        "int",
        "integer",
        "float",
        "double",
        "list",
        "object",
        "bool",
        "char",
    ]
)


def sentinel_in(text: str, sentinel: str) -> str | None:
    """The run's end sign in any form: other case, spaces or marks between its letters, full-width letters."""
    letters, rare_first = _sign(sentinel)
    low = text.lower() if text.isascii() else _folded(text)
    if not all(map(low.__contains__, rare_first)):
        return None
    return sentinel if letters in "".join(filter(str.isalnum, low)) else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=16)
def _sign(sentinel: str) -> tuple[str, str]:
    """The letters of a sentinel, and the same with those first that few texts hold."""
    letters = "".join(filter(str.isalnum, _folded(sentinel)))
    if not letters:
        raise ValueError(f"sentinel {sentinel!r}: no letter or digit in it")
    return letters, "".join(
        sorted(set(letters), key=lambda char: "etaoinshrdlucmwfgypbvk".find(char) % 100, reverse=True)
    )


def template_token(draft: Draft) -> str | None:
    """A chat template's control token, outside code and quotes."""
    low = draft.plain
    if "<" not in low and "[" not in low and "#" not in low:
        return None
    found = _TOKENS.search(low)
    return found[0] if found else None


def think_tag(draft: Draft) -> str | None:
    """A tag of leaked reasoning."""
    low = draft.plain
    if "<" not in low and "◁" not in low:
        return None
    found = _REASONING.search(low)
    return found[0] if found else None


@lru_cache(maxsize=64)
def _roles(lists: Wordlists) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, lists.roles.every), key=len, reverse=True))
    return re.compile(
        rf"^\s{{0,3}}[*_\[(<#]{{0,3}}\s?(?:{names})(?: ?\d| \([^()\n]{{1,30}}\))?[*_\])>]{{0,3}}\s?:", re.MULTILINE
    )


def role_marker(draft: Draft) -> str | None:
    """A speaker's name with a colon at the start of a line; logs belong in code or quotes."""
    if ":" not in draft.plain:
        return None
    found = _roles(draft.lists).search(draft.plain)
    return found[0].strip() if found else None


def meta(draft: Draft) -> str | None:
    """Talk about the simulation: the persona, the goal card, the assistant in the third person."""
    phrase = draft.lists.meta.find(draft.plain, draft.vocabulary)
    return None if phrase is None or draft.lists.meta_not.find(draft.plain) else phrase


def stage_direction(draft: Draft) -> str | None:
    """A gesture between brackets or stars at the start or end of a line."""
    plain = draft.plain
    if "(" not in plain and "*" not in plain and "[" not in plain:
        return None
    for found in _STAGE.finditer(plain):
        if draft.lists.stage.find(next(filter(None, found.groups()))):
            return found[0].strip()
    return None


def placeholder(draft: Draft) -> str | None:
    """An unfilled slot: [Your name], {topic}, <company name>; not in code, fenced or bare, LaTeX or HTML."""
    found = _slot(draft)
    return None if found is None or _BARE_CODE.search(draft.text) else found


def _slot(draft: Draft) -> str | None:
    low = draft.plain
    if "[" not in low and "{" not in low and "<" not in low:
        return None
    if ("[" in low or "<" in low) and (found := _bracketed(low, draft.lists.placeholders.every)):
        return found
    curly = _CURLY.search(low) if "{" in low and "\\" not in low else None
    return curly[0] if curly else None


def _bracketed(low: str, names: tuple[str, ...]) -> str | None:
    for found in _BRACKETS.finditer(low):
        inner = found[1] or found[2]
        word = inner.strip().split(" ")[0]
        if word in _HTML or inner == "email protected":
            continue
        if any(inner == name or inner.startswith((name + " ", name + "'")) for name in names) or _starts_unspaced(
            inner, names
        ):
            return found[0]
    return None


def _starts_unspaced(inner: str, names: tuple[str, ...]) -> bool:
    return not inner.isascii() and any(not name.isascii() and inner.startswith(name) for name in names)
