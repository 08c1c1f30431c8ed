"""Data sets of the Hub, with small ones in their place."""

import time

import pytest

from trainer.data.columns.guess import guess_columns, guess_split_column
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.hub_datasets import CATALOGUE, fetch_dataset, find_dataset
from trainer.data.splits import split
from trainer.errors import UserError

EMOTION, AG_NEWS, SST2 = CATALOGUE


def _dataset(text: str, parts: dict[str, list[tuple[str, int]]], names: list[str]):
    import datasets

    features = datasets.Features(
        {text: datasets.Value("string"), "label": datasets.ClassLabel(names=names), "idx": datasets.Value("int32")}
    )
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_dict(
                {text: [t for t, _ in rows], "label": [label for _, label in rows], "idx": list(range(len(rows)))}, features=features
            )
            for split, rows in parts.items()
        }
    )


def test_a_data_set_that_the_catalogue_does_not_name_is_one_of_the_hub():
    dataset = find_dataset("https://huggingface.co/datasets/nyu-mll/glue/viewer/sst2")
    assert (dataset.name, dataset.repo, dataset.config, dataset.text, dataset.label, dataset.rows) == (
        "nyu-mll/glue",
        "nyu-mll/glue",
        "sst2",
        "",
        "",
        0,
    )
    assert find_dataset("https://huggingface.co/datasets/dair-ai/emotion") is EMOTION
    with pytest.raises(UserError, match="owner/name"):
        find_dataset("https://huggingface.co/google-bert/bert-base-uncased")


def test_catalogue():
    assert [(d.repo, d.config) for d in CATALOGUE] == [("dair-ai/emotion", "split"), ("fancyzhx/ag_news", None), ("stanfordnlp/sst2", None)]
    assert find_dataset(" emotion ") is find_dataset("dair-ai/emotion") is EMOTION
    with pytest.raises(UserError) as refusal:
        find_dataset("../../etc/passwd")
    assert refusal.value.code == "unknown_dataset"


def test_ids_become_names_and_the_published_split_a_column():
    asked = []

    def load(*names):
        asked.append(names)
        return _dataset("text", {"train": [('he said "hi", ok', 1), ("two\nlines", 0)], "test": [("😀 é", 1)]}, ["sadness", "joy"])

    data = fetch_dataset(EMOTION, load=load)
    assert asked == [("dair-ai/emotion", "split")]
    table = read_table(data)
    assert table.columns == ("text", "label", "split")
    assert table.rows == [('he said "hi", ok', "joy", "train"), ("two\nlines", "sadness", "train"), ("😀 é", "joy", "test")]


def test_secret_test_labels_are_left_out_and_validation_serves_as_test():
    rows = [(f"a {'fine' if n % 2 else 'poor'} film, number {n}, that I saw", n % 2) for n in range(60)]
    secret = [(f"another film {n} that I saw", -1) for n in range(10)]
    parts = {"train": rows[:40], "validation": rows[40:], "test": secret}
    table = read_table(fetch_dataset(SST2, load=lambda *names: _dataset("sentence", parts, ["negative", "positive"])))
    assert len(table.rows) == 60
    columns = guess_columns(table)
    assert (columns.text, columns.label, guess_split_column(table)) == (0, 1, 2)
    splits = split(build_corpus(table, text=0, label=1, split_column=2), validation_share=0.1, test_share=0.2, seed=0)
    assert splits.test.tolist() == list(range(40, 60))


@pytest.mark.parametrize("error", [OSError("no network"), ValueError("gone"), RuntimeError("?")])
def test_whatever_goes_wrong_is_one_sentence(error):
    def load(*names):
        raise error

    with pytest.raises(UserError) as refusal:
        fetch_dataset(AG_NEWS, load=load)
    assert refusal.value.code == "hub_unreachable"
    assert "AG News" in refusal.value.message
    assert "upload a CSV" in refusal.value.message


def test_an_empty_answer_is_no_data_set():
    with pytest.raises(UserError) as refusal:
        fetch_dataset(SST2, load=lambda *names: _dataset("sentence", {"test": [("x", -1)]}, ["negative", "positive"]))
    assert refusal.value.code == "hub_unreachable"


def test_without_network_the_answer_comes_soon(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    with pytest.raises(UserError) as refusal:
        fetch_dataset(AG_NEWS)
    assert refusal.value.code == "hub_unreachable"
    assert sum(slept) < 20
