"""Rendering: a dialogue as token ids, labels and weights, all three made in `assembled`, segment by segment.

Ids are never searched for in text and text is never searched for marks, so what is learned cannot drift from what is
read. Words become plain text whatever they are: a user who types `<|im_end|>` gets the tokens of those characters.

The same text by `tokenizer.apply_chat_template` with our exported template gives the same ids, as long as BPE does not
merge across an edge between literal and words there. It cannot at a control token, at a space (which goes with the
words) and at line breaks (`seams.py`). What remains stands behind a generation prompt: answers that begin with a line
break where the prompt ends in one, in tokenizers that merge them (GPT-4's and Qwen's patterns), or with punctuation
behind a colon (Alpaca); and words that hold control tokens, which Jinja turns into tokens. The generation prompt is a
token prefix of the training text in all these cases, since both are made here.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.settings import TrainSettings
from trainer.text import classes, masks, speakers
from trainer.text.encoder import Encoder
from trainer.text.example import IGNORE_INDEX, Example
from trainer.text.jinja import to_jinja
from trainer.text.layout import Layout, compiled, kinds
from trainer.text.own import asks_alike, taken_apart
from trainer.text.replies import Reply, parsed
from trainer.text.seams import ANSWERS, seamed
from trainer.text.segments import Segment, opening, segments
from trainer.text.template import OWN, Part, find

__all__ = ["IGNORE_INDEX", "Example", "Renderer", "renderer"]


class Renderer:
    """A tokenizer, a layout for each class and what is learned: all that turns dialogues into examples."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        layouts: Mapping[str | None, Layout],
        settings: TrainSettings,
        *,
        verbatim: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.layouts = layouts
        self.speaker = speakers.speaker_of(settings)
        """Whose turns it writes."""
        self.klass = classes.best(settings)
        """The class that the model is asked to speak as."""
        self.layout = self._layout(self.klass)
        self.encoder = Encoder(tokenizer, "\0".join(layout.literals() for layout in layouts.values()))
        self.jinja = to_jinja(self.layout, settings.thoughts, self.speaker)
        """The template of `klass` for `tokenizer.chat_template`, with generation marks."""
        self.verbatim = verbatim
        """Whether others are given the tokenizer's own template as it is, and `jinja` only beside it."""
        self.stop_texts = self._stop_texts()
        self.stop_ids = self._stop_ids()
        """Tokens that end a reply."""
        self._apart = ANSWERS | speakers.KINDS[self.speaker]

    def encode(self, dialogue: Dialogue) -> Example:
        """The whole dialogue, however long."""
        return self.encode_many([dialogue])[0]

    def encode_many(self, dialogues: Iterable[Dialogue]) -> list[Example]:
        """The same for many, whose words go through the tokenizer together."""
        dialogues = list(dialogues)
        return self.assemble([(dialogue.id, self.segments(dialogue)) for dialogue in dialogues])

    def segments(self, dialogue: Dialogue, rounds: masks.Rounds | None = None) -> list[Segment]:
        """The dialogue as literals and words with their weights; `rounds`: the part of it that is learned."""
        layout = self._layout(classes.of(dialogue, self.settings))
        messages = self.messages(dialogue)
        weights = masks.weights(dialogue, messages, self.settings, rounds)
        row = segments(layout, messages, weights, masks.thoughts(messages, self.settings.thoughts))
        return seamed(row, kinds(messages), layout.never, self.encoder.tail, self._apart)

    def messages(self, dialogue: Dialogue) -> Sequence[Message]:
        """The dialogue's messages; an instruction that ends with its material is told apart where the template can."""
        if not self._with_input:
            return dialogue.messages
        return masks.with_input(dialogue)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the dialogue so far and the opening of the speaker's turn: a prefix of the training text's ids.

        UsageError where it is not the speaker's turn, or the template has no place for it.
        """
        shown = masks.thoughts(messages, self.settings.thoughts)
        if self.speaker == "user":
            speakers.check_floor(messages[-1].role if messages else None)
            # The message to come is the user's, so whatever was thought before it is thought before they spoke.
            shown = [self.settings.thoughts == "keep"] * len(messages)
        row = opening(self.layout, messages, shown, self.speaker)
        row = seamed(row, kinds(messages), self.layout.never, self.encoder.tail, self._apart)
        ids: list[int] = self.assemble([("", row)])[0].input_ids.tolist()
        return ids

    def assemble(self, rows: Sequence[tuple[str, list[Segment]]]) -> list[Example]:
        """Examples of (id, segments); equal words are encoded once."""
        fronted = [(id, self.encoder.fronted(row)) for id, row in rows]
        wanted = list({segment.text: None for _, row in fronted for segment in row if not segment.literal})
        words = dict(zip(wanted, self.encoder.words(wanted), strict=True))
        return [assembled(id, row, self.encoder, words) for id, row in fronted]

    def length(self, dialogue: Dialogue, known: dict[str, int]) -> int:
        """Tokens of the dialogue; `known` remembers those of words, for asking about parts of one dialogue again."""
        row = self.encoder.fronted(self.segments(dialogue))
        new = [segment.text for segment in row if not segment.literal and segment.text not in known]
        known.update(zip(new, map(len, self.encoder.words(new)), strict=True))
        return sum(len(self.encoder.literal(text)) if literal else known[text] for text, literal, _, _ in row)

    def spare_words(self, dialogue: Dialogue) -> list[tuple[int, int]]:
        """Starts and ends of ids of words that can be cut, with the least harm first: of the side that is not taught,
        of tools, of the system."""
        spare = speakers.SPARE[self.speaker]
        roles = [message.role for message in self.messages(dialogue)]
        spans: list[tuple[int, int, int]] = []
        start = 0
        for segment in self.encoder.fronted(self.segments(dialogue)):
            ids = self.encoder.literal(segment.text) if segment.literal else self.encoder.words([segment.text])[0]
            if not segment.literal and (role := roles[segment.place // 2]) in spare:
                spans.append((spare.index(role), start, start + len(ids)))
            start += len(ids)
        return [(start, end) for _, start, end in sorted(spans, key=lambda span: (span[0], span[1] - span[2]))]

    def reply(self, ids: Sequence[int]) -> Reply:
        """What a model wrote after `prompt`: text, thoughts, whether it came to its end."""
        layout = self.layout._replace(stops=self.stop_texts)
        if self.speaker == "user":
            layout = layout._replace(thoughts=None, text=Part())
        return parsed(self.tokenizer, layout, ids, self.stop_ids, self.speaker)

    def read(self, ids: Sequence[int]) -> str:
        """The reply's text without thoughts and end marks."""
        return self.reply(ids).text

    @property
    def _with_input(self) -> bool:
        return "input" in self.layout.ends and self.speaker == "assistant"

    def _layout(self, klass: str | None) -> Layout:
        return self.layouts[klass if klass in self.layouts else None]

    def _stop_texts(self) -> tuple[str, ...]:
        """Texts that end a reply: of a user's turn its end mark, where that is no token."""
        end = self.layout.ends["user"]
        if self.speaker == "assistant":
            return self.layout.stops
        return () if end.strip() in self.encoder.control else (end,)

    def _stop_ids(self) -> tuple[int, ...]:
        calls = self.layout.tool_calls
        marks = [self.layout.ends[self.speaker]]
        if self.speaker == "assistant":
            marks += [self.layout.text.after, calls.after if calls else ""]
        ids = [self.encoder.control[mark.strip()] for mark in marks if mark.strip() in self.encoder.control]
        end = self.tokenizer.eos_token_id
        if isinstance(end, int) and end != self.tokenizer.pad_token_id:
            ids.append(end)
        return tuple(dict.fromkeys(ids))


