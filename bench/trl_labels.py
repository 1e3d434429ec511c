"""Labels beside TRL's assistant-only labels on real dialogues, as a Markdown table with every class of difference.

    python -m bench.trl_labels FOLDER [ROWS]

FOLDER holds `dialogues/`. Needs `trl` (1.16 was used) beside what this project needs; labels are taken from the
data set that TRL's own SFTTrainer prepares, nothing is trained. Three arms: our ChatML with the exported template and
our tokenizer; the same with the split pattern of GPT-4 and Qwen, which merges across line breaks; Qwen2.5's template as
TRL ships it, which TRL exchanges for its training template and we take apart.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import trl
from datasets import Dataset as Rows
from datasets import disable_progress_bars
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from dialogue.records import Dialogue, Message
from trainer.settings import TrainSettings
from trainer.text.example import IGNORE_INDEX
from trainer.text.render import Renderer, renderer
from trainer.text.tokenizer import fit

QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
Row = tuple[list[int], list[int]]


class Arm(NamedTuple):
    """One way of writing the dialogues, by us and by TRL."""

    name: str
    ours: Renderer


def dialogues(folder: Path) -> Iterator[Dialogue]:
    """Real dialogues, the UltraChat ones first."""
    for number, line in enumerate((folder / "ultrachat_700.jsonl").read_bytes().split(b"\n")):
        if line:
            messages = tuple(Message(role=m["role"], content=m["content"]) for m in orjson.loads(line)["messages"])
            yield Dialogue(id=f"ultrachat-{number}", messages=messages)
    for number, line in enumerate((folder / "mt_bench_101.jsonl").read_bytes().split(b"\n")):
        if line:
            pairs = [(turn["user"], turn["bot"]) for turn in orjson.loads(line)["history"]]
            spoken = [(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]
            messages = tuple(Message(role=role, content=text) for role, text in spoken)  # type: ignore[arg-type]
            yield Dialogue(id=f"mt-bench-101-{number}", messages=messages)


def qwen_like(texts: list[str]) -> PreTrainedTokenizerFast:
    """A small tokenizer that splits text as Qwen's does."""
    backend = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(QWEN_PATTERN), behavior="isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=4096, special_tokens=CONTROL, initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def arms(texts: list[str]) -> Iterator[Arm]:
    """The three arms."""
    ours = TrainSettings(data=(), out=Path("nowhere"))
    yield Arm("ChatML, tokenizer of ours", renderer(fit(texts, 4096), ours))
    made = renderer(qwen_like(texts), ours)
    made.tokenizer.chat_template = made.jinja
    yield Arm("ChatML, Qwen's split pattern", made)
    tokenizer = qwen_like(texts)
    shipped = Path(trl.__file__).parent / "chat_templates" / "qwen2_5.jinja"
    tokenizer.chat_template = shipped.read_text("utf-8")
    yield Arm("Qwen2.5's own template", renderer(tokenizer, ours.model_copy(update={"template": "own"})))


def theirs(tokenizer: PreTrainedTokenizerFast, spoken: list[Dialogue]) -> list[Row]:
    """Ids and labels of each row as TRL's SFTTrainer prepares them."""
    network = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8,
        num_hidden_layers=1, num_attention_heads=1))  # fmt: skip
    rows = [{"messages": [m.model_dump(include={"role", "content"}) for m in d.messages]} for d in spoken]
    with tempfile.TemporaryDirectory() as folder:
        config = trl.SFTConfig(folder, assistant_only_loss=True, max_length=None, use_cpu=True, report_to="none",
            disable_tqdm=True, bf16=False)  # fmt: skip
        made = trl.SFTTrainer(network, config, train_dataset=Rows.from_list(rows), processing_class=tokenizer)
        return [(list(row["input_ids"]), list(row["labels"])) for row in made.train_dataset]


def difference(tokenizer: PreTrainedTokenizerFast, ours: Row, trls: Row) -> str:
    """In one phrase, how a row differs; empty where it does not."""
    if ours == trls:
        return ""
    if ours[0] != trls[0]:
        same_text = tokenizer.decode(ours[0]) == tokenizer.decode(trls[0])
        return "ids: white space merged across an edge" if same_text else "ids: another text"
    extra = Counter[str]()
    for place, (a, b) in enumerate(zip(ours[1], trls[1], strict=True)):
        if a != b:
            word = tokenizer.decode([ours[0][place]])
            before = tokenizer.decode([ours[0][place - 1]])
            side = "TRL teaches" if a == IGNORE_INDEX else "we teach"
            extra[f"{side} {word!r} {'behind the end' if before == '<|im_end|>' else 'before the answer'}"] += 1
    return "; ".join(sorted(extra))


def main() -> None:
    """Prints the table."""
    disable_progress_bars()
    folder, wanted = Path(sys.argv[1]) / "dialogues", int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    spoken: list[Dialogue] = list(islice(dialogues(folder), wanted))
    texts = [message.content for dialogue in spoken for message in dialogue.messages]
    print(f"trl {trl.__version__}, {len(spoken)} dialogues, {sum(len(d.messages) for d in spoken)} messages\n")
    print("| arm | rows equal | rows that differ, and how |\n|---|---|---|")
    for arm in arms(texts):
        tokenizer: Any = arm.ours.tokenizer
        examples = [(e.input_ids.tolist(), e.labels.tolist()) for e in arm.ours.encode_many(spoken)]
        pairs = zip(examples, theirs(tokenizer, spoken), strict=True)
        kinds = Counter(difference(tokenizer, a, b) for a, b in pairs)
        equal = kinds.pop("", 0)
        print(f"| {arm.name} | {equal} | {'; '.join(f'{count}: {kind}' for kind, count in kinds.items()) or 'none'} |")


if __name__ == "__main__":
    main()
