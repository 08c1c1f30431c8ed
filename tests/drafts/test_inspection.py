"""The inspection of one file, as JSON."""

import json

from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.checks.repairs import REPAIRS, apply_repairs
from trainer.data.columns.label_form import LabelReading
from trainer.drafts.inspection import inspect_file

ROWS = "".join(f"this is text number {n},{'joy' if n % 2 else 'fear'}\n" for n in range(20))


def inspect(reader, tmp_path, content: str, **options):
    path = tmp_path / "some file.csv"
    path.write_text(content, encoding="utf-8", newline="")
    values = inspect_file(path, reader, **options).to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["file"] == str(path)
    return values


def test_a_good_file(tmp_path, reader):
    values = inspect(reader, tmp_path, "text,label\n" + ROWS + ",joy\na cell alone\n")
    assert values.pop("file")
    findings, checks = values.pop("findings"), values.pop("checks")
    assert values == {
        "ok": True,
        "encoding": "utf-8",
        "delimiter": ",",
        "header": True,
        "part": None,
        "parts": [],
        "rows_seen": 22,
        "rows_kept": 20,
        "rows_dropped_count": 2,
        "rows_dropped": [
            {"line": 22, "reason": "no text in this row"},
            {"line": 23, "reason": "too few cells: 1 instead of 2; it is below the table"},
        ],
        "text": {"name": "text", "index": 0},
        "label": {"name": "label", "index": 1},
        "labels": {"fear": 10, "joy": 10},
        "task": {"key": "single_label_classification", "name": "one label a text", "reason": None, "columns": ["label"], "cut": None},
    }
    assert {finding["code"] for finding in findings if finding["severity"] != "ok"} == {"rows_dropped", "empty_texts", "few_rows"}
    assert all(set(finding) == {"code", "severity", "count", "message"} for finding in findings)
    assert (checks["found"], checks["passed"], checks["not_applicable"]) == (3, len(FILE_CHECKS) - 9, 6)
    assert checks["summary"] == f"{len(FILE_CHECKS)} checks: {len(FILE_CHECKS) - 9} passed, 3 to look at, 6 not applicable here"
    told = [result for result in checks["results"] if result["message"] and result["outcome"] != "not_applicable"]
    assert [{name: result[name] for name in findings[0]} for result in told] == findings


def test_named_columns(tmp_path, reader):
    content = "a,b,c\n" + "".join(f"first text number {n},second text number {n},{n % 2}\n" for n in range(20))
    assert inspect(reader, tmp_path, content, text_columns=["B"], label_column="2")["text"] == {"name": "b", "index": 1}
    assert inspect(reader, tmp_path, content, text_columns=["nope"])["code"] == "unknown_column"
    assert inspect(reader, tmp_path, content, text_columns=["a"], label_column="a")["code"] == "same_column"


def test_joined_columns(tmp_path, reader):
    content = "a,b,c\n" + "".join(f"first text number {n},second text number {n},{n % 2}\n" for n in range(20))
    path = tmp_path / "file.csv"
    path.write_text(content)
    assert inspect_file(path, reader, text_columns=["b", "a"]).prepared.corpus.texts[0] == "second text number 0\nfirst text number 0"


def test_several_labels_in_a_cell_are_read_as_such_unless_somebody_says_otherwise(tmp_path, reader):
    rows = "".join(
        f'this is text number {n},"{n % 7},{n % 11 + 7}"\n' if n % 3 else f"this is text number {n},{n % 7}\n" for n in range(200)
    )
    values = inspect(reader, tmp_path, "text,label\n" + rows)
    assert values["ok"]
    assert len(values["labels"]) == 18
    assert values["task"]["reason"] == "133 rows of 200 have several labels in “label”, with “,” between them"
    assert {"several_labels": "info"}.items() <= {finding["code"]: finding["severity"] for finding in values["findings"]}.items()
    single = inspect(reader, tmp_path, "text,label\n" + rows, reading=LabelReading("single"))
    assert single["ok"]
    assert [finding["code"] for finding in single["findings"] if finding["severity"] == "error"] == ["several_labels"]


def test_a_refusal_before_reading(tmp_path, reader):
    values = inspect(reader, tmp_path, "")
    assert set(values) == {"file", "ok", "code", "message"}
    assert (values["ok"], values["code"]) == (False, "empty_file")
    assert inspect_file(tmp_path / "none.csv", reader).problem.code == "file_not_found"


def test_a_refusal_after_reading_says_what_was_read(tmp_path, reader):
    values = inspect(reader, tmp_path, "text\n" + "hello there\n" * 5)
    assert (values["ok"], values["code"]) == (False, "one_column")
    assert (values["encoding"], values["delimiter"], values["rows_seen"], values["rows_kept"], values["rows_dropped_count"]) == (
        "utf-8",
        None,
        5,
        5,
        0,
    )


def test_the_list_of_dropped_rows_is_cut_the_count_is_not(tmp_path, reader):
    values = inspect(reader, tmp_path, "text,label\n" + ROWS * 100 + "a cell alone\n" * 1_200)
    assert values["rows_dropped_count"] == 1_200
    assert len(values["rows_dropped"]) == 1_000
    assert values["rows_seen"] == values["rows_kept"] + values["rows_dropped_count"]


def test_a_split_column_is_told_and_its_test_rows_are_never_repaired_away(tmp_path, reader):
    rows = "".join(
        f"this is text number {n} of {n * 7919 % 100},{'joy' if n % 2 else 'fear'},{'test' if n % 5 == 0 else 'train'}\n" for n in range(80)
    )
    rows += "a text of the test,joy,test\nA text of the test,joy,test\na text of the test,joy,train\none more,joy,holdout\none more,joy,\n"
    path = tmp_path / "split.csv"
    path.write_text("text,label,split\n" + rows)
    inspection = inspect_file(path, reader)
    codes = {f["code"]: f["message"] for f in inspection.to_dict()["findings"]}
    assert codes["split_given"].endswith("65 rows for train, 18 rows for test.")
    assert inspection.to_dict()["rows_dropped_count"] == 2
    assert codes["unknown_split"].startswith("2 rows are marked as neither")
    repaired = apply_repairs(inspection.prepared.corpus, REPAIRS)
    assert repaired.corpus.given_split.count("test") == 18
