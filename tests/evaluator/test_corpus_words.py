"""Words are counted by one rule, tokens by the tokenizer that was named."""

from pathlib import Path

import pytest

from dialogue.errors import UsageError
from evaluator.corpus.words import size, tokenizer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("Why is the sea - really - salty?", 8),
        ("one\u2028two\u0085three\tfour", 4),
        ("为什么海水是咸的？", 8),
        ("用 Python3写代码, ok", 6),
        ("ひらがな と カタカナ", 9),
        ("한국어 문장", 2),
        ("naïve café", 2),
    ],
)
def test_words_are_runs_between_white_space_and_single_characters_of_scripts_without_it(text: str, words: int) -> None:
    assert size(text) == words


def written(folder: Path) -> Path:
    """A tokenizer whose tokens are runs between white space."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "sea": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.enable_truncation(2)
    folder.mkdir(parents=True)
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_a_models_folder_its_file_and_the_folder_of_a_training_count_tokens(tmp_path: Path) -> None:
    folder = written(tmp_path / "trained" / "model")
    for named in (folder, folder / "tokenizer.json", tmp_path / "trained"):
        name, count = tokenizer(str(named))
        assert name == str(folder / "tokenizer.json")
        assert count(["the sea the sea", "", "one\u2028two"]) == [4, 0, 2], "not cut where the model would cut"


def test_a_folder_without_a_tokenizer_and_an_unknown_encoding_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--tokenizer .*: no tokenizer.json there"):
        tokenizer(str(tmp_path))
    with pytest.raises(UsageError, match=r"--tokenizer cl1000: no such folder.*cl100k_base"):
        tokenizer("cl1000")


def test_a_file_that_is_no_tokenizer_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match="no tokenizer"):
        tokenizer(str(tmp_path))
