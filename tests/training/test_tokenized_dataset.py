"""Tokenised texts in flat arrays: the very tokens of the tokenizer, in little room."""

import numpy as np
import pytest

from tests.conftest import small_rows
from trainer.training import tokenized_dataset
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.tokenized_dataset import tokenize_dataset

TEXTS = ["happy", "", "we cry at home again and again and again", "so furious", "🫠 Käse"]


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_rows_are_what_the_tokenizer_makes_of_each_text(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(tokenized_dataset, "_CHUNK_SIZE", at_once)
    tokenizer = load_tokenizer(tiny_encoder, max_length=8)
    rows = tokenize_dataset(tokenizer, TEXTS, [2, 0, 1, 0, 2])
    assert len(rows) == len(TEXTS)
    for row, text, label in zip(rows, TEXTS, [2, 0, 1, 0, 2], strict=True):
        wanted = tokenizer(text, truncation=True)
        assert {name: ids.tolist() for name, ids in row.items() if name != "labels"} == dict(wanted)
        assert row["labels"] == label
    assert rows.lengths.tolist() == [len(tokenizer(text, truncation=True)["input_ids"]) for text in TEXTS]


class PairTokenizer:
    """A tokenizer whose last token is of another kind, as XLNet's."""

    def __len__(self) -> int:
        return 70_000

    def __call__(self, texts: list[str], *, truncation: bool) -> dict[str, list[list[int]]]:
        ids = [[65_000 + len(text), 69_999] if text else [69_999] for text in texts]
        return {
            "input_ids": ids,
            "token_type_ids": [[0] * (len(row) - 1) + [2] for row in ids],
            "attention_mask": [[1] * len(row) for row in ids],
        }


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_a_large_vocabulary_and_kinds_of_tokens_are_kept(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(tokenized_dataset, "_CHUNK_SIZE", at_once)
    rows = tokenize_dataset(PairTokenizer(), ["abc", "", "a"], [0, 1, 1])
    assert [row["input_ids"].tolist() for row in rows] == [[65_003, 69_999], [69_999], [65_001, 69_999]]
    assert [row["token_type_ids"].tolist() for row in rows] == [[0, 2], [2], [0, 2]]
    assert [row["attention_mask"].tolist() for row in rows] == [[1, 1], [1], [1, 1]]


def test_another_order_is_of_the_same_rows(tiny_encoder: Encoder) -> None:
    rows = tokenize_dataset(load_tokenizer(tiny_encoder, max_length=8), TEXTS, range(5))
    order = np.argsort(rows.lengths, kind="stable")
    again = rows.ordered(order)
    assert [row["labels"] for row in again] == order.tolist()
    assert [row["input_ids"].tolist() for row in again] == [rows[i]["input_ids"].tolist() for i in order]
    assert sorted(rows.lengths) == again.lengths.tolist()


def test_a_tweet_takes_a_tenth_of_a_kilobyte_at_most() -> None:
    texts = [f"{text} {text}" for text, _ in small_rows(3000)]
    rows = tokenize_dataset(load_tokenizer(EncoderCatalogue().default, max_length=128), texts, [0] * len(texts))
    kept = sum(array.nbytes for array in (*rows.columns.values(), rows.starts, rows.lengths, rows.labels))
    assert rows.lengths.mean() > 12
    assert kept / len(texts) < 100


def test_there_is_no_row_behind_the_last(tiny_encoder: Encoder) -> None:
    rows = tokenize_dataset(load_tokenizer(tiny_encoder, max_length=8), TEXTS, range(5))
    with pytest.raises(IndexError):
        rows[5]
    assert len(tokenize_dataset(load_tokenizer(tiny_encoder, max_length=8), [], [])) == 0
