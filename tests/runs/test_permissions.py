"""Only the owner can read our files: new ones, under any umask, and older ones."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.cpu_time import cpu_time
from tests.workspace.steps import TIMEOUT_SECONDS
from trainer.atomic import make_folder, write_file
from trainer.recipe import Recipe
from trainer.runs.ids import random_id
from trainer.runs.permissions import restrict_permissions, restrict_umask
from trainer.settings import LOCAL_OWNER, Settings
from trainer.shares import Shares
from trainer.studio import Studio
from trainer.switches import Switches
from trainer.users import Users

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no such rights")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The umask of most systems: everybody may read new files."""
    old_umask = os.umask(0o022)
    yield
    os.umask(old_umask)


def open_to_others(root: Path) -> list[str]:
    """Files and folders for which others have permissions."""
    return sorted(
        str(path.relative_to(root)) for path in (root, *root.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()
    )


def old_runs(root: Path, n: int, files: int = 12) -> None:
    """Runs as older versions made them."""
    root.mkdir(mode=0o755)
    for _ in range(n):
        folder = root / random_id()
        (folder / "model").mkdir(parents=True)
        for number in range(files):
            (folder / "model" / f"{number}.json").touch()


def test_files_and_folders_are_readable_by_their_owner_alone_under_any_umask(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    write_file(tmp_path / "a" / "b" / "file", b"mine")
    assert open_to_others(tmp_path / "a") == []


def test_whatever_a_training_writes_is_readable_by_its_owner_alone(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(LOCAL_OWNER)
    restrict_umask()
    file = write_rows(tmp_path / "moods.csv", small_rows())
    recipe = Recipe(encoder="tiny-bert", epochs=1, batch_size=32, max_length=16)
    view = workspace.train_files({"main": (file.name, file)}, recipe)
    view = workspace.wait(view.id, TIMEOUT_SECONDS)
    assert view.status == "finished"
    runs = studio.settings.runs_dir
    workspace.models.write_zip(view.id, runs / "model.zip")
    names = {path.name for path in runs.rglob("*")}
    assert {"model.safetensors", "data.parquet", "predictions.parquet", "events.jsonl", "recipe.json", "drafts", "model.zip"} <= names
    assert open_to_others(runs) == []


def test_older_runs_drafts_and_uploads_are_tightened_and_nothing_else(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old_runs(runs, 2)
    for folder in ("drafts", "uploads", "somebody-elses"):
        (runs / folder / "inner").mkdir(parents=True)
        (runs / folder / "inner" / "file").touch()
    (tmp_path / "elsewhere").touch(0o644)
    (runs / "drafts" / "link").symlink_to(tmp_path / "elsewhere")
    (runs / random_id()).symlink_to(tmp_path)
    program = runs / "drafts" / "program"
    program.touch()
    program.chmod(0o755)
    assert restrict_permissions(runs) > 30
    assert open_to_others(runs) == ["somebody-elses", "somebody-elses/inner", "somebody-elses/inner/file"]
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o644
    assert program.stat().st_mode & 0o777 == 0o700
    assert restrict_permissions(runs) == 0


def test_whatever_a_server_keeps_is_tightened(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    studio = Studio(Settings(runs_dir=runs))
    try:
        studio.settings.ensure_writable()
        workspace = studio.for_owner("user-ada")
        workspace.drafts.open_sample()
        Users(studio.settings.users_file).set_password("ada", "a long password")
        studio.visits.save({"user-ada"}, 1.0)
        Switches(runs).turn("no-trainings", on=True)
        Shares(runs).share(random_id(), with_texts=False)
        make_folder(studio.settings.uploads_dir)
        workspace.label_checks.start(workspace.drafts.latest_id())
    finally:
        studio.close()
    kept = {path.name for path in runs.iterdir()}
    assert {"drafts", "jobs", "shares", "switches", "uploads", "users.json", "visits.json"} <= kept
    for path in runs.rglob("*"):
        path.chmod(0o755)
    restrict_permissions(runs)
    assert open_to_others(runs) == []


def test_a_thousand_runs_are_tightened_in_well_under_a_second(tmp_path: Path) -> None:
    old_runs(tmp_path / "runs", 1_000)
    for _ in range(2):
        with cpu_time() as spent:
            restrict_permissions(tmp_path / "runs")
        assert spent.seconds < 1.0


def test_a_folder_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    assert restrict_permissions(tmp_path / "nowhere") == 0
