"""A whole file is labelled block by block; killed and begun again, it ends with the same bytes."""

import io
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.data.files.samples import make_workbook
from tests.data.rewrite.test_other_formats import samples_workbook
from tests.readers import InProcessReader
from trainer.data.corpus import Corpus
from trainer.data.files import plain_parquet, plain_text
from trainer.data.files.read_table import read_table
from trainer.data.rewrite import columnar
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.difference import text_difference
from trainer.jobs.predict import label_file
from trainer.jobs.predict.label_file import FileLabelling, LabelledFile, LabelRequest, Tools
from trainer.jobs.predict.predict_job import with_difference
from trainer.jobs.predict.stored_blocks import StoredBlock
from trainer.recipe import Recipe
from trainer.training.block_predictor import BlockPredictor, LabelledBlock
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.predictor import Prediction, Predictor

TEXTS = [f"so happy {'and glad ' * (n % 7)}today {n}" if n % 3 else f'we cry; {n} "times"' for n in range(50)]
TEXTS[7], TEXTS[11] = "", "\u200b"
TOOLS = Tools(
    InProcessReader(), {"max_bytes": 1 << 20, "max_rows": 1000, "max_columns": 50}, 2000, Hardware("cpu", "bf16", 1, "1 CPU core")
)


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def model(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("model") / "model"
    load_classifier(tiny_encoder, ("joy", "sadness", "anger")).save_pretrained(folder)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(folder)
    return folder


def nothing(*_: object) -> None:
    pass


def label(
    work: Path, source: Path, request: LabelRequest, model: Path, stop_if_asked: Callable[[int, int], None] = nothing
) -> tuple[LabelledFile, bytes]:
    """What became of a file, and its bytes."""
    out = work.with_name(f"{work.name} labelled")
    return FileLabelling(work, source, request, TOOLS).run(model, out, nothing, stop_if_asked), out.read_bytes()


def csv_of(delimiter: str, newline: str, encoding: str) -> bytes:
    rows = [["id", "text"], *([str(n), '"' + text.replace('"', '""') + '"' if '"' in text else text] for n, text in enumerate(TEXTS))]
    return (newline.join(delimiter.join(row) for row in rows) + newline).encode(encoding)


def test_texts_are_compared_with_the_training_rows_after_the_same_repairs(model: Path, tmp_path: Path) -> None:
    masked = [f"write to email or see http number {n}" for n in range(120)]
    learnt, new = tuple(masked[:60]), masked[60:]
    raw = "".join(f'"write to <b>anna{n}@mail.org</b> or see https://a.org/{n} number {n}"\n' for n in range(60, 120))
    (tmp_path / "in.csv").write_text(f"text\n{raw}")
    labelled, _ = label(tmp_path / "work", tmp_path / "in.csv", LabelRequest(engine="torch"), model)
    rows = np.arange(60)
    corpus = Corpus(learnt, np.zeros(60, dtype=np.int64), ("joy",), rows, rows + 2, None, ())
    save_rows(tmp_path / "rows.parquet", corpus, Splits(rows, rows[:0], rows[:0], rows[:0], ()))
    run = Mock(rows=tmp_path / "rows.parquet", **{"recipe.return_value": Recipe(repairs=("html_in_texts", "personal_data_in_texts"))})
    labelling = FileLabelling(tmp_path / "work", tmp_path / "in.csv", LabelRequest(engine="torch"), TOOLS)
    repaired = text_difference(new, learnt, classes=labelled.classes, training_classes={"joy": 60})
    assert with_difference(labelled, labelling, run).difference == repaired.to_dict()
    assert repaired.compared == 60


@pytest.mark.parametrize(("delimiter", "newline", "encoding"), [(",", "\n", "utf-8"), (";", "\r\n", "utf-16"), ("\t", "\r\n", "utf-8-sig")])
def test_new_columns_and_all_else_as_it_was(model: Path, tmp_path: Path, delimiter: str, newline: str, encoding: str) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(csv_of(delimiter, newline, encoding))
    result, data = label(tmp_path / "work", source, LabelRequest(engine="torch", probabilities=True), model)
    before, after = source.read_bytes().decode(encoding).split(newline), data.decode(encoding).split(newline)
    assert len(before) == len(after)
    assert all(new.startswith(old) for old, new in zip(before, after, strict=True))
    added = ["label", "confidence", "cut", "probability of joy", "probability of sadness", "probability of anger"]
    assert after[0] == delimiter.join([before[0], *added])
    assert after[8] == before[8] + 6 * delimiter
    table = read_table(data)
    for row, expected in zip(table.rows, Predictor(model).predict(TEXTS), strict=True):
        assert row[2] == (expected.decided_name(("joy", "sadness", "anger")) or "")
        if row[2]:
            assert [float(cell) for cell in row[5:]] == pytest.approx(expected.probabilities.tolist(), abs=6e-5)
            assert float(row[3]) == max(map(float, row[5:]))
            assert row[4] == ("true" if expected.cut else "false")
    assert (result.rows, result.empty, result.text_columns, result.added, result.written_as) == (50, 2, ("text",), tuple(added), "itself")
    assert sum(result.classes.values()) == 48
    confidences = [entry["confidence"] for entry in result.least_sure]
    assert confidences == sorted(confidences)
    assert confidences[0] == min(float(row[3]) for row in table.rows if row[3])


def file_of(form: str) -> bytes:
    if form == "csv":
        return csv_of(",", "\n", "utf-8")
    if form == "jsonl":
        return "".join(json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(TEXTS)).encode()
    if form == "xlsx":
        return make_workbook({"Rows": [["id", "text"], *([number, text] for number, text in enumerate(TEXTS))]})
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": range(50), "text": TEXTS}), sink, row_group_size=20)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("form", "slices"), [("csv", True), ("csv", False), ("jsonl", True), ("parquet", True), ("xlsx", True), ("xlsx", False)]
)
def test_killed_at_a_random_block_and_begun_again_it_ends_with_the_same_bytes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, slices: bool
) -> None:
    monkeypatch.setattr(label_file, "BLOCK_ROWS", 8)
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 400 if slices else 1 << 20)
    monkeypatch.setattr(plain_parquet, "SLICE_ROWS", 15)
    monkeypatch.setattr(columnar, "SLICE_ROWS", 15)
    source = tmp_path / f"in.{form}"
    source.write_bytes(file_of(form))
    assert TOOLS.reader.read_texts(source.read_bytes(), **TOOLS.limits).rows.in_slices == slices
    whole = label(tmp_path / "whole", source, LabelRequest(), model)
    assert whole[0].written_as == "itself"
    for kill_at in (0, 8 * random.Random(f"{form} {slices}").randrange(1, 7)):
        work = tmp_path / f"killed at {kill_at}"

        def kill(done: int, total: int, kill_at: int = kill_at) -> None:
            if done >= kill_at:
                raise Killed

        with pytest.raises(Killed):
            label(work, source, LabelRequest(), model, kill)
        seen: list[int] = []
        again = label(work, source, LabelRequest(), model, lambda done, total, seen=seen: seen.append(done))
        assert again == whole
        assert min(seen[1:]) == kill_at
    # A block that a power cut has torn is computed again.
    torn = tmp_path / "whole" / "blocks" / "000002.npz"
    torn.write_bytes(torn.read_bytes()[:100])
    assert label(tmp_path / "whole", source, LabelRequest(), model) == whole


