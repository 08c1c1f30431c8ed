"""Whole files are labelled as jobs: started, stopped, resumed, exported, removed; others do not see them."""

import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.workspace.steps import ME, OTHER, TIMEOUT_SECONDS
from trainer.data.files.read_table import read_table
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.predict import label_file
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.whole_files import WholeFiles

Trained = tuple[Studio, RunView, dict[str, int]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "what people said.csv"
    path.write_bytes(
        ("id;said\r\n" + "".join(f"{n};so happy and glad, {n} times\r\n" for n in range(30)) + "30;=cry\r\n31;\r\n").encode("utf-16")
    )
    return path


def test_a_file_is_labelled_and_taken_away(trained: Trained, file: Path) -> None:
    studio, run, _ = trained
    files = studio.for_owner(ME).files
    rows = files.find_texts(file)
    assert (rows.columns, rows.text, rows.rows) == (("id", "said"), (1,), 32)
    job = files.label(run.id, file)
    assert files.label(run.id, file, text_columns=["said"]).id != job.id
    ended = [studio.for_owner(ME).jobs.wait(live.id, TIMEOUT_SECONDS) for live in files.jobs()]
    assert {job.status for job in ended} == {"finished"}, [job.message for job in ended]
    result = studio.for_owner(ME).jobs.result(job.id)
    assert (result["rows"], result["empty"], result["written_as"], result["added"]) == (32, 1, "itself", ["label", "confidence", "cut"])
    assert len(result["least_sure"]) == 20
    name, data = files.export(job.id, "exact")
    assert name == "what people said labelled.csv"
    assert data.decode("utf-16").startswith("id;said;label;confidence;cut\r\n0;so happy and glad, 0 times;joy;0.")
    name, data = files.export(job.id, "spreadsheet")
    assert name == "what people said labelled for spreadsheets.csv"
    assert read_table(data).rows[30][1] == "'=cry"
    for method in (files.export, studio.for_owner(OTHER).files.export):
        with pytest.raises(UserError):
            method(job.id, "other" if method == files.export else "exact")
    for job in files.jobs():
        files.remove(job.id)
        assert not job.folder.exists()
    assert files.jobs() == []


def test_a_stopped_job_keeps_its_rows_and_goes_on(trained: Trained, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_file, "BLOCK_ROWS", 8)
    studio, run, _ = trained
    workspace = studio.for_owner(ME)
    store, stored = label_file.StoredBlocks.store, []

    def store_and_stop(self: label_file.StoredBlocks, number: int, block: label_file.StoredBlock) -> None:
        store(self, number, block)
        stored.append(number)
        if number == 1:
            workspace.jobs.stop(workspace.files.jobs()[0].id)

    monkeypatch.setattr(label_file.StoredBlocks, "store", store_and_stop)
    job = workspace.files.label(run.id, file)
    stopped = workspace.jobs.wait(job.id, TIMEOUT_SECONDS)
    assert (stopped.status, stopped.message) == ("stopped", "16 of 32 rows are labelled. Resume it to label the others.")
    with pytest.raises(UserError, match="has no result"):
        workspace.files.export(job.id, "exact")
    workspace.jobs.resume(job.id)
    assert workspace.jobs.wait(job.id, TIMEOUT_SECONDS).status == "finished"
    assert stored == [0, 1, 2, 3]
    workspace.files.remove(job.id)


def test_a_wrong_file_is_told_before_there_is_a_job(trained: Trained, tmp_path: Path, file: Path) -> None:
    studio, run, _ = trained
    files = studio.for_owner(ME).files
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("a,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    for path, columns in ((numbers, []), (file, ["body"])):
        with pytest.raises(UserError):
            files.label(run.id, path, text_columns=columns)
    with pytest.raises(UserError):
        files.label("0" * 32, file)
    assert files.jobs() == []


def test_a_column_whose_name_is_the_number_of_another_is_that_column(trained: Trained, tmp_path: Path) -> None:
    studio, run, _ = trained
    workspace, path = studio.for_owner(ME), tmp_path / "frame.csv"
    # As pandas writes a table without names.
    path.write_text(",0,1\n" + "".join(f"{n},so happy and glad and merry {n} times,{'joy' if n % 2 else 'fear'}\n" for n in range(20)))
    guessed = workspace.files.find_texts(path)
    assert (guessed.columns, guessed.text) == (("column 1", "0", "1"), (1,))
    for columns in ([], [1]):
        job = workspace.files.label(run.id, path, text_columns=columns)
        assert workspace.jobs.wait(job.id, TIMEOUT_SECONDS).status == "finished"
        assert workspace.jobs.result(job.id)["text_columns"] == ["0"]
        workspace.files.remove(job.id)


def test_what_a_model_labelled_is_deleted_with_its_run(
    trained: Trained, file: Path, tmp_path: Path, tiny_encoder: Encoder, reader: FileReader
) -> None:
    # The run of the other tests stays.
    shutil.copytree(trained[0].settings.runs_dir, tmp_path / "runs")
    studio = Studio(Settings(runs_dir=tmp_path / "runs"), encoders=[tiny_encoder], reader=reader)
    try:
        workspace, run = studio.for_owner(ME), trained[1]
        job = workspace.files.label(run.id, file)
        # It may be over before it is seen, so the refusal is that of a job that is still shown as live.
        with patch.object(WholeFiles, "jobs", lambda _: [replace(job, status="running")]), pytest.raises(UserError) as refusal:
            workspace.delete(run.id)
        assert refusal.value.code == "job_is_live"
        assert workspace.jobs.wait(job.id, TIMEOUT_SECONDS).status == "finished"
        workspace.delete(run.id)
        assert not job.folder.exists()
        assert workspace.files.jobs() == []
    finally:
        studio.close()
