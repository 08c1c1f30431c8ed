"""Several labels of one text are written as the training file writes them, and as lists where a format has lists."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.jobs.predict.test_label_file import TOOLS, nothing
from trainer.data.csv_text import csv_bytes
from trainer.data.task import SEVERAL_LABELS
from trainer.jobs.predict.label_file import FileLabelling, LabelledFile, LabelRequest
from trainer.recipe import Recipe
from trainer.runs.event_types import Created
from trainer.runs.store import RunStore
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.predictor import Predictor

NAMES = ("joy, glee", "sadness", "anger")
TEXTS = ["so happy and glad", "we cry", "", "rage and hate", "happy rage", "today"]


def model_of_run(folder: Path, encoder: Encoder, **written: str) -> Path:
    """The model of a run whose file writes its labels so; it says none, one or several labels of each of ``TEXTS``."""
    created = Created(name="brisk otter", owner="local", task=SEVERAL_LABELS.key, **written)
    run = RunStore(folder).create(recipe=Recipe(), resolved=Recipe(), fill=lambda _: None, created=created)
    torch.manual_seed(3)
    model = load_classifier(encoder, NAMES, SEVERAL_LABELS)
    tokenizer = load_tokenizer(encoder, max_length=20)
    with torch.no_grad():
        # Each label is said of about half of the texts.
        model.classifier.weight.mul_(200)
        logits = model.eval()(**tokenizer([text for text in TEXTS if text], padding=True, return_tensors="pt")).logits
        model.classifier.bias.sub_(logits.median(dim=0).values + 1e-3)
    model.save_pretrained(run.model)
    tokenizer.save_pretrained(run.model)
    return run.model


def said(model: Path) -> list[tuple[str, ...] | None]:
    """The labels of each text, None where there is nothing to read."""
    predictor = Predictor(model)
    found = [
        None if each.probabilities is None else predictor.task.decided_names(each.probabilities, NAMES) for each in predictor.predict(TEXTS)
    ]
    assert len({len(names) for names in found if names is not None}) > 2
    return found


def labelled(model: Path, source: Path) -> tuple[LabelledFile, bytes]:
    work = source.with_name(f"{source.name} work")
    out = work.with_name(f"{source.name} labelled")
    return FileLabelling(work, source, LabelRequest(engine="torch"), TOOLS).run(model, out, nothing, nothing), out.read_bytes()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"labels_way": "cells", "labels_between": "|"}, lambda names: "|".join(names or ())),
        ({"labels_way": "lists"}, lambda names: "" if names is None else json.dumps(names)),
        ({}, lambda names: ", ".join(names or ())),
    ],
    ids=["cells", "lists", "unknown"],
)
def test_a_cell_has_the_labels_as_the_training_file_writes_them(written: dict, expected, tiny_encoder: Encoder, tmp_path: Path) -> None:
    model = model_of_run(tmp_path / "runs", tiny_encoder, **written)
    (tmp_path / "in.csv").write_bytes(csv_bytes(["n", "text"], [(str(n), text) for n, text in enumerate(TEXTS)], spreadsheet=False))
    result, data = labelled(model, tmp_path / "in.csv")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["label"] for row in rows] == list(map(expected, said(model)))
    assert (result.added[0], result.written_as) == ("label", "itself")


def test_a_file_of_columns_gets_a_column_for_each_label(tiny_encoder: Encoder, tmp_path: Path) -> None:
    model = model_of_run(tmp_path / "runs", tiny_encoder, labels_way="columns")
    (tmp_path / "in.csv").write_bytes(csv_bytes(["anger", "text"], [("?", text) for text in TEXTS], spreadsheet=False))
    result, data = labelled(model, tmp_path / "in.csv")
    assert result.added[:3] == ("joy, glee", "sadness", "predicted anger")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    marks = [tuple(row[name] for name in result.added[:3]) for row in rows]
    assert marks == [("", "", "") if names is None else tuple(str(int(name in names)) for name in NAMES) for names in said(model)]


def test_formats_with_lists_get_lists(tiny_encoder: Encoder, tmp_path: Path) -> None:
    model = model_of_run(tmp_path / "runs", tiny_encoder, labels_way="cells", labels_between=";")
    expected = [None if names is None else list(names) for names in said(model)]
    (tmp_path / "in.jsonl").write_text("".join(f'{{"n": {n}, "text": {json.dumps(text)}}}\n' for n, text in enumerate(TEXTS)))
    result, data = labelled(model, tmp_path / "in.jsonl")
    assert [json.loads(line)["label"] for line in data.decode().splitlines()] == expected
    pq.write_table(pa.table({"n": range(len(TEXTS)), "text": TEXTS}), tmp_path / "in.parquet")
    other, data = labelled(model, tmp_path / "in.parquet")
    column = pq.read_table(io.BytesIO(data)).column("label")
    assert (column.to_pylist(), column.type) == (expected, pa.list_(pa.string()))
    assert (result.written_as, other.written_as) == ("itself", "itself")