def test_a_form_that_cannot_be_kept_becomes_csv_and_says_so(model: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_text('{"text": ["so happy today", "we cry and cry", "what rage is this"], "id": [1, 2, 3]}')
    result, data = label(tmp_path / "work", source, LabelRequest(), model)
    assert result.written_as == "csv"
    assert "The result is CSV (UTF-8)" in result.notes[0]
    assert read_table(data).columns == ("text", "id", "label", "confidence", "cut")


def test_parquet_gets_typed_columns_and_a_taken_name_is_not_used_twice(model: Path, tmp_path: Path) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"body": TEXTS, "label": ["x"] * 50}), sink)
    source = tmp_path / "in.parquet"
    source.write_bytes(sink.getvalue())
    _, data = label(tmp_path / "work", source, LabelRequest(("body",)), model)
    table = pq.read_table(io.BytesIO(data))
    assert table.column_names == ["body", "label", "predicted label", "confidence", "cut"]
    assert table.schema.types[2:] == [pa.string(), pa.float64(), pa.bool_()]
    assert table["body"].to_pylist() == TEXTS
    assert np.isnan(np.array(table["confidence"].to_pylist(), dtype=float)).tolist() == [not text.strip("\u200b") for text in TEXTS]


def test_a_model_that_promises_something_says_which_rows_it_would_not_answer(model: Path, tmp_path: Path) -> None:
    promising = tmp_path / "model"
    shutil.copytree(model, promising)
    config = json.loads((promising / "config.json").read_text())
    confidences = [max(p.probabilities) for p in Predictor(model).predict(TEXTS) if p.probabilities is not None]
    threshold = float(np.median(confidences)) + 1e-4
    (promising / "config.json").write_text(json.dumps(config | {"abstain_below": threshold}))
    source = tmp_path / "in.csv"
    source.write_bytes(csv_of(",", "\n", "utf-8"))
    result, data = label(tmp_path / "work", source, LabelRequest(engine="torch"), promising)
    table = read_table(data)
    assert table.columns[2:] == ("label", "confidence", "unsure", "cut")
    unsure = [row[4] for row in table.rows]
    predicted = Predictor(promising).predict(TEXTS)
    assert unsure == ["" if p.probabilities is None else "true" if p.unsure else "false" for p in predicted]
    assert all(row[2] for row in table.rows if row[4])
    assert result.unsure == unsure.count("true") > 0


