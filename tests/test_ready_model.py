"""The model that a public server offers: trained once, for everybody to look at and to use, and for nobody to change."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.workspace.steps import wait_until
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.vectors.vectors_job import VECTORS_JOB
from trainer.presets import LEVELS
from trainer.ready_model import NAME, train_ready_model
from trainer.runs.view import RunView
from trainer.settings import LOCAL, LOCAL_OWNER, PUBLIC, SERVER_OWNER, Settings
from trainer.studio import Studio
from trainer.switches import Switches
from trainer.training import machine
from trainer.training.encoders import Encoder
from trainer.workspace import Workspace

VISITOR = "visitor-1"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Studio]:
    """A public server that has trained its model."""
    settings = Settings(runs_dir=tmp_path_factory.mktemp("public") / "runs", mode=PUBLIC, keep_seconds=3600)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    studio.recover()
    server = studio.for_owner(SERVER_OWNER)
    run = server.library.runs()[0].id
    # Also until the model is ready for the first visitors.
    server.wait(run, TIMEOUT_SECONDS)
    yield studio
    studio.close()


@pytest.fixture
def offered(studio: Studio) -> RunView:
    """As a visitor sees it."""
    [view] = studio.for_owner(VISITOR).library.runs(offered=True)
    return view


def test_a_new_visitor_has_an_answer_examples_and_a_report(studio: Studio, offered: RunView) -> None:
    workspace = studio.for_owner(VISITOR)
    assert (offered.name, offered.status, offered.has_model) == (NAME, "finished", True)
    names, [prediction] = workspace.models.predict(offered.id, ["What a lovely day."])
    assert len(names) == 6
    assert prediction.probabilities is not None
    assert len(workspace.library.examples(offered.id)) == 3
    assert workspace.reports.html(offered.id)[1]
    assert workspace.models.is_offered(offered.id)


def test_its_similar_rows_are_found_from_the_first_start_on(studio: Studio, offered: RunView) -> None:
    server = studio.for_owner(SERVER_OWNER)
    jobs = [job for job in server.jobs.list() if job.type == VECTORS_JOB.name]
    assert len(jobs) == 1
    server.jobs.wait(jobs[0].id, TIMEOUT_SECONDS)
    found = studio.for_owner(VISITOR).similar.search(offered.id, "What a lovely day.")
    assert found.rows
    # A visitor starts no job for it.
    assert studio.for_owner(VISITOR).jobs.list() == []


def test_it_is_nobody_s_own(studio: Studio) -> None:
    workspace = studio.for_owner(VISITOR)
    assert workspace.library.runs() == []
    assert workspace.storage.kept_bytes() == 0
    assert studio.for_owner(SERVER_OWNER).drafts.summaries() == ()
    studio.forget_visitors()
    assert workspace.delete_everything()
    assert len(workspace.library.runs(offered=True)) == 1


CHANGES: dict[str, Callable[[Workspace, str], object]] = {
    "rename": lambda workspace, run: workspace.library.rename(run, "mine"),
    "delete": lambda workspace, run: workspace.delete(run),
    "stop": lambda workspace, run: workspace.stop(run),
    "resume": lambda workspace, run: workspace.resume(run, more_epochs=1),
    "export": lambda workspace, run: workspace.exports.start(run),
    "promise": lambda workspace, run: workspace.models.keep_promise(run, None),
    "order": lambda workspace, run: workspace.reports.say_whether_ordered(run, ordered=True),
    "free": lambda workspace, run: workspace.storage.delete_checkpoints(run),
    "evaluation": lambda workspace, run: workspace.evaluations.remove(run, "x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_visitor_changes_it(studio: Studio, offered: RunView, change: str) -> None:
    with pytest.raises(UserError) as refused:
        CHANGES[change](studio.for_owner(VISITOR), offered.id)
    assert refused.value.code == "offered_model"
    assert studio.for_owner(VISITOR).library.view(offered.id) == offered


def test_its_file_opens_as_a_copy_of_the_visitor_s_own(studio: Studio, offered: RunView) -> None:
    workspace = studio.for_owner(VISITOR)
    prepared, _ = workspace.prepare_again(offered.id)
    assert [summary.id for summary in workspace.drafts.summaries()] == [prepared.draft.id]
    workspace.drafts.remove(prepared.draft.id)


def test_the_next_start_trains_none_and_one_without_its_files_trains_again(
    studio: Studio, offered: RunView, tiny_encoder: Encoder, reader: FileReader
) -> None:
    again = Studio(studio.settings, encoders=[tiny_encoder], reader=reader)
    again.recover()
    assert [view.id for view in again.for_owner(SERVER_OWNER).library.runs()] == [offered.id]
    again.close()
    weights = studio.settings.runs_dir / offered.id / "model" / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    replaced = Studio(studio.settings, encoders=[tiny_encoder], reader=reader)
    replaced.recover()
    [view] = replaced.for_owner(SERVER_OWNER).library.runs()
    assert view.id != offered.id
    replaced.for_owner(SERVER_OWNER).wait(view.id, TIMEOUT_SECONDS)
    replaced.close()


@pytest.mark.parametrize("step", ["load", "train"])
@pytest.mark.parametrize("error", [OSError("the disk is gone"), RuntimeError("a bug"), UserError("No.", code="disk_full")])
def test_a_server_without_it_serves_all_the_same(
    tmp_path: Path, tiny_encoder: Encoder, reader: FileReader, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"trainer.studio.{step}_ready_model", fails)
    started = Studio(Settings(runs_dir=tmp_path, mode=PUBLIC), encoders=[tiny_encoder], reader=reader)
    started.recover()
    assert started.for_owner(VISITOR).library.runs(offered=True) == []
    assert not started.model_is_on_its_way()
    started.close()


@pytest.mark.parametrize(("seconds", "method", "level"), [(None, "auto", LEVELS[0]), (40.0, "auto", LEVELS[0]), (41.0, "frozen", "")])
def test_on_a_slow_machine_it_is_a_linear_model(
    settings: Settings,
    tiny_encoder: Encoder,
    reader: FileReader,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float | None,
    method: str,
    level: str,
) -> None:
    monkeypatch.setattr(Workspace, "estimate_seconds", lambda *_: seconds)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    server = studio.for_owner(SERVER_OWNER)
    train_ready_model(server, "tiny-bert")
    [view] = server.library.runs()
    assert (server.library.recipe(view.id).method, view.level) == (method, level)
    server.stop(view.id)
    studio.close()


def test_its_training_is_planned_once_the_machine_s_speed_is_known(
    tmp_path: Path, tiny_encoder: Encoder, reader: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, detect = threading.Event(), machine.detect_hardware
    monkeypatch.setattr(machine, "detect_hardware", lambda: looked.wait(TIMEOUT_SECONDS) and detect())
    studio = Studio(Settings(runs_dir=tmp_path / "runs", mode=PUBLIC), encoders=[tiny_encoder], reader=reader)
    studio.warm_up()
    studio.recover()
    server = studio.for_owner(SERVER_OWNER)
    assert server.library.runs() == []
    assert studio.model_is_on_its_way()
    studio._look_after()
    looked.set()
    wait_until(studio, lambda: bool(server.library.runs()))
    [view] = server.library.runs()
    assert studio.hardware is not None
    server.stop(view.id)
    server.wait(view.id, TIMEOUT_SECONDS)
    studio.close()


def test_a_local_server_trains_and_offers_none(tmp_path: Path, studio: Studio, tiny_encoder: Encoder, reader: FileReader) -> None:
    local = Studio(replace(studio.settings, mode=LOCAL), encoders=[tiny_encoder], reader=reader)
    assert local.for_owner(LOCAL_OWNER).library.runs(offered=True) == []
    fresh = Studio(Settings(runs_dir=tmp_path), encoders=[tiny_encoder], reader=reader)
    fresh.recover()
    assert fresh.for_owner(SERVER_OWNER).library.runs() == []
    fresh.close()


def test_a_training_that_could_not_be_queued_is_tried_again_and_one_that_failed_is_not(
    tmp_path: Path, tiny_encoder: Encoder, reader: FileReader, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(runs_dir=tmp_path / "runs", mode=PUBLIC)
    settings.ensure_writable()
    Switches(settings.runs_dir).turn("no-trainings", on=True)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    studio.recover()
    server = studio.for_owner(SERVER_OWNER)
    assert server.library.runs() == []
    assert not studio.model_is_on_its_way()
    Switches(settings.runs_dir).turn("no-trainings", on=False)
    studio._look_after()
    assert studio.model_is_on_its_way()
    [view] = server.library.runs()
    server.stop(view.id)
    server.wait(view.id, TIMEOUT_SECONDS)
    assert not studio.model_is_on_its_way()
    studio._look_after()
    assert [run.id for run in server.library.runs()] == [view.id]
    studio.close()
