"""Repairs, Start and the queue, with real trainings that are held at their first logged point."""

import dataclasses
import threading
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.workspace.steps import ME, QUICK, RECIPE, TIMEOUT_SECONDS, Hold, events, refused, start_run, wait_for_end
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.rows import load_rows
from trainer.drafts import draft_cache
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.training.hardware import detect_hardware


def messy(n_rows: int = 120) -> list[tuple[str, str]]:
    rows = small_rows(n_rows)
    return [
        *rows[:-3],
        (rows[-3][0], rows[-3][1].upper()),
        (f"{rows[-2][0]} &amp; so", rows[-2][1]),
        rows[0],
        (rows[1][0] + "!", rows[1][1]),
    ]


def test_near_duplicates_are_searched_again_only_if_the_texts_changed(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    text_counts: list[int] = []

    def counting(texts: tuple[str, ...]) -> NearDuplicates:
        text_counts.append(len(texts))
        return find_near_duplicates(texts)

    monkeypatch.setattr(draft_cache, "find_near_duplicates", counting)
    path = write_rows(tmp_path / "messy.csv", messy())
    opened = workspace.drafts.open_files({"main": (path.name, path)})
    renamed = workspace.editor.name_classes(opened.draft.id, {opened.corpus.label_names[0]: "another name"})
    assert "another name" in renamed.corpus.label_names
    workspace.editor.repair(opened.draft.id, ["label_variants"])
    assert len(text_counts) == 1
    assert len(workspace.editor.repair(opened.draft.id, ["duplicate_texts"]).corpus) < len(opened.corpus)
    assert len(text_counts) == 2


def test_repairs_are_kept_can_be_undone_and_are_recorded(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    opened = workspace.drafts.open_files({"main": (path.name, path)})
    draft = opened.draft.id
    assert [f.code for f in opened.blocking_findings] == ["label_variants"]
    assert not opened.ready
    with refused("must_fix"):
        workspace.start(draft, QUICK)
    repaired = workspace.editor.repair(draft, [f.code for f in opened.findings if f.repairable])
    assert repaired.ready
    assert repaired.repaired.counts == {"html_in_texts": 1, "label_variants": 1, "duplicate_texts": 1, "near_duplicates": 1}
    assert len(repaired.corpus) == 119
    reopened = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader).for_owner(ME).drafts.latest()
    assert reopened.draft == repaired.draft
    assert reopened.corpus.texts == repaired.corpus.texts
    assert len(workspace.editor.undo(draft, ["duplicate_texts", "near_duplicates"]).corpus) == 121

    view = wait_for_end(studio, workspace.start(draft, QUICK))
    assert view.repairs == {"html_in_texts": 1, "label_variants": 1}
    run = Run(workspace.library.folder(view.id))
    assert run.recipe().repairs == ("html_in_texts", "label_variants")
    assert "1 row: label written as most rows write it" in (run.model / "README.md").read_text(encoding="utf-8")
    corpus, _ = load_rows(run.rows)
    assert len(corpus.label_names) == 3
    assert (run.path / "source").read_bytes() == path.read_bytes()


def test_a_run_records_its_level_and_what_was_forecast(studio: Studio, hold: Hold, small_csv: Path) -> None:
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    # As at server start: nothing is measured during a training.
    studio._machine.speeds.of(detect_hardware())
    plain = studio.for_owner(ME).start(draft, RECIPE)
    assert plain.level == ""
    assert events(studio, plain)[0].forecast_seconds is None
    studio._machine.hardware = detect_hardware()
    leveled = studio.for_owner(ME).start(draft, QUICK, level="Quick look")
    forecast = studio.for_owner(ME).advise(draft, QUICK).seconds
    created = events(studio, leveled)[0]
    assert (leveled.level, created.forecast_seconds) == ("Quick look", pytest.approx(forecast))
    # The time estimate is no finding about the file.
    assert "estimate" not in [finding.code for finding in leveled.findings]


def test_remaining_findings_are_recorded_with_the_run(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    with refused("must_fix"):
        workspace.train_files({"main": (path.name, path)}, QUICK)
    assert workspace.library.runs() == []
    view = wait_for_end(studio, workspace.train_files({"main": (path.name, path)}, QUICK, ignore_findings=True))
    findings = {f.code: f for f in view.findings}
    assert set(findings) >= {"label_variants", "html_in_texts", "duplicate_texts", "near_duplicates"}
    assert findings["label_variants"].severity == "error"
    assert all(f.severity != "ok" and f.message for f in view.findings)
    assert view.checks is not None
    assert view.checks.found == len(view.findings)
    assert view.checks.passed > 0
    assert Studio(studio.settings, reader=studio.reader).for_owner(ME).library.view(view.id).findings == view.findings


def test_an_error_can_be_dismissed(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    dismissed = workspace.editor.dismiss(draft, "label_variants")
    assert dismissed.ready
    assert "label_variants" in {f.code for f in dismissed.findings if f.severity == "warning"}
    assert not workspace.editor.undo(draft, ["label_variants"]).ready


def test_other_columns_start_without_repairs(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = [(text, label, f"a title about {label}") for text, label in messy()]
    path = write_rows(tmp_path / "messy.csv", rows, ("text", "mood", "title"))
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    assert workspace.editor.repair(draft, ["label_variants"]).draft.repairs == ("label_variants",)
    joined = workspace.editor.set_columns(draft, text_columns=(2, 0))
    assert joined.draft.repairs == ()
    assert joined.corpus.texts[0] == f"a title about {rows[0][1]}\n{rows[0][0]}"


def test_confirming_the_columns_keeps_the_repairs(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    workspace.editor.repair(draft, ["label_variants"])
    assert workspace.editor.set_columns(draft, text_columns=(0,), label_column=1).draft.repairs == ("label_variants",)


def test_saving_the_form_at_the_same_time_loses_no_repair(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy(60))
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    done = threading.Event()

    def keep() -> None:
        while not done.is_set():
            studio.for_owner(ME).editor.save_form(draft, {"epochs": 3})

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        for _ in range(10):
            workspace.editor.repair(draft, ["label_variants"])
            assert workspace.drafts.get(draft).draft.repairs == ("label_variants",)
            assert workspace.editor.undo(draft, ["label_variants"]).draft.repairs == ()
            assert workspace.drafts.get(draft).draft.repairs == ()
    finally:
        done.set()
        keeper.join()


def test_given_files_are_checked_and_not_part_of_the_export(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = messy(90)
    main_file = write_rows(tmp_path / "main.csv", rows)
    test = tmp_path / "test.csv"
    test_rows = "".join(f"{mood},the café and {text}\n" for text, mood in small_rows(30, seed=9))
    test.write_bytes(f"Mood,Text\n{test_rows},no label here\nbroken\n".encode("cp1252"))
    opened = workspace.drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test)})
    messages = [f.sentence for f in opened.findings if f.sentence.startswith("test.csv: ")]
    assert any("cp1252" in message for message in messages)
    assert any("1 row has no label" in message for message in messages)
    assert opened.corpus.given_split.count("test") == 30
    workspace.editor.repair(opened.draft.id, ["label_variants", "duplicate_texts"])
    name, exact = workspace.editor.export(opened.draft.id, "exact")
    reopened = workspace.drafts.open_files({"main": (name, exact)})
    assert len(reopened.corpus) == len(rows) - 1
    assert not any("café" in text for text in reopened.corpus.texts)
    with refused("unknown_form"):
        workspace.editor.export(opened.draft.id, "nonsense")


def test_a_given_file_without_the_columns_is_refused(studio: Studio, tmp_path: Path) -> None:
    main_file = write_rows(tmp_path / "main.csv", [(str(n), *row) for n, row in enumerate(small_rows(60))], ("id", "text", "label"))
    test = write_rows(
        tmp_path / "test.csv", [(str(n), mood, text) for n, (text, mood) in enumerate(small_rows(20))], ("id", "label", "sentence")
    )
    opened = studio.for_owner(ME).drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test)})
    assert opened.problem.code == "unknown_column"
    assert "“text”, “label”" in opened.problem.message