def test_progress_is_reported_a_few_hundred_times_however_many_batches_there_are(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label, reports, asked = BlockPredictor.label, [], []

    def label_in_many_batches(
        self: BlockPredictor, texts: list[str], *, on_progress: Callable[[float], None], **options: int
    ) -> LabelledBlock:
        for batch in range(1, 3001):
            on_progress(batch / 3000)
        return label(self, texts, **options)

    monkeypatch.setattr(BlockPredictor, "label", label_in_many_batches)
    source = tmp_path / "in.csv"
    source.write_bytes(csv_of(",", "\n", "utf-8"))
    labelling = FileLabelling(tmp_path / "work", source, LabelRequest(engine="torch"), TOOLS)
    labelling.run(model, tmp_path / "out.csv", lambda what, done: reports.append((what, done)), lambda done, total: asked.append(done))
    assert len(asked) > 3000
    assert 400 < len(reports) < 510
    assert reports[-1] == ("writing the file", 1.0)


def test_a_confidence_just_below_the_threshold_is_unsure_as_it_is_for_a_single_text() -> None:
    confidence = np.array([0.9, 0.95, np.nan], dtype=np.float32)  # the first is 0.899999976
    block = StoredBlock(["joy", "joy", ""], confidence, np.zeros(3, dtype=bool), np.zeros((3, 0), dtype=np.float32))
    single = Prediction("so happy", False, np.array([confidence[0], 0.1], dtype=np.float32), 4, 4, False, answer_from=0.9)
    assert block.unsure(0.9).tolist() == [single.unsure, False, False] == [True, False, False]


def test_lines_of_json_and_workbooks_keep_all_that_was_there(model: Path, tmp_path: Path) -> None:
    lines = [f'{{"id": {n},  "text":{json.dumps(text)}, "more": {{"x": [1.50, null]}}}}' for n, text in enumerate(TEXTS)]
    (tmp_path / "in.jsonl").write_text("\r\n".join([*lines, ""]))
    result, data = label(tmp_path / "json", tmp_path / "in.jsonl", LabelRequest(), model)
    after = data.decode().split("\r\n")
    assert (result.written_as, len(after), after[-1]) == ("itself", 51, "")
    assert all(new.startswith(old[:-1] + ", ") for old, new in zip(lines, after, strict=False))
    assert json.loads(after[0])["label"] in ("joy", "sadness", "anger")

    workbook = samples_workbook()
    (tmp_path / "in.xlsx").write_bytes(workbook)
    result, data = label(tmp_path / "xlsx", tmp_path / "in.xlsx", LabelRequest(), model)
    old, new = read_table(workbook), read_table(data)
    width = len(old.columns)
    assert (result.written_as, new.columns[:width]) == ("itself", old.columns)
    assert [row[:width] for row in new.rows] == old.rows
    assert new.columns[width:] == result.added
    with zipfile.ZipFile(io.BytesIO(workbook)) as before, zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert before.namelist() == packed.namelist()
        assert sum(before.read(name) != packed.read(name) for name in before.namelist()) == 1
