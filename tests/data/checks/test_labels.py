"""Findings about labels."""

from tests.data.checks.examples import file_of
from trainer.check import findings as with_message
from trainer.check import run_checks
from trainer.data.checks.labels import LABEL_CHECKS


def findings(*labels: str):
    file = file_of(*[(f"text {n}", label) for n, label in enumerate(labels)])
    return {finding.code: finding for finding in with_message(run_checks(LABEL_CHECKS, file))}


def test_clear_labels():
    by_code = findings(*["joy", "fear"] * 20)
    assert set(by_code) == {"labels_clear"}
    assert by_code["labels_clear"].sentence == "2 labels, each with at least 20 rows."


def test_spellings_must_be_merged():
    finding = findings(*["joy", "fear"] * 20, "Joy", "joy", "FEAR")["label_variants"]
    assert (finding.severity, finding.count, finding.repairable) == ("error", 2, True)
    assert "“Joy” and “joy”" in finding.sentence
    assert [(e.line, e.note) for e in finding.examples] == [(42, "Joy"), (44, "FEAR")]


def test_several_labels_in_a_cell():
    finding = findings(*["joy", "fear", "awe"] * 20, *["joy, fear", "fear, awe", "joy, awe"] * 5)["several_labels"]
    assert (finding.severity, finding.count, finding.repairable) == ("error", 15, True)
    assert "“joy, fear”" in finding.sentence


def test_only_several_labels_cannot_be_repaired_by_leaving_them_out():
    by_code = findings(*["joy, fear", "fear, awe", "joy, awe"] * 20)
    assert not by_code["several_labels"].repairable


def test_rare_labels():
    by_code = findings(*["joy", "fear"] * 20, "awe")
    assert (by_code["rare_classes"].count, by_code["rare_classes"].repairable) == (1, True)
    assert (by_code["imbalance"].severity, by_code["imbalance"].count) == ("warning", 20)


def test_many_labels_and_few_rows():
    assert findings(*[f"label {n}" for n in range(40)] * 5)["many_classes"].count == 40
    assert findings(*["joy", "fear"] * 5)["few_rows"].count == 10


def test_a_label_that_stands_for_none_is_told_with_a_repair():
    by_code = findings(*["joy", "fear"] * 20, *["todo"] * 5, "?")
    finding = by_code["missing_labels"]
    assert (finding.severity, finding.count, finding.repairable) == ("warning", 6, True)
    assert finding.message == "“?” (1 row) and “todo” (5 rows) probably stand for no label."
    assert {example.note for example in finding.examples} == {"?", "todo"}


def test_a_class_that_only_looks_like_no_label_is_kept_and_told():
    by_code = findings(*["FAVOR", "AGAINST", "NONE"] * 20)
    assert "missing_labels" not in by_code
    assert by_code["doubtful_classes"].severity == "ok"
    assert "“NONE” (20 rows) is taken as a class" in by_code["doubtful_classes"].message
    assert not {"missing_labels", "doubtful_classes"} & findings(*["joy", "fear"] * 20).keys()


def test_labels_that_a_spreadsheet_made_dates_of():
    by_code = findings(*["2025-01-03", "6-Apr", "7+"] * 20)
    assert (by_code["date_labels"].severity, by_code["date_labels"].count) == ("warning", 2)
    assert by_code["date_labels"].message == "2 labels look like dates: “2025-01-03”, “6-Apr”."
    assert "date_labels" not in findings(*["0-3", "4-6", "7+", "May", "2024", "1.5"] * 20)
