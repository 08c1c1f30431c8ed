"""The life of a run and of a draft with a power cut after any call: nothing that was confirmed is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.power_cut_disk import PowerCutDisk
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import split
from trainer.drafts.history import DraftHistory
from trainer.drafts.store import DraftStore
from trainer.errors import UserError
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.event_types import Created
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder

EPHEMERAL = ("heartbeat", "lock")
"""Files that only matter while their process runs."""


@pytest.fixture
def disk(tmp_path: Path) -> PowerCutDisk:
    (tmp_path / "runs").mkdir()
    return PowerCutDisk(tmp_path / "runs", ignored=EPHEMERAL)


def waiting_run(root: Path, encoder: Encoder, file: Path, drafts: DraftStore) -> Run:
    """A queued run as Start creates it, with its source file."""
    corpus = build_corpus(read_table(file.read_bytes()), text=0, label=1)
    splits = split(corpus, validation_share=0.2, test_share=0.2, seed=42)
    draft = drafts.create(LOCAL_OWNER, {"main": (file.name, file.read_bytes())})

    def fill(folder: Path) -> None:
        drafts.copy_to_run(draft, folder)
        save_rows(folder / "data.parquet", corpus, splits)

    recipe = Recipe(encoder=encoder.name, epochs=2, batch_size=16, learning_rate=1e-2, max_length=32)
    return RunStore(root).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=len(splits.train), learning_rate=1e-2),
        fill=fill,
        created=Created(name="brisk otter", owner=LOCAL_OWNER),
    )


def confirm_saved_states(disk: PowerCutDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirm each saved training state."""
    write = Checkpoints.write

    def write_and_confirm(self: Checkpoints, checkpoint_type: str, step: int, *args: object, **options: object) -> Checkpoint:
        checkpoint = write(self, checkpoint_type, step, *args, **options)
        if checkpoint_type == "state":
            disk.confirm(f"state {step}")
        return checkpoint

    monkeypatch.setattr(Checkpoints, "write", write_and_confirm)


def verify_run(root: Path, confirmed: frozenset[str]) -> None:
    """Verify what remains of a runs folder with one run."""
    ids = [path.name for path in root.iterdir() if is_id(path.name)]
    assert len(ids) <= 1
    if "deleted" in confirmed:
        assert not ids
    if not ids:
        assert "created" not in confirmed or "deleting" in confirmed
        return
    run, store = Run(root / ids[0]), RunStore(root)
    assert store.damage(run) == ()
    assert run.recipe().epochs == 2
    assert len(pipeline.load_run_rows(run)[0]) == 40
    view = store.view(run)
    assert (view.status == "finished" and view.has_model) or "finished" not in confirmed
    if view.has_model:
        assert pipeline.load_report(run, "test").rows == 8
        run.model_files()
    assert view.name == "calm fox" or "renamed" not in confirmed
    newest = Checkpoints(run.checkpoints, run.id).newest()
    states = [int(fact.split()[1]) for fact in confirmed if fact.startswith("state")]
    assert not states or newest.step >= max(states)


def test_a_run_survives_a_power_cut_at_any_moment(
    disk: PowerCutDisk, tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_rows(tmp_path / "moods.csv", small_rows(40))
    confirm_saved_states(disk, monkeypatch)
    studio = Studio(Settings(runs_dir=disk.root))
    with disk.recording():
        run = waiting_run(disk.root, tiny_encoder, file, DraftStore(disk.root / "drafts"))
        disk.confirm("created")
        assert pipeline.run_job(run, EncoderCatalogue([tiny_encoder]), save_seconds=0)
        disk.confirm("finished")
        assert studio.for_owner(LOCAL_OWNER).library.rename(run.id, "calm fox").status == "finished"
        disk.confirm("renamed")
        disk.confirm("deleting")
        studio.for_owner(LOCAL_OWNER).delete(run.id)
        disk.confirm("deleted")
    assert any(fact.startswith("state") for cut in disk.cuts for fact in cut.confirmed)
    assert disk.check(tmp_path / "cuts", verify_run) > 200


def test_a_draft_survives_a_power_cut_and_a_removed_one_does_not_come_back(disk: PowerCutDisk, tmp_path: Path) -> None:
    store = DraftStore(disk.root / "drafts")
    with disk.recording():
        draft = store.create("me", {"main": ("moods.csv", b"text,mood\n")})
        disk.confirm("made")
        test_file = store.store_file(draft, "test", "more.csv", b"text,mood\na,b\n")
        draft = replace(draft, test=test_file, class_names={"0": "joy"})
        store.save(draft)
        disk.confirm("changed")
        store.save(replace(draft, test=None))
        store.delete_file(draft, test_file)
        disk.confirm("dropped")
        store.remove(draft)
        disk.confirm("removed")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        remaining = DraftStore(root / "drafts")
        if "removed" in confirmed:
            assert DraftHistory(remaining).summaries("me") == ()
            return
        try:
            stored = remaining.get(draft.id, "me")
        except UserError:
            assert "made" not in confirmed or "dropped" in confirmed
            return
        assert remaining.path(stored, stored.main).read_bytes() == b"text,mood\n"
        assert stored.class_names or "changed" not in confirmed
        if stored.test is not None:
            assert remaining.path(stored, stored.test).read_bytes() == b"text,mood\na,b\n"
        assert not ("dropped" in confirmed and (root / "drafts" / draft.id / test_file.file).exists())

    assert disk.check(tmp_path / "cuts", verify) > 10
