"""A training that was interrupted anywhere resumes as if nothing had happened: the same weights, no gap and no double point in its curves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import fit, run_with
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs import child_run
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Created, Logged, Queued
from trainer.runs.events import EventLog
from trainer.runs.ids import random_id
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.training.attempt import TrainingCancelled
from trainer.training.encoders import Encoder

Material = tuple[Corpus, Splits]
BASE = {"encoder": "tiny-bert", "epochs": 2, "batch_size": 16, "learning_rate": 1e-2, "max_length": 32, "seed": 3}


class Killed(BaseException):
    """Not caught anywhere, like signal 9."""


@pytest.fixture
def end_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """The process "dies" as soon as the log says this of this step."""
    append = EventLog.append

    def at(event_type: str, step: int) -> None:
        def dying(self: EventLog, event: Event, **options: bool) -> None:
            append(self, event, **options)
            if (event.type, getattr(event, "step", None)) == (event_type, step):
                raise Killed

        monkeypatch.setattr(EventLog, "append", dying)

    at.never = lambda: monkeypatch.setattr(EventLog, "append", append)  # type: ignore[attr-defined]
    return at


def weights(run: Run) -> dict[str, bytes]:
    return {str(f.relative_to(run.model)): f.read_bytes() for f in run.model.rglob("*.safetensors")}


def view_of(run: Run) -> RunView:
    return build_view(run.id, run.log.read())


def curve(run: Run) -> tuple[object, ...]:
    view = view_of(run)
    return view.points, view.evaluations


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_accumulation": 2, "batch_size": 8, "label_smoothing": 0.1},
        {"frozen_epochs": 1, "layer_decay": 0.8},
        {"head": "mlp", "pooling": "mean"},
        {"pooling": "mean"},
        {"method": "contrastive", "learning_rate": 1e-3},
        {"lora_rank": 4, "precision": "fp32"},
        {"distillation": 0.3, "layer_decay": 0.85},
    ],
    ids=["plain", "accumulation", "two stages", "own head", "linear start", "contrastive", "lora", "distillation"],
)
def test_it_goes_on_bit_by_bit(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None], settings: dict[str, object]
) -> None:
    check_resumed(material, tiny_encoder, tmp_path, end_at, settings)


@pytest.mark.parametrize(
    "settings",
    [{"gradient_accumulation": 2, "batch_size": 8, "class_weights": "balanced"}, {"pooling": "mean"}, {"distillation": 0.3}],
    ids=["accumulation", "linear start", "distillation"],
)
def test_so_it_does_with_several_labels_a_text(
    several_material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None], settings: dict[str, object]
) -> None:
    check_resumed(several_material, tiny_encoder, tmp_path, end_at, settings)


def check_resumed(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None], settings: dict[str, object]
) -> None:
    recipe = Recipe(**{**BASE, **settings})
    whole = run_with(tmp_path, material, recipe)
    fit(whole, tiny_encoder, *material)
    broken = run_with(tmp_path, material, recipe)
    # In the middle of the first epoch, after a state; then in the middle of the second, after a point that no state holds.
    for event_type, step in (("saved", 4), ("log", 15)):
        end_at(event_type, step)
        with pytest.raises(Killed):
            fit(broken, tiny_encoder, *material, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    fit(broken, tiny_encoder, *material, save_seconds=0)
    resumed = [e.step for e in broken.log.read() if e.type == "resumed"]
    assert resumed == [4, 14]
    assert weights(broken) == weights(whole)
    assert curve(broken) == curve(whole)
    assert view_of(broken).best_step == view_of(whole).best_step


def test_without_a_state_it_begins_anew(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None]
) -> None:
    whole, broken = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    end_at("log", 5)
    with pytest.raises(Killed):
        fit(broken, tiny_encoder, *material)
    end_at.never()  # type: ignore[attr-defined]
    fit(broken, tiny_encoder, *material)
    assert curve(broken) == curve(whole)
    assert weights(broken) == weights(whole)


def test_a_damaged_state_does_not_count(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None]
) -> None:
    whole, broken = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    end_at("saved", 9)
    with pytest.raises(Killed):
        fit(broken, tiny_encoder, *material, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    newest = Checkpoints(broken.checkpoints, broken.id).newest()
    content = bytearray((newest.path / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (newest.path / "model.safetensors").write_bytes(content)
    fit(broken, tiny_encoder, *material, save_seconds=0)
    assert [e.step for e in broken.log.read() if e.type == "resumed"] == [8]
    (note,) = view_of(broken).training_notes
    assert note.startswith("The state saved after step 9 is damaged, so the training continues from the one after step 8")
    assert weights(broken) == weights(whole)
    assert curve(broken) == curve(whole)


def test_weights_of_another_pooling_are_not_trained_further(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None]
) -> None:
    run = run_with(tmp_path, material, Recipe(**BASE, pooling="mean"))
    end_at("saved", 4)
    with pytest.raises(Killed):
        fit(run, tiny_encoder, *material, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    # As runs of before have it.
    (run.checkpoints / "best-00000000" / "head.json").write_text('{"head": "linear", "pooling": "mean"}')
    with pytest.raises(UserError, match=r"earlier version.*start a new run") as refused:
        fit(run, tiny_encoder, *material)
    assert refused.value.code == "cannot_resume"


def test_where_all_states_are_damaged_it_begins_anew_and_says_so(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, end_at: Callable[[str, int], None]
) -> None:
    whole, broken = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    end_at("saved", 4)
    with pytest.raises(Killed):
        fit(broken, tiny_encoder, *material, save_seconds=0)
    end_at.never()  # type: ignore[attr-defined]
    for mark in broken.checkpoints.glob("state-*/COMPLETE.json"):
        mark.write_bytes(b"")
    # Its beginning is damaged too: that it was begun is known by its points.
    lines = broken.log.content().splitlines(keepends=True)
    broken.log.path.write_bytes(b"".join(line.replace(b'"started"', b'"STARTED"') for line in lines))
    fit(broken, tiny_encoder, *material)
    (note,) = view_of(broken).training_notes
    assert note.startswith("The states saved after steps 3 and 4 are damaged, so the training begins again from the start")
    assert weights(broken) == weights(whole)
    assert curve(broken) == curve(whole)


def test_after_a_stop_it_goes_on(material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    append = EventLog.append

    def stopping(self: EventLog, event: Event, **options: bool) -> None:
        append(self, event, **options)
        if isinstance(event, Logged) and event.step == 1:
            stopped.request_stop()

    monkeypatch.setattr(EventLog, "append", stopping)
    result = fit(stopped, tiny_encoder, *material)
    monkeypatch.setattr(EventLog, "append", append)
    # No evaluation was due yet: the stop made one, so that there is a model to keep.
    assert result.stopped
    assert [(e.step, e.unplanned) for e in view_of(stopped).evaluations] == [(2, True)]
    assert weights(stopped)
    stopped.clear_stop()
    assert not fit(stopped, tiny_encoder, *material).stopped
    assert weights(stopped) == weights(whole)
    assert curve(stopped) == curve(whole)


@contextmanager
def stopping_in_the_evaluation(run: Run, step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The run is asked to stop while it evaluates after this step."""
    from trainer.training.callback import TrainingCallback

    predicted = TrainingCallback.on_prediction_step

    def stopping(self: TrainingCallback, args: object, state: object, control: object, **options: object) -> None:
        if state.global_step == step:
            run.request_stop()
        predicted(self, args, state, control, **options)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingCallback, "on_prediction_step", stopping)
        yield


