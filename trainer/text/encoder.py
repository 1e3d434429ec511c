"""Encoder: token ids of literals, where our control tokens are tokens, and of words, where they are plain text.

`split_special_tokens=True` is not enough: it spares added tokens that are not marked special (Qwen's `<think>` and
`<tool_call>`), which a user may type. So words go through a copy of the backend in which exactly the control tokens
are special and special tokens are split. Other added tokens (runs of spaces, words of an extended vocabulary) stay
what they are to the model.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from trainer.text.segments import Segment

MARK = re.compile(r"<[|｜].*[|｜]>", re.DOTALL)
"""The shape of a control token in most vocabularies of these years."""
Place = int
"""Where a text begins: INSIDE a run of plain text, right behind a TOKEN, or at the START of everything."""
INSIDE, TOKEN, START = range(3)


class Encoder:
    """Ids of literals and words for one tokenizer and the literal text of one template."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, literals: str) -> None:
        self.tokenizer = tokenizer
        self.control = control_tokens(tokenizer, f"{literals}\0{tokenizer.chat_template or ''}")
        """Id by text of each control token."""
        backend = _open(tokenizer)
        fields = json.loads(backend.to_str())
        for token in fields["added_tokens"]:
            token["special"] = token["content"] in self.control
        self._prefix, self._prefixed_at = _without_prefix(fields)
        self._plain: Tokenizer = Tokenizer.from_str(json.dumps(fields))
        self._plain.no_padding()
        self._plain.no_truncation()
        self._plain.encode_special_tokens = True  # that is: not as tokens
        added = tokenizer.added_tokens_decoder
        self._strips = {id: (added[id].lstrip, added[id].rstrip) for id in self.control.values()}
        self._swallowing = {id for id, (_, behind) in self._strips.items() if behind}
        longest_first = sorted(self.control, key=len, reverse=True)
        self._cut = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if longest_first else None
        self._leaks = any(set(self._bare(token)) & self._ids for token in self.control)
        self.literal = lru_cache(4096)(self._literal)

    @property
    def _ids(self) -> set[int]:
        return set(self.control.values())

    def words(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of words, which hold no control token whatever the words are."""
        encoded = [encoding.ids for encoding in self._plain.encode_batch_fast(texts, add_special_tokens=False)]
        if self._leaks:
            encoded = [self._sealed(text, ids) for text, ids in zip(texts, encoded, strict=True)]
        return encoded

    def fronted(self, row: Sequence[Segment]) -> Sequence[Segment]:
        """The row as the tokenizer has it in a running text.

        The space that some tokenizers (SentencePiece) put before text is written where they would, and white space
        that a control token swallows behind itself (Phi-3's `<|user|>`) is left out, of words too.
        """
        if self._prefixed_at > START and not self._swallowing:
            return row
        fronted: list[Segment] = []
        place: Place = START
        swallowed = False
        for segment in row:
            text = segment.text.lstrip() if swallowed else segment.text
            if not (segment.literal and self._cut is not None and self._cut.match(text)):
                text = self._prefixed(text, place)
            if not text:
                if not segment.literal:
                    fronted.append(segment._replace(text=text))
                continue
            fronted.append(segment._replace(text=text))
            last = self.literal(text)[-1] if segment.literal else -1
            place = TOKEN if last in self._strips else INSIDE
            swallowed = last in self._swallowing
        return fronted

    def _literal(self, text: str) -> tuple[int, ...]:
        """Ids of our own text, control tokens parsed; cached as `literal`."""
        ids: list[int] = []
        place: Place = INSIDE
        pieces = self._cut.split(text) if self._cut is not None else [text]
        for number, piece in enumerate(pieces):
            if number % 2:
                ids.append(self.control[piece])
                place = TOKEN
            elif piece:
                ids += self._bare(self._prefixed(self._stripped(pieces, number), place))
                place = INSIDE
        return tuple(ids)

    def tail(self, literal: str) -> str:
        """What stands in a literal behind its last control token."""
        return literal if self._cut is None else str(self._cut.split(literal)[-1])

    def typed(self, words: str) -> bool:
        """Whether the words hold the text of a control token."""
        return self._cut is not None and self._cut.search(words) is not None

    def cut(self, words: str) -> list[str]:
        """The words cut at the texts of control tokens, which are every second piece."""
        return self._cut.split(words) if self._cut is not None else [words]

    def _stripped(self, pieces: Sequence[str], number: int) -> str:
        """A run of plain text without the white space that a neighbouring token swallows (Phi-3's `<|end|>`)."""
        text = pieces[number]
        if number and self._strips[self.control[pieces[number - 1]]][1]:
            text = text.lstrip()
        if number + 1 < len(pieces) and self._strips[self.control[pieces[number + 1]]][0]:
            text = text.rstrip()
        return text

    def _prefixed(self, text: str, place: Place) -> str:
        if place < self._prefixed_at or not text or text.startswith(self._prefix):
            return text
        return self._prefix + text

    def _bare(self, text: str) -> list[int]:
        ids: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        return ids

    def _sealed(self, text: str, ids: list[int]) -> list[int]:
        """The ids, made anew where the vocabulary itself spells a control token (Unigram): its text is cut in two."""
        if self._ids.isdisjoint(ids) or self._cut is None:
            return ids
        pieces = [part for token in self._cut.split(text) for part in self._halves(token)]
        return [id for piece in pieces for id in self._bare(piece)]

    def _halves(self, piece: str) -> list[str]:
        return [piece[:1], piece[1:]] if piece in self.control else [piece] if piece else []


def control_tokens(tokenizer: PreTrainedTokenizerFast, literals: str) -> dict[str, int]:
    """Id by text of the added tokens that words must never become: special ones, those of a template, all marks."""
    return {
        token.content: id
        for id, token in tokenizer.added_tokens_decoder.items()
        if token.special or MARK.fullmatch(token.content) or (token.content.strip() and token.content in literals)
    }


def _open(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise UsageError(
            f"tokenizer {tokenizer.name_or_path!r}: has no fast backend (tokenizer.json); convert it first"
        )
    return backend


def _without_prefix(fields: dict[str, object]) -> tuple[str, Place]:
    """The space that the tokenizer puts before plain text, taken out of `fields`, and the least place where it does."""
    where: Place = START + 1
    prefix = " "
    for part in _parts(fields.get("normalizer"), "normalizers"):
        if part["type"] == "Prepend":
            prefix, where = str(part["prepend"]), TOKEN
            part.update(type="Replace", pattern={"String": prefix}, content=prefix)
            part.pop("prepend")
    for part in _parts(fields.get("pre_tokenizer"), "pretokenizers"):
        if part["type"] == "Metaspace":
            where = {"always": TOKEN, "first": START}.get(str(part.get("prepend_scheme")), where)
            part["prepend_scheme"] = "never"
        elif part["type"] == "ByteLevel" and part.get("add_prefix_space"):
            where, part["add_prefix_space"] = TOKEN, False
    return prefix, where


def _parts(stage: object, name: str) -> list[dict[str, object]]:
    if not isinstance(stage, dict):
        return []
    inner = stage.get(name)
    return [part for item in inner for part in _parts(item, name)] if isinstance(inner, list) else [stage]
