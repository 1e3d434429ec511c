"""`sharegpt_pages`: saved ShareGPT pages and dumps of them, answers in HTML; cleaned as OpenChat V1 cleaned them.

Markup becomes Markdown; code stands in fences with its language, without the page's "Copy code"; regenerate counters
("2 / 3") and "Copied 12 chars" go; formulas are TeX again. An answer before the first question and a question after
the last answer are dropped; turns that do not alternate are refused, and so is a page without an exchange. The model's
label stays. OpenChat's word list, by which one mention of a company deletes a dialogue, is left to `gen filter`.
"""

import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dialogue.fields import made
from dialogue.jsonl import kind_of
from dialogue.records import Dialogue, Message, Role

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

about = "saved pages: items with answers in HTML"
unique = True
"""Pages were saved many times: exact copies are dropped."""

_ROLES: dict[str, Role] = {"human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant"}
_MARKUP = re.compile(r"<(?:div|p|pre|ol|ul|h[1-6]|table|span)\b[^>]*>", re.IGNORECASE)
_FURNITURE = re.compile(r"^(?:\d+ / \d+|Copied \d+ chars?|Copy code|Share Prompt)$", re.IGNORECASE | re.MULTILINE)
_BLANKS = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Whether an object is a page's data, or turns with answers in HTML."""
    return _content(fields) is not None


def marked_up(items: list[Any]) -> bool:
    """Whether an answer among the turns begins with HTML."""
    answers = (one.get("value") for one in items if isinstance(one, dict) and one.get("from") in ("gpt", "chatgpt"))
    return any(isinstance(text, str) and _MARKUP.match(text.lstrip()) for text in answers)


def _content(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What holds the turns."""
    found: Any = fields
    for name in ("props", "pageProps", "content"):
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, dict) and isinstance(found.get("items"), list):
        return found
    return fields if isinstance(fields.get("items"), list) and marked_up(fields["items"]) else None


def from_object(fields: Mapping[str, Any]) -> Dialogue:
    """The dialogue of a page; ValueError where there is none. Needs the extra `pages`."""
    content = _content(fields)
    if content is None:
        raise ValueError("items: expected turns with answers in HTML")
    messages = [_message(item, place) for place, item in enumerate(content["items"], 1)]
    while messages and messages[0].role == "assistant":
        del messages[0]
    while messages and messages[-1].role == "user":
        del messages[-1]
    if not messages:
        raise ValueError("items: no question with an answer")
    for place, message in enumerate(messages):
        if message.role != ("user", "assistant")[place % 2]:
            raise ValueError(f"items: two turns of the {message.role} follow one another")
    model = content.get("model")
    label = model.get("name") if isinstance(model, dict) else model
    one = made(messages, {"id": content.get("id"), **_kept(content)}, ("items", "model"))
    return one.model_copy(update={"assistant_model": label}) if isinstance(label, str) and label else one


def _kept(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("title", "views", "hash") if name in content}


def _message(item: object, place: int) -> Message:
    if not isinstance(item, dict):
        raise ValueError(f"items.{place}: {kind_of(item)}, expected an object")
    speaker, value = item.get("from"), item.get("value")
    if not isinstance(speaker, str) or speaker not in _ROLES or not isinstance(value, str):
        raise ValueError(f"items.{place}: expected `from` ({', '.join(_ROLES)}) and `value`")
    try:
        content = markdown(value) if _MARKUP.match(value.lstrip()) else html.unescape(value).strip()
    except RecursionError:
        raise ValueError(f"items.{place}: its markup is nested too deeply") from None
    if not content:
        raise ValueError(f"items.{place}: is empty")
    return Message(role=_ROLES[speaker], content=content)


def markdown(page: str) -> str:
    """HTML as Markdown, without what belongs to the page."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(page, "html.parser")
    for part in soup(["script", "style", "button", "svg"]):
        part.decompose()
    blocks = [_held(soup, pre, number) for number, pre in enumerate(soup("pre"))]
    for formula in soup.select("span.katex-display, span.katex"):
        _tex(formula)
    writer = MarkdownConverter(
        heading_style="ATX", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False
    )
    text = writer.convert_soup(soup)
    text = _BLANKS.sub("\n\n", _FURNITURE.sub("", text)).strip()
    for number, block in enumerate(blocks):
        text = text.replace(_mark(number), block)
    return text


def _mark(number: int) -> str:
    """Stands for a block of code, so that nothing in it is taken for page or markup."""
    return f"\ufdd0{number}\ufdd1"


def _held(soup: "BeautifulSoup", pre: "Tag", number: int) -> str:
    """The block as a fence, its place in the page taken by its mark."""
    source = pre.select_one("code") or pre
    classes = source.get_attribute_list("class")
    language = next((str(one)[len("language-") :] for one in classes if str(one or "").startswith("language-")), "")
    text = source.get_text().strip("\n")
    ticks = max((len(run) for run in re.findall(r"`{3,}", text)), default=2) + 1
    fence = "`" * ticks
    paragraph = soup.new_tag("p")
    paragraph.string = _mark(number)
    pre.replace_with(paragraph)
    return f"{fence}{language}\n{text}\n{fence}"


def _tex(formula: "Tag") -> None:
    """A formula as TeX between dollars; the page holds it twice, as MathML and as shapes."""
    source = formula.find("annotation")
    if source is None or formula.parent is None:
        return
    dollars = "$$" if "katex-display" in formula.get_attribute_list("class") else "$"
    formula.replace_with(f"{dollars}{source.get_text().strip()}{dollars}")
