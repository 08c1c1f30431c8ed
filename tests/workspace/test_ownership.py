"""No owner sees or changes what belongs to another."""

from pathlib import Path

import pytest

from tests.workspace.steps import ME, OTHER, QUICK, refused
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio


@pytest.mark.parametrize("run_id", ["5eed" * 8, "../x", "", None, 7, "drafts"])
def test_an_unknown_run_gives_the_same_error_everywhere(studio: Studio, run_id: object, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    for call in (
        lambda: workspace.library.view(run_id),
        lambda: workspace.stop(run_id),
        lambda: workspace.library.reports(run_id),
        lambda: workspace.models.predict(run_id, ["x"]),
        lambda: workspace.models.write_zip(run_id, tmp_path / "x.zip"),
        lambda: workspace.library.folder(run_id),
    ):
        with refused("unknown_run"):
            call()
    assert workspace.jobs.position(run_id) is None
    assert not (tmp_path / "x.zip").exists()


def test_a_foreign_run_and_a_foreign_draft_do_not_exist(
    trained: tuple[Studio, RunView, dict[str, int]], small_csv: Path, tmp_path: Path
) -> None:
    studio, view, _ = trained
    events_before = list(Run(studio.for_owner(ME).library.folder(view.id)).log.read())
    for call in (
        lambda: studio.for_owner(OTHER).library.view(view.id),
        lambda: studio.for_owner(OTHER).stop(view.id),
        lambda: studio.for_owner(OTHER).library.reports(view.id),
        lambda: studio.for_owner(OTHER).models.predict(view.id, ["x"]),
        lambda: studio.for_owner(OTHER).models.write_zip(view.id, tmp_path / "x.zip"),
        lambda: studio.for_owner(OTHER).library.folder(view.id),
        lambda: studio.for_owner(OTHER).library.training_checks(view.id),
    ):
        with refused("unknown_run"):
            call()
    assert studio.for_owner(OTHER).library.runs() == []
    assert list(Run(studio.for_owner(ME).library.folder(view.id)).log.read()) == events_before

    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    for call in (
        lambda: studio.for_owner(OTHER).drafts.get(draft),
        lambda: studio.for_owner(OTHER).editor.set_columns(draft, text_columns=("0",), label_column="1"),
        lambda: studio.for_owner(OTHER).editor.name_classes(draft, {}),
        lambda: studio.for_owner(OTHER).editor.repair(draft, ["duplicate_texts"]),
        lambda: studio.for_owner(OTHER).editor.undo(draft, ["duplicate_texts"]),
        lambda: studio.for_owner(OTHER).editor.dismiss(draft, "label_variants"),
        lambda: studio.for_owner(OTHER).editor.export(draft, "exact"),
        lambda: studio.for_owner(OTHER).advise(draft, QUICK),
        lambda: studio.for_owner(OTHER).start(draft, QUICK),
    ):
        with refused("unknown_draft"):
            call()
    assert studio.for_owner(OTHER).library.runs() == []
