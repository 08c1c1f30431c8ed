"""Rows that the given files have in common."""

import dataclasses
import itertools
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.workspace.steps import ME, QUICK, refused
from trainer.data.columns.label_form import LabelReading
from trainer.drafts.inspection import inspect_file
from trainer.errors import UserError
from trainer.studio import Studio


def test_a_test_file_equal_to_the_training_file_is_refused(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "moods.csv", small_rows(60))
    with pytest.raises(UserError, match=r"All 60 texts of the test file are also in moods\.csv") as error:
        workspace.train_files({"main": (path.name, path), "test": (path.name, path)}, QUICK)
    assert error.value.code == "test_in_training"
    assert workspace.library.runs() == []


def test_rows_of_the_test_file_are_excluded_from_training_with_a_warning(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = small_rows(120)
    path, test = write_rows(tmp_path / "moods.csv", rows), write_rows(tmp_path / "some.csv", rows[:30])
    view = workspace.train_files({"main": (path.name, path), "test": (test.name, test)}, QUICK)
    workspace.stop(view.id)
    (finding,) = [f for f in view.findings if f.code == "test_in_training"]
    assert (finding.severity, finding.count) == ("warning", 30)
    assert "30 rows with these texts are not trained on" in finding.message
    assert view.rows["test"] == 30
    assert view.rows["train"] + view.rows["validation"] == 90


def test_cells_of_several_labels_are_explained_before_their_number_is_refused(studio: Studio, tmp_path: Path) -> None:
    single = "joy sadness anger fear love surprise".split()
    labels = [*single * 20, *(", ".join(pair) for pair in itertools.combinations(single, 2))]
    rows = list(zip([text for text, _ in small_rows(len(labels))], labels, strict=True))
    path = write_rows(tmp_path / "several.csv", rows)
    small = Studio(dataclasses.replace(studio.settings, max_classes=10), encoders=studio.encoders, reader=studio.reader)
    opened = small.for_owner(ME).drafts.open_files({"main": (path.name, path)}, reading=LabelReading("single"))
    assert opened.problem is None
    assert "several_labels" in {f.code for f in opened.blocking_findings}
    assert inspect_file(path, studio.reader, max_classes=10, reading=LabelReading("single")).ok
    assert small.for_owner(ME).editor.dismiss(opened.draft.id, "several_labels").problem.code == "too_many_classes"
    with refused("too_many_classes"):
        again = small.for_owner(ME).drafts.open_files({"main": (path.name, path)}, reading=LabelReading("single"))
        small.for_owner(ME).start(again.draft.id, QUICK, ignore_findings=True)
