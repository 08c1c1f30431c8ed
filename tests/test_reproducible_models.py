"""Same seed, same bytes: whatever else the program does meanwhile, and however the training was started."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.test_speed import drawing_nothing
from trainer.data.reader.file_reader import FileReader
from trainer.jobs.job_folder import RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane
from trainer.jobs.registry import JOB_TYPES
from trainer.recipe import Recipe
from trainer.settings import LOCAL_OWNER as ME
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.training.hardware import detect_hardware
from trainer.training.predictor import Predictor
from trainer.training.speed import measure_layer_speed

# "mlp" with "mean" pooling is our own head, so its weights are drawn at random by our code.
RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, head="mlp", pooling="mean")
MINUTES = 600


def weights(studio: Studio, run: str) -> bytes:
    files = sorted(studio.for_owner(ME).library.folder(run).glob("model/**/*.safetensors"))
    return b"".join(file.read_bytes() for file in files)


def train(studio: Studio, small_csv: Path, recipe: Recipe = RECIPE) -> str:
    workspace = studio.for_owner(ME)
    view = workspace.train_files({"main": ("moods.csv", small_csv)}, recipe)
    assert workspace.wait(view.id, MINUTES).status == "finished"
    return view.id


@pytest.fixture(scope="module")
def reference_run(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> tuple[Studio, str]:
    """A run trained while nothing else happened."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("alone") / "runs"), encoders=[tiny_encoder], reader=reader)
    run = train(studio, small_csv)
    studio.close()
    return studio, run


def test_from_the_terminal(
    reference_run: tuple[Studio, str], tiny_encoder: Encoder, small_csv: Path, tmp_path: Path, reader: FileReader
) -> None:
    settings = [f"--set={name}={getattr(RECIPE, name)}" for name in ("batch_size", "learning_rate", "max_length", "head", "pooling")]
    command = [sys.executable, "-m", "trainer", "train", str(small_csv), "--encoder", tiny_encoder.source, "--epochs", "2", *settings]
    environment = os.environ | {"EMOTUNE_RUNS": str(tmp_path / "runs")}
    completed = subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    studio = Studio(Settings(runs_dir=tmp_path / "runs"), encoders=[tiny_encoder], reader=reader)
    (view,) = studio.for_owner(ME).library.runs()
    assert weights(studio, view.id) == weights(*reference_run)


def test_after_a_restart_with_a_queue_while_the_server_warms_up(
    reference_run: tuple[Studio, str],
    tiny_encoder: Encoder,
    small_csv: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    reader: FileReader,
) -> None:
    first_studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    monkeypatch.setattr(first_studio._queue, "put", lambda run_id: None)
    runs = [
        first_studio.for_owner(ME).train_files({"main": ("moods.csv", small_csv)}, recipe).id
        for recipe in (RECIPE, replace(RECIPE, seed=7))
    ]
    begun_after, speed = [], measure_layer_speed
    monkeypatch.setattr(
        "trainer.training.speed.measure_layer_speed",
        lambda hardware: (begun_after.extend(studio.for_owner(ME).library.view(run).status for run in runs), speed(hardware))[1],
    )
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    studio.warm_up()
    studio.recover()
    try:
        for run in runs:
            assert studio.for_owner(ME).wait(run, MINUTES).status == "finished"
    finally:
        studio.close()
    # The measurement ended before the first training started.
    assert set(begun_after) == {"queued"}
    assert weights(studio, runs[0]) == weights(*reference_run)
    assert weights(studio, runs[1]) != weights(*reference_run)


def test_during_other_work_of_a_server(reference_run: tuple[Studio, str], tiny_encoder: Encoder, small_csv: Path, studio: Studio) -> None:
    reference, run = reference_run
    studio._machine.hardware = detect_hardware()
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    model, finished, errors = reference.for_owner(ME).library.folder(run) / "model", threading.Event(), []
    jobs: list[Callable[[], object]] = [
        lambda: measure_layer_speed(detect_hardware()),
        lambda: studio.for_owner(ME).advise(draft, RECIPE),
        lambda: Predictor(model).predict(["we sing at home", "they cry"]),
    ]

    def over_and_over(job: Callable[[], object]) -> None:
        while not finished.is_set():
            try:
                job()
            except Exception as error:
                errors.append(error)
                return

    threads = [threading.Thread(target=over_and_over, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        beside = train(studio, small_csv)
    finally:
        finished.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert weights(studio, beside) == weights(*reference_run)


def test_beside_a_short_job(
    reference_run: tuple[Studio, str], tiny_encoder: Encoder, small_csv: Path, settings: Settings, reader: FileReader
) -> None:
    """A short job of the queue begins before the training and ends after it, and predicts meanwhile."""
    reference, run = reference_run
    model, job_began, trained = reference.for_owner(ME).library.folder(run) / "model", threading.Event(), threading.Event()

    def predict_until_trained(job: RunningJob) -> dict[str, int]:
        predictor, rounds = Predictor(model), 0
        while not trained.is_set() or not rounds:
            predictor.predict(["we sing at home", "they cry"])
            rounds += 1
            job_began.set()
        return {"rounds": rounds}

    words = JobWords(noun="prediction")
    job_type = JobType("predict", Lane.SHORT, in_this_thread(predict_until_trained), words, Resumption.NEVER)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader, job_types=(*JOB_TYPES, job_type))
    jobs = studio.for_owner(ME).jobs
    job = jobs.start("predict", name="beside", parameters={})
    try:
        assert job_began.wait(MINUTES)
        beside = train(studio, small_csv)
        assert jobs.get(job.id).status == "running"
        trained.set()
        assert jobs.wait(job.id, MINUTES).result["rounds"] > 1
    finally:
        trained.set()
        studio.close()
    assert weights(studio, beside) == weights(*reference_run)


def test_only_a_training_draws_random_numbers(reference_run: tuple[Studio, str], small_csv: Path, studio: Studio) -> None:
    reference, run = reference_run
    fresh = Studio(reference.settings, encoders=reference.encoders, reader=reference.reader)
    studio._machine.hardware = detect_hardware()
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    with drawing_nothing():
        assert studio.for_owner(ME).advise(draft, RECIPE).seconds is not None
        assert studio.for_owner(ME).estimate_seconds(draft, RECIPE) is not None
        studio.for_owner(ME).recipe_for_level(draft, "Balanced", RECIPE)
        studio.for_owner(ME).drafts.open_sample()
        assert fresh.for_owner(ME).library.reports(run).test.rows
        assert fresh.for_owner(ME).library.scores(run).validation.rows
        assert fresh.for_owner(ME).library.examples(run)
        assert len(fresh.for_owner(ME).models.predict(run, ["we sing at home"])[1]) == 1
        assert Predictor(reference.for_owner(ME).library.folder(run) / "model").predict(["we sing"])
