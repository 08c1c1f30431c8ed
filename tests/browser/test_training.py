"""The Train tab in a real browser: runs survive reloads and crashes, one press starts one run, the form sets up a training."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    RANGE,
    choose_settings,
    end_training,
    headline,
    hold_first_request,
    points,
    remove_checkpoint_folder,
    setting,
    shown_run,
    start_training,
    tab,
    upload,
    wait_for_points,
    wait_until_form_saved,
    wait_until_idle,
    wait_until_trained,
)
from trainer.runs.store import RunStore

Open = Callable[..., Visit]


def test_a_zoom_survives_the_points_that_arrive_and_a_reload_loses_nothing(visit: Open, server: Server, moods_csv: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    server.brake(True, points=21)
    run = start_training(page, seed="1")
    wait_for_points(page, 20)
    expect(page.locator("#status-bar")).to_contain_text("Training my moods, own settings")
    full_range = page.evaluate(RANGE, "loss-chart")
    area = page.locator("#loss-chart .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + 10, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2, steps=8)
    page.mouse.up()
    page.wait_for_function(f"([id, was]) => ({RANGE})(id).some((edge, i) => Math.abs(edge - was[i]) > 1)", arg=["loss-chart", full_range])
    zoomed = page.evaluate(RANGE, "loss-chart")
    last_points = [points(page)[-1]]
    for n_points in (25, 29, 33):
        # More only now: however long this takes, there are points left for it.
        server.brake(True, points=n_points)
        last_points.append(wait_for_points(page, n_points - 1)[-1])
        assert page.evaluate(RANGE, "loss-chart") == pytest.approx(zoomed)
    assert len({step for step, _ in last_points}) == 4
    assert len({loss for _, loss in last_points}) >= 3

    # A reload during the training loses neither the run nor its curve nor the file.
    visited.reload()
    expect(page.locator("#status-bar")).to_contain_text("Training my moods, own settings")
    expect(page.locator("#data-summary")).to_contain_text("my moods.csv")
    tab(page, "Train")
    reloaded = wait_for_points(page, len(last_points))
    assert shown_run(page) == run
    assert [p for p in reloaded if p[0] <= last_points[-1][0]][-1] == last_points[-1]
    assert len(wait_for_points(page, 10, "accuracy-chart")) > 10
    end_training(page, server)
    assert server.process.poll() is None
    assert "Traceback" not in server.output


def test_after_a_kill_the_run_continues_in_one_curve(visit: Open, server: Server, moods_csv: Path) -> None:
    first = visit()
    upload(first.page, moods_csv, rows="240")
    server.brake(True)
    start_training(first.page, seed="2")
    before_the_crash = wait_for_points(first.page, 15)

    first.errors_allowed = True
    first.page.close()
    server.end(signal.SIGKILL)
    server.start()
    page = visit().page
    # On every tab, the status bar says that it was interrupted.
    status_bar = page.locator("#status-bar")
    expect(status_bar).to_contain_text("was interrupted at step")
    tab(page, "Train")
    # The file can still be trained on, in spite of the interrupted run.
    expect(page.locator("#train-source")).to_contain_text("my moods.csv")
    expect(page.locator("#start")).to_be_enabled()
    server.brake(True)
    status_bar.get_by_role("button", name="Resume").click()
    after_the_crash = wait_for_points(page, len(before_the_crash) - 1)
    assert after_the_crash[: len(before_the_crash)] == before_the_crash
    server.brake(False)
    wait_until_trained(page)
    curve = wait_for_points(page, len(before_the_crash))
    assert curve[: len(before_the_crash)] == before_the_crash
    steps = [step for step, _ in curve]
    assert len(steps) > len(before_the_crash)
    assert steps == list(range(1, len(steps) + 1))


def test_stop_from_another_browser_keeps_the_model(visit: Open, server: Server, moods_csv: Path) -> None:
    first = visit().page
    upload(first, moods_csv, rows="240")
    server.brake(True)
    run = start_training(first, seed="3")
    wait_for_points(first, 5)

    second = visit(new_context=True).page
    expect(second.locator("#status-bar")).to_contain_text("Training my moods")
    tab(second, "Train")
    second.wait_for_function("id => document.body.dataset.watched === id", arg=run)
    assert len(wait_for_points(second, 5)) > 5
    # Stop works on every tab.
    tab(second, "Try it")
    second.locator("#stop").click()

    for page in (first, second):
        tab(page, "Train")
        expect(headline(page)).to_contain_text("was stopped at step")
        expect(page.locator("#stop")).to_be_hidden()
    first.locator("#to-results").click()
    expect(first.locator("#headline h2")).to_contain_text("of 48 texts it never saw")


def test_start_pressed_twice_is_one_run(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    runs_before = server.runs()
    upload(page, moods_csv, rows="240")
    choose_settings(page, epochs="6", batch_size="16", max_length="32", seed="4")
    expect(page.locator("#start")).to_be_enabled()
    server.brake(True)
    page.locator("#start").evaluate("button => { button.click(); button.click(); button.click(); }")
    expect(headline(page)).to_be_visible()
    wait_for_points(page, 3)
    # Pressing Start again during the training starts no second run either.
    choose_settings(page)
    page.locator("#start").click()
    expect(headline(page)).to_be_visible()
    wait_for_points(page, 5)
    assert len(server.runs()) == len(runs_before) + 1
    end_training(page, server)
    assert len(server.runs()) == len(runs_before) + 1


def test_a_second_run_is_queued(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    server.brake(True)
    first = start_training(page, seed="5")
    second = start_training(page, seed="6", epochs="1")
    assert first != second
    expect(page.locator("#footer-watch")).to_contain_text("Waiting in the queue behind 1 run")
    expect(page.locator("#status-bar")).to_contain_text("1 waiting")
    # The status bar shows the current run, and leads to it.
    page.locator("#status-bar [data-action=watch]").click()
    page.wait_for_function("id => document.body.dataset.watched === id", arg=first)
    wait_for_points(page, 3)
    # Before the brake is off: else the first run might end by itself, and the press would stop the second one.
    page.locator("#stop").click()
    expect(headline(page)).to_contain_text("was stopped at step")
    server.brake(False)
    wait_until_idle(page)
    status_by_id = {v.id: v.status for v in RunStore(server.folder / "runs").list("local")}
    assert status_by_id[first] == "stopped"
    assert status_by_id[second] == "finished"


def test_a_late_response_does_not_bring_another_run_back(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    old_run = start_training(page, seed="10", epochs="1")
    wait_until_trained(page)

    # One timer request for the old run is held back while Start is pressed.
    held_back = hold_first_request(page, "**/gradio_api/run/predict*")()
    new_run = start_training(page, seed="11", epochs="1")
    assert new_run != old_run
    # It arrives after the new run has ended, so that no later update would correct the page.
    while any(view.live for view in RunStore(server.folder / "runs").list("local")):
        page.wait_for_timeout(100)
    with page.expect_response("**/gradio_api/run/predict*"):
        held_back.continue_()
    for _ in range(3):
        page.wait_for_event("response", lambda response: "run/predict" in response.url)
    wait_until_trained(page)
    assert shown_run(page) == new_run


def test_a_run_is_trained_again_with_its_settings(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    start_training(page, seed="12", epochs="2")
    wait_until_trained(page)
    tab(page, "Data")
    upload(page, {"name": "other.csv", "mimeType": "text/csv", "buffer": moods_csv.read_bytes()}, rows="240")
    tab(page, "Train")
    # Until then the form is that of the first file, which is expected again below.
    expect(page.locator("#footer-start")).to_contain_text("Trains on other.csv")
    page.locator("#run-details").get_by_role("button", name="Train again with changes").click()
    expect(page.locator("#train-source")).to_contain_text("my moods.csv")
    choose_settings(page)
    expect(setting(page, "epochs")).to_have_value("2")
    expect(setting(page, "seed")).to_have_value("12")
    expect(page.locator("#footer-start")).to_contain_text("Trains on my moods.csv")


def test_settings_out_of_range(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    runs_before = server.runs()
    upload(page, moods_csv, rows="240")
    for values, message in (
        ({"epochs": "999"}, "Epochs must be a whole number from 1 to 50"),
        ({"epochs": "2", "batch_size": "0"}, "Batch size must be"),
        ({"batch_size": "16", "max_length": ""}, "Maximum length must be"),
        ({"max_length": "32", "learning_rate": "7"}, "Learning rate must be"),
    ):
        choose_settings(page, **values)
        page.locator("#start").click()
        expect(page.locator("#footer-start [role=alert]")).to_contain_text(message)
    assert "Traceback" not in page.content()
    assert server.runs() == runs_before


def test_a_level_chosen_while_a_field_has_the_focus_is_the_level_of_the_run(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    choose_settings(page)
    levels = page.locator("#level")
    # Whichever response comes first. Never the level that was chosen before: a click on it would change nothing before "Custom" is chosen.
    for level in ("Best", "Balanced", "Quick look"):
        setting(page, "epochs").click()
        setting(page, "epochs").press_sequentially("x")
        levels.get_by_text(level).click()
        expect(setting(page, "epochs")).not_to_have_value(re.compile("x"))
        page.wait_for_timeout(600)
        expect(levels.get_by_label(level)).to_be_checked()
    page.locator("#start").click()
    expect(page.locator("#run-details")).to_contain_text("Quick look")
    wait_until_trained(page)


def test_levels_and_presets_fill_in_the_form(visit: Open, server: Server, moods_csv: Path, tmp_path: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    choose_settings(page)
    level = page.locator("#level")
    expect(setting(page, "epochs")).to_have_value("automatic")
    # Each level shows how long it takes, once the speed of the machine is measured.
    expect(level).to_contain_text(re.compile(r"Best\s·\s"))
    level.get_by_text("Best").click()
    expect(setting(page, "label_smoothing")).to_have_value("0.1")
    expect(page.locator("#level-explanation")).to_contain_text("training rows")
    setting(page, "warmup").fill("0.2")
    expect(level.get_by_label("Custom")).to_be_checked()
    page.locator("#preset input").click()
    page.get_by_role("option", name="Custom head").click()
    expect(setting(page, "head_learning_rate")).to_have_value("0.0001")
    expect(page.locator("#setting-head input")).to_have_value("mlp")
    expect(page.locator("#level-explanation")).to_contain_text("Two new layers")
    with page.expect_download() as download:
        page.locator("#download-recipe").click()
    download.value.save_as(tmp_path / "recipe.json")
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert recipe["head"] == "mlp"

    level.get_by_text("Balanced").click()
    expect(setting(page, "epochs")).to_have_value("automatic")
    expect(page.locator("#setting-head input")).to_have_value("linear")
    (tmp_path / "mine.json").write_text(json.dumps({**recipe, "epochs": 2, "validation_share": 0.15, "test_share": 0.15}))
    page.locator("input[accept='.json']").set_input_files(tmp_path / "mine.json")
    expect(setting(page, "epochs")).to_have_value("2")
    expect(level.get_by_label("Custom")).to_be_checked()
    wait_until_form_saved(page, server, {"setting-epochs": "2", "level": "Custom"})
    visited.reload()
    choose_settings(page)
    expect(setting(page, "epochs")).to_have_value("2")

    (tmp_path / "none.json").write_text("[1, 2]")
    page.locator("input[accept='.json']").set_input_files(tmp_path / "none.json")
    expect(page.locator("#train-notice")).to_contain_text("This is no recipe")
    start_training(page, seed="21", epochs="1")
    wait_until_trained(page)


def test_without_a_file(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    tab(page, "Train")
    expect(page.locator("#train-source")).to_contain_text("No file is open")
    expect(page.locator("#start")).to_have_count(0)
    page.locator("#footer-start").get_by_role("button", name="Open a file").click()
    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    assert "Traceback" not in page.content()


def test_a_failure_is_explained_in_view(visit: Open, server: Server, moods_csv: Path) -> None:
    for width, height in ((1280, 860), (390, 844)):
        page = visit(width=width, height=height).page
        upload(page, moods_csv, rows="240")
        server.brake(True, points=4)
        choose_settings(page, epochs="6", batch_size="16", learning_rate="0.01", max_length="32", seed=str(width))
        page.locator("#start").click()
        expect(headline(page)).to_be_visible()
        wait_for_points(page, 3)
        remove_checkpoint_folder(server, shown_run(page))
        expect(headline(page)).to_contain_text("failed")
        expect(page.locator("#footer-watch [role=alert]")).to_be_visible()
        assert page.evaluate("scrollY") == 0
        bounds = headline(page).bounding_box()
        assert bounds["y"] + bounds["height"] < height - 64
        expect(page.locator("#status-bar")).to_contain_text("failed")
