"""Trainings that are held or fake, and one that has finished."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace.steps import ME, RECIPE, TIMEOUT_SECONDS, FakeTrainings, Hold
from trainer.data.reader.file_reader import FileReader
from trainer.jobs.queue import JobQueue
from trainer.jobs.train import pipeline
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Logged
from trainer.runs.events import EventLog
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder


@pytest.fixture
def hold(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    """Holds every training of this test; released when the test ends at the latest, before the studio closes."""
    gate = Hold()
    append = EventLog.append

    def append_and_pause(self: EventLog, event: Event, **options: bool) -> None:
        append(self, event, **options)
        # The history of a child run is written by the thread that requests it. Another test may have left a training that still ends.
        is_of_this_test = self.path.is_relative_to(studio.settings.runs_dir)
        if is_of_this_test and isinstance(event, Logged) and threading.current_thread() is not threading.main_thread():
            gate.pause()

    monkeypatch.setattr(EventLog, "append", append_and_pause)
    yield gate
    gate.release()


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> Iterator[tuple[Studio, RunView, dict[str, int]]]:
    """A studio with one finished run, and the rows of each split that the prepared draft announced."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("trained") / "runs"), encoders=[tiny_encoder], reader=reader)
    prepared = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)})
    splits = prepared.splits(RECIPE)
    expected_rows = {part: len(getattr(splits, part)) for part in ("train", "validation", "test")}
    view = studio.for_owner(ME).start(prepared.draft.id, RECIPE)
    yield studio, studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS), expected_rows
    studio.close()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTrainings]:
    """Fake trainings; released when the test ends at the latest, before the studio closes."""
    fake_trainings = FakeTrainings()
    monkeypatch.setattr(pipeline, "_train_and_report", fake_trainings.run_job)
    yield fake_trainings
    fake_trainings.release()


@pytest.fixture
def quick(studio: Studio, trainings: FakeTrainings) -> Studio:
    """A studio whose queue retries at once."""
    studio._queue._first_pause = 0.001
    return studio


@pytest.fixture
def idle(settings: Settings, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, reader: FileReader) -> Studio:
    """A studio whose runs stay queued."""
    monkeypatch.setattr(JobQueue, "put", lambda self, item: None)
    return Studio(settings, encoders=[tiny_encoder], reader=reader)