def test_a_split_column_counts_beside_given_files(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, mood, "test" if n % 5 == 0 else "train") for n, (text, mood) in enumerate(small_rows(100))]
    main_file = write_rows(tmp_path / "main.csv", rows, ("text", "label", "split"))
    validation = write_rows(tmp_path / "v.csv", small_rows(20, seed=9), ("text", "label"))
    opened = studio.for_owner(ME).drafts.open_files({"main": ("main.csv", main_file), "validation": ("v.csv", validation)})
    assert (opened.corpus.given_split.count("test"), opened.corpus.given_split.count("validation")) == (20, 20)
    tests = {text for text, _, part in rows if part == "test"}
    assert {opened.corpus.texts[row] for row in opened.splits(QUICK).test} == tests


def test_the_repaired_file_can_be_exported(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", [*messy(), ("=1+1 happy smile", "joy")])
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    workspace.editor.repair(draft, ["label_variants", "duplicate_texts"])
    name, exact = workspace.editor.export(draft, "exact")
    assert name == "messy repaired.csv"
    reopened = workspace.drafts.open_files({"main": (name, exact)})
    assert reopened.corpus.texts == workspace.drafts.get(draft).corpus.texts
    assert reopened.corpus.labels == workspace.drafts.get(draft).corpus.labels
    name, defused = workspace.editor.export(draft, "spreadsheet")
    assert name == "messy for spreadsheets.csv"
    assert b"'=1+1" in defused
    assert workspace.editor.export(draft, "changes")[1].count(b"\n") == 3


def test_a_recipe_s_repairs_are_made_without_the_page(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    recipe = dataclasses.replace(QUICK, repairs=("duplicate_texts", "label_variants"))
    view = wait_for_end(studio, workspace.train_files({"main": (path.name, path)}, recipe))
    assert view.repairs == {"label_variants": 1, "duplicate_texts": 1}
    with refused("unknown_repair"):
        workspace.train_files({"main": (path.name, path)}, dataclasses.replace(QUICK, repairs=("polish",)))


def test_start_pressed_twice_is_one_run(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    draft = workspace.drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    ids: list[str] = []
    presses = [threading.Thread(target=lambda: ids.append(workspace.start(draft, QUICK).id)) for _ in range(4)]
    for press in presses:
        press.start()
    for press in presses:
        press.join(TIMEOUT_SECONDS)
    hold.wait_until_started()
    ids.append(workspace.start(draft, QUICK).id)
    assert len(ids) == 5
    assert len(set(ids)) == 1
    assert len(workspace.library.runs()) == 1
    hold.release()
    assert wait_for_end(studio, workspace.library.runs()[0]).status == "finished"
    # After the end, the same draft and recipe are trained again.
    assert workspace.start(draft, QUICK).id not in ids


def test_another_recipe_is_queued_and_trained_afterwards(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    first = start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    third = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=3))
    assert [workspace.library.view(v.id).status for v in (first, second, third)] == ["running", "queued", "queued"]
    assert [workspace.jobs.position(v.id) for v in (first, second, third)] == [None, 1, 2]
    with refused("no_model"):
        workspace.models.predict(second.id, ["happy"])

    cancelled = workspace.stop(second.id)
    assert (cancelled.status, workspace.jobs.position(second.id), workspace.jobs.position(third.id)) == ("cancelled", None, 1)
    hold.release()
    assert wait_for_end(studio, third).status == "finished"
    end_time = next(e.time for e in events(studio, first) if e.type == "finished")
    start_time = next(e.time for e in events(studio, third) if e.type == "phase")
    assert start_time >= end_time
    assert [e.type for e in events(studio, second)] == ["created", "queued", "cancelled"]
    assert [v.id for v in workspace.library.runs()] == [third.id, second.id, first.id]


def test_two_runs_of_one_owner_never_get_one_name(studio: Studio, hold: Hold, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    draft = workspace.drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    monkeypatch.setattr("trainer.runs.names._PAIRS", ("calm fox", "brisk otter"))
    names = [workspace.start(draft, dataclasses.replace(RECIPE, epochs=epochs)).name for epochs in (1, 2, 3)]
    assert sorted(names[:2]) == ["brisk otter", "calm fox"]
    assert names[2] in ("brisk otter 2", "calm fox 2")


def test_an_unreadable_recipe_does_not_hide_the_checks_of_a_training(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    path = studio.for_owner(ME).library.folder(view.id) / "recipe.json"
    checks, recipe = studio.for_owner(ME).library.training_checks(view.id), path.read_bytes()
    path.write_bytes(recipe[:20])
    try:
        assert [c.code for c in studio.for_owner(ME).library.training_checks(view.id)] == [c.code for c in checks]
    finally:
        path.write_bytes(recipe)


def test_waiting_for_a_run_ends_when_it_is_cancelled(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    results: list[RunView] = []
    waiter = threading.Thread(target=lambda: results.append(workspace.wait(second.id, TIMEOUT_SECONDS)), daemon=True)
    waiter.start()
    workspace.stop(second.id)
    waiter.join(TIMEOUT_SECONDS)
    assert [v.status for v in results] == ["cancelled"]


def test_the_change_token_changes_only_with_events(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    tokens = [workspace.change_token()]
    view = start_run(studio, small_csv)
    hold.wait_until_started()
    tokens.append(workspace.change_token())
    assert workspace.change_token() == tokens[-1]
    workspace.stop(view.id)
    tokens.append(workspace.change_token())
    hold.release()
    wait_for_end(studio, view)
    tokens.append(workspace.change_token())
    assert len(set(tokens)) == 4


def test_stop_keeps_a_model_and_a_report(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    with refused("no_model"):
        workspace.library.reports(view.id)
    assert workspace.stop(view.id).stop_requested
    hold.release()
    view = wait_for_end(studio, view)
    assert view.status == "stopped"
    assert view.has_model
    assert not view.stop_requested
    assert 1 <= view.last_logged_step < view.total_steps
    assert view.best_step == view.last_logged_step
    assert workspace.library.reports(view.id).test.rows == 48
    assert workspace.models.predict(view.id, ["happy"])[1][0].probabilities.sum() == pytest.approx(1)
    # A second stop, or one that comes too late, changes nothing.
    assert workspace.stop(view.id).status == "stopped"