def test_a_stop_in_an_evaluation_breaks_it_off_and_it_is_made_up_for(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    second = view_of(whole).evaluations[1].step
    with stopping_in_the_evaluation(stopped, second, monkeypatch):
        assert fit(stopped, tiny_encoder, *material).stopped
    assert [e.step for e in view_of(stopped).evaluations] == [view_of(whole).evaluations[0].step]
    stopped.clear_stop()
    fit(stopped, tiny_encoder, *material)
    assert curve(stopped) == curve(whole)
    assert weights(stopped) == weights(whole)


def child_of(run: Run, recipe: Recipe) -> Run:
    """A run that continues where this one ended."""
    run_id, last = random_id(), Checkpoints(run.checkpoints, run.id).newest()
    return RunStore(run.path.parent).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=100, learning_rate=2e-5),
        run_id=run_id,
        fill=lambda folder: child_run.copy_parent_files(folder, run_id, run, last),
        history=child_run.inherited_events(run),
        created=Created(name="n", owner="local"),
    )


def test_epochs_can_be_added(material: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    run = run_with(tmp_path, material, Recipe(**BASE))
    fit(run, tiny_encoder, *material)
    parent = view_of(run)
    longer = child_of(run, Recipe(**{**BASE, "epochs": 3}))
    fit(longer, tiny_encoder, *material)
    child = view_of(longer)
    assert child.points[: len(parent.points)] == parent.points
    assert [p.step for p in child.points] == list(range(1, child.total_steps + 1))
    assert child.total_steps == parent.total_steps * 3 // 2
    rates = {e.step: e.learning_rate for e in longer.log.read() if e.type == "log"}
    assert rates[parent.total_steps + 1] > rates[parent.total_steps]


def test_a_run_that_ended_early_stays_ended(material: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    run = run_with(tmp_path, material, Recipe(**{**BASE, "epochs": 8, "learning_rate": 1e-7, "early_stopping": 1}))
    fit(run, tiny_encoder, *material)
    steps = [p.step for p in view_of(run).points]
    model = weights(run)
    fit(run, tiny_encoder, *material)
    assert [p.step for p in view_of(run).points] == steps
    assert steps[-1] < view_of(run).total_steps
    assert weights(run) == model


def test_weights_that_go_astray_leave_the_best_model_before_that(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load_file

    from trainer.training.trainer import ClassificationTrainer

    run = run_with(tmp_path, material, Recipe(**BASE))
    step = ClassificationTrainer.training_step

    def diverging(self: ClassificationTrainer, *args: object, **kwargs: object) -> object:
        loss = step(self, *args, **kwargs)
        return loss * float("nan") if self.state.global_step == 13 else loss

    monkeypatch.setattr(ClassificationTrainer, "training_step", diverging)
    result = fit(run, tiny_encoder, *material, save_seconds=0)
    view = view_of(run)
    assert "no longer a number at step 14" in view.training_notes[0]
    assert result.best_step <= 13
    assert view.saved_step == 13
    for file in (run.model / "model.safetensors", Checkpoints(run.checkpoints, run.id).newest().path / "model.safetensors"):
        assert all(np.isfinite(weight).all() for weight in load_file(file).values())


def test_memory_that_does_not_suffice_once(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    run = run_with(tmp_path, material, Recipe(**BASE))
    step, seen = ClassificationTrainer.training_step, []

    def tight(self: ClassificationTrainer, model: object, inputs: dict, *args: object, **kwargs: object) -> object:
        seen.append(len(inputs["labels"]))
        if self.state.global_step >= 5 and seen[-1] > 8:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "training_step", tight)
    fit(run, tiny_encoder, *material, save_seconds=0)
    view = view_of(run)
    assert [p.step for p in view.points] == list(range(1, view.total_steps + 1))
    assert "ran out of memory with 16 texts at a time" in view.training_notes[0]
    assert "8 at a time" in view.training_notes[0]
    assert [e.step for e in run.log.read() if e.type == "resumed"] == [5]
    # The last batch of an epoch is not full.
    assert sum(seen) >= 2 * len(material[1].train)
    assert run.model.exists()


def test_what_ran_out_of_memory_is_trained_again_in_smaller_parts_and_is_the_same_training(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    whole, parts = (run_with(tmp_path / name, material, Recipe(**BASE, dropout=0.0)) for name in ("whole", "parts"))
    fit(whole, tiny_encoder, *material)
    step, seen = ClassificationTrainer.training_step, []

    def counting(self: ClassificationTrainer, model: object, inputs: dict, *args: object, **kwargs: object) -> object:
        seen.append(len(inputs["labels"]))
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "training_step", counting)
    parts.log.append(Queued(texts_at_a_time=4))
    fit(parts, tiny_encoder, *material)
    assert max(seen) == 4
    assert (view_of(parts).batch_size, view_of(parts).total_steps) == (16, view_of(whole).total_steps)
    losses = [[p.loss for p in view_of(run).points] for run in (whole, parts)]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert parts.recipe() == whole.recipe()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_does_not_suffice_twice_fails_in_words_and_gives_it_back(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    import gc
    import weakref

    from trainer.training.trainer import ClassificationTrainer

    made: list[weakref.ref] = []

    def full(self: ClassificationTrainer, *_: object, **__: object) -> None:
        made.append(weakref.ref(self.model))
        raise error.with_traceback(None)

    monkeypatch.setattr(ClassificationTrainer, "training_step", full)
    with pytest.raises(UserError, match=r"with 8 texts at a time\. Train it again with 4 texts at a time") as failed:
        fit(run_with(tmp_path, material, Recipe(**BASE)), tiny_encoder, *material)
    assert (failed.value.code, failed.value.retry_texts_at_a_time) == ("out_of_memory", 4)
    assert len(made) == 2
    error.__traceback__ = None
    gc.collect()
    assert [model() for model in made] == [None, None]


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    def broken(self: ClassificationTrainer, *_: object, **__: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(ClassificationTrainer, "training_step", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        fit(run_with(tmp_path, material, Recipe(**BASE)), tiny_encoder, *material)


def test_more_epochs_for_an_encoder_that_was_frozen(material: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    """Weights that did not learn before have no moments; those of others must never reach them."""
    run = run_with(tmp_path, material, Recipe(**{**BASE, "frozen_epochs": 2}))
    fit(run, tiny_encoder, *material)
    longer = child_of(run, Recipe(**{**BASE, "frozen_epochs": 2, "epochs": 3}))
    fit(longer, tiny_encoder, *material)
    view = view_of(longer)
    assert [p.step for p in view.points] == list(range(1, view.total_steps + 1))
    assert all(p.loss is not None for p in view.points)


def test_more_epochs_for_a_run_that_ended_early(material: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    early = {**BASE, "epochs": 8, "learning_rate": 1e-7, "early_stopping": 1}
    run = run_with(tmp_path, material, Recipe(**early))
    fit(run, tiny_encoder, *material)
    parent = view_of(run)
    longer = child_of(run, Recipe(**{**early, "epochs": 3, "early_stopping": None}))
    fit(longer, tiny_encoder, *material)
    view = view_of(longer)
    assert view.last_logged_step == view.total_steps > parent.last_logged_step
    assert [p.step for p in view.points] == list(range(1, view.total_steps + 1))
    assert parent.training_notes
    assert not view.training_notes


@pytest.mark.parametrize("evaluation", [1, -1], ids=["in the middle", "the last one"])
def test_two_stops_in_the_same_evaluation(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluation: int
) -> None:
    whole, stopped = (run_with(tmp_path, material, Recipe(**BASE)) for _ in range(2))
    fit(whole, tiny_encoder, *material)
    at = view_of(whole).evaluations[evaluation].step
    with stopping_in_the_evaluation(stopped, at, monkeypatch):
        for _ in range(2):
            assert fit(stopped, tiny_encoder, *material).stopped
            assert view_of(stopped).last_logged_step == at
            stopped.clear_stop()
    assert not fit(stopped, tiny_encoder, *material).stopped
    assert curve(stopped) == curve(whole)
    assert weights(stopped) == weights(whole)


def test_a_stop_while_it_goes_on_loading_changes_nothing(material: Material, tiny_encoder: Encoder, tmp_path: Path) -> None:
    run = run_with(tmp_path, material, Recipe(**BASE))
    fit(run, tiny_encoder, *material)
    parent, longer = view_of(run), child_of(run, Recipe(**{**BASE, "epochs": 4}))
    longer.request_stop()
    with pytest.raises(TrainingCancelled):
        fit(longer, tiny_encoder, *material)
    child = view_of(longer)
    assert (child.total_steps, child.points, child.best_step) == (parent.total_steps, parent.points, parent.best_step)


def test_with_points_far_apart_it_is_saved_all_the_same(
    material: Material, tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    from trainer.training import keeping
    from trainer.training.trainer import ClassificationTrainer

    monkeypatch.setattr(keeping, "_MIN_INTERVAL_TO_SAVE_TIME", 0)
    run = run_with(tmp_path, material, Recipe(**{**BASE, "log_every": 10_000}))
    step = ClassificationTrainer.training_step

    def slow(self: ClassificationTrainer, *args: object, **kwargs: object) -> object:
        time.sleep(0.05)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "training_step", slow)
    fit(run, tiny_encoder, *material, save_seconds=0.02)
    assert len([e for e in run.log.read() if e.type == "saved"]) > 3
