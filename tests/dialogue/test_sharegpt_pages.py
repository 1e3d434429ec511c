"""Saved ShareGPT pages: markup to Markdown, code in fences, page furniture gone, exchanges whole."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.conversion.convert import Conversion, convert
from dialogue.conversion.rows import rows
from dialogue.formats import openchat, sharegpt_pages
from dialogue.formats.sharegpt_pages import from_object, markdown

CODE = (
    '<div class="markdown prose"><p>Use <strong>this</strong>:</p><pre><div class="bg-black"><div class="flex">'
    '<span>python</span><button>Copy code</button></div><div><code class="!whitespace-pre hljs language-python">'
    '<span class="hljs-keyword">def</span> f(a_b):\n    <span>return</span> a_b * 2  # 1 / 2\n</code></div></div></pre>'
    "<ol><li>one</li><li>two</li></ol></div>"
)
MARKDOWN = "Use **this**:\n\n```python\ndef f(a_b):\n    return a_b * 2  # 1 / 2\n```\n\n1. one\n2. two"


def turns(*values: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[place % 2], "value": value} for place, value in enumerate(values)]


def texts(items: list[dict[str, str]], **more: Any) -> list[str]:
    return [message.content for message in from_object({"items": items, **more}).messages]


def test_code_stands_in_a_fence_without_the_pages_button() -> None:
    assert markdown(CODE) == MARKDOWN


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<p>a_b * c_d and 2*3*4</p>", "a_b * c_d and 2*3*4"),
        ("<div><p>1 / 3</p><p>Text of 1 / 3.</p><p>Copied 12 chars</p></div>", "Text of 1 / 3."),
        ("<pre><code>a\n```\nb</code></pre>", "````\na\n```\nb\n````"),
        ("<pre>no code element</pre>", "```\nno code element\n```"),
        ("<p>x <script>alert(1)</script>y</p>", "x y"),
        (
            '<p>So <span class="katex"><span class="katex-mathml"><math><annotation>x_1^2</annotation></math></span>'
            '<span class="katex-html">x12</span></span>.</p>',
            "So $x_1^2$.",
        ),
        ("<h2>Title</h2><p>a</p>", "## Title\n\na"),
        ("<table><tr><th>a</th></tr><tr><td>b</td></tr></table>", "| a |\n| --- |\n| b |"),
        ("<p>\u4f60\u597d&nbsp;&amp; &lt;b&gt;</p>", "\u4f60\u597d\xa0& <b>"),
    ],
)
def test_markup_becomes_markdown(page: str, wanted: str) -> None:
    assert markdown(page) == wanted


def test_what_a_person_typed_is_left_as_it_is() -> None:
    assert texts(turns("Why does 1 / 2 * <b> fail in `<div>`?", "<p>So.</p>")) == [
        "Why does 1 / 2 * <b> fail in `<div>`?",
        "So.",
    ]


def test_exchanges_are_whole() -> None:
    items = [{"from": "gpt", "value": "<p>Hello!</p>"}, *turns("q", "<p>a</p>", "unanswered")]
    assert texts(items) == ["q", "a"]
    with pytest.raises(ValueError, match="no question with an answer"):
        texts([{"from": "gpt", "value": "<p>Hello!</p>"}])
    with pytest.raises(ValueError, match="two turns of the user"):
        texts([*turns("q"), *turns("r", "<p>a</p>")])


def test_the_models_label_stays() -> None:
    page = {
        "props": {
            "pageProps": {
                "content": {"id": "p1", "model": "Model: GPT-4", "title": "t", "items": turns("q", "<p>a</p>")}
            }
        }
    }
    found = from_object(page)
    assert (found.id, found.assistant_model, found.seed.extra) == ("p1", "Model: GPT-4", {"title": "t"})


def test_turns_in_html_are_no_plain_ones() -> None:
    fields = {"items": turns("q", "<div><p>a</p></div>")}
    assert sharegpt_pages.recognise(fields)
    assert not openchat.recognise(fields)
    plain = {"items": turns("q", "Use <div> for that.")}
    assert openchat.recognise(plain)
    assert not sharegpt_pages.recognise(plain)


def test_a_folder_of_pages_is_converted_copies_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    data = {"props": {"pageProps": {"content": {"items": turns("q", CODE)}}}}
    page = f'<html><script id="__NEXT_DATA__" type="application/json">{orjson.dumps(data).decode()}</script></html>'
    for name in ("a", "b"):
        (folder / f"{name}.html").write_text(page)
    (folder / "c.html").write_text("<html>gone</html>")
    report = convert(Conversion(inputs=(folder,), out=tmp_path / "out.jsonl"))
    (row,) = [row.fields for row in rows(tmp_path / "out.jsonl")]
    assert row["messages"][1]["content"] == MARKDOWN
    reasons = [one.fields["reason"] for one in rows(tmp_path / "out.jsonl.dropped.jsonl")]
    assert reasons == [f"an exact copy of {folder / 'a.html'}:1", "no __NEXT_DATA__ element in the page"]
    assert report.recognised[0].startswith("sharegpt_pages: 2 rows")