def renderer(tokenizer: PreTrainedTokenizerFast, settings: TrainSettings, kept: str | None = None) -> Renderer:
    """The renderer of the settings' template; its control tokens must be in the tokenizer (`tokenizer.prepare`).

    `kept` is written instead of the tokenizer's own template, where that is asked for and was kept on another day.
    """
    classes.check(settings)
    masks.check(settings)
    if settings.template == OWN:
        layout = taken_apart(tokenizer, settings.thoughts, kept)
        speakers.check(settings, layout.name, layout.ends["user"])
        alike = speakers.speaker_of(settings) == "assistant" and asks_alike(tokenizer)
        return Renderer(tokenizer, {None: layout}, settings, verbatim=alike)
    template = find(settings.template)
    lacking = [token for token in template.tokens if token not in tokenizer.get_vocab()]
    if lacking:
        raise UsageError(f"template {template.name}: the tokenizer has no {lacking[0]}; call tokenizer.prepare first")
    marks = {"bos": start_token(tokenizer), "eos": str(tokenizer.eos_token or "")}
    wanted = {None, *settings.classes.values()} if template.has_classes else {None}
    layouts = {klass: compiled(template, klass=klass, **marks) for klass in wanted}
    speakers.check(settings, template.name, layouts[None].ends["user"])
    if settings.thoughts != "none" and template.thoughts is None:
        raise UsageError(
            f"thoughts = {settings.thoughts}: template {template.name} has no place for them; choose `none`, or chatml"
        )
    return Renderer(tokenizer, layouts, settings)


def start_token(tokenizer: PreTrainedTokenizerFast) -> str:
    """The start-of-text token, if the tokenizer is in the habit of writing one; else nothing."""
    ids = tokenizer("a", add_special_tokens=True)["input_ids"]
    return str(tokenizer.bos_token) if tokenizer.bos_token_id is not None and ids[0] == tokenizer.bos_token_id else ""


def assembled(id: str, row: Sequence[Segment], encoder: Encoder, words: Mapping[str, Sequence[int]]) -> Example:
    """THE inner function: each segment gives its ids and how much each of them counts; a label is an id that counts."""
    ids: list[int] = []
    lengths: list[int] = []
    counts: list[float] = []
    for text, literal, weight, _ in row:
        piece = encoder.literal(text) if literal else words[text]
        ids += piece
        lengths.append(len(piece))
        counts.append(weight)
    input_ids = np.array(ids, np.int32)
    weights = np.repeat(np.array(counts, np.float32), lengths)
    return Example(id, input_ids, np.where(weights > 0, input_ids, np.int32(IGNORE_INDEX)), weights)
