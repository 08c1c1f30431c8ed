"""The page in a real browser, from a file to an answer, and through every way in which a visit can go wrong."""

import csv
import io
import json
import re
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import *  # noqa
from tests.conftest import small_rows
from trainer.runs.run import RunStore

EVIL = '<img src=x onerror="window.__pwned=1">'

Open = Callable[..., Visit]


# Done when: the whole way


def test_from_a_file_to_an_answer(visit: Open, server: Server, moods_csv: Path, tmp_path: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    expect(page.locator("#data-summary")).to_contain_text("my moods.csv")
    page.wait_for_function(
        f"() => {{ const said = ({NAMES})('counts-chart'); return ['anger', 'joy', 'sadness'].every(n => said.includes(n)) }}"
    )
    page.locator("#to-train").click()
    expect(page.locator("#start")).to_be_visible()

    server.brake(True)
    name = begin(page, seed="1")
    assert re.fullmatch(r"[a-z]+ [a-z]+", name)

    # Zoom with the mouse, then watch points arrive: at least three different ones, with the zoom where it was.
    wait_for_points(page, 20)
    expect(page.locator("#strip strong")).to_have_text(name)
    expect(page.locator("#strip")).to_contain_text("step")
    before = page.evaluate(RANGE, "loss-chart")
    page.locator("#loss-chart").scroll_into_view_if_needed()
    area = page.locator("#loss-chart .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + 10, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2, steps=8)
    page.mouse.up()
    page.wait_for_function(f"([id, was]) => ({RANGE})(id).some((edge, i) => Math.abs(edge - was[i]) > 1)", arg=["loss-chart", before])
    zoomed = page.evaluate(RANGE, "loss-chart")
    seen = [points(page)[-1]]
    for _ in range(3):
        seen.append(wait_for_points(page, len(points(page)))[-1])
        assert page.evaluate(RANGE, "loss-chart") == pytest.approx(zoomed)
    assert len({step for step, _ in seen}) == 4
    assert len({loss for _, loss in seen}) >= 3

    # A reload in the middle loses nothing: neither the run, nor its curve, nor the file.
    visited.reload()
    expect(page.locator("#strip strong")).to_have_text(name)
    expect(page.locator("#data-summary")).to_contain_text("my moods.csv")
    tab(page, "2 Train")
    again = wait_for_points(page, len(seen))
    assert [p for p in again if p[0] <= seen[-1][0]][-1] == seen[-1]
    assert len(wait_for_points(page, 10, "accuracy-chart")) > 10
    expect(page.locator("#run-state")).to_contain_text(name)

    server.brake(False)
    page.locator("#to-results").click()
    expect(page.locator("#headline")).to_contain_text("48 rows")
    expect(page.locator("#headline")).to_contain_text(name)
    expect(page.locator("#per-class tbody tr")).to_have_count(3)
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    page.wait_for_function(f"() => ({NAMES})('confusion-chart').length >= 6")
    named = page.evaluate(NAMES, "confusion-chart")
    assert sorted(n for n in named if n in ("anger", "joy", "sadness")) == ["anger", "anger", "joy", "joy", "sadness", "sadness"]

    with page.expect_download() as download:
        page.locator("#download a").click()
    download.value.save_as(tmp_path / "model.zip")
    assert download.value.suggested_filename == f"{name.replace(' ', '-')}.zip"
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert any(member.endswith("/model.safetensors") for member in archive.namelist())

    page.locator("#to-try").click()
    page.locator("#try-text textarea").press_sequentially("happy laugh and dance today", delay=15)
    expect(page.locator("#answer .em-share")).to_have_count(3)
    expect(page.locator("#answer li").first).to_contain_text("joy")
    shares = [float(share.removesuffix(" %")) for share in page.locator("#answer .em-share").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    assert shares == sorted(shares, reverse=True)
    assert server.process.poll() is None
    assert "Traceback" not in server.output


def test_odd_texts_in_the_box(visit: Open, server: Server) -> None:
    page = visit().page
    tab(page, "4 Try it")
    box, answer = page.locator("#try-text textarea"), page.locator("#answer")
    for words in ("happy 🫠", "happy " + "a" * 30_000, "<b>happy</b>\n\n\tمرحبا"):
        box.fill(words)
        expect(answer.locator(".em-share")).to_have_count(3)
    box.fill("🫠")
    expect(answer).to_contain_text("cannot read any sign of this text")
    box.fill("   ")
    expect(answer).to_contain_text("Type a text")
    page.locator(".em-example").first.click()
    expect(answer.locator(".em-share")).to_have_count(3)


# Runs cannot be lost


def test_a_killed_server_leaves_a_run_that_goes_on_in_one_curve(visit: Open, server: Server, moods_csv: Path) -> None:
    first = visit()
    upload(first.page, moods_csv, rows="240")
    server.brake(True)
    name = begin(first.page, seed="2")
    seen = wait_for_points(first.page, 15)

    first.errors_allowed = True
    first.page.close()
    server.end(signal.SIGKILL)
    server.start()
    page = visit().page
    expect(page.locator("#strip")).to_contain_text(IDLE)
    tab(page, "2 Train")
    expect(page.locator("#run-state")).to_contain_text(f"{name} was interrupted at step")
    kept = wait_for_points(page, len(seen) - 1)
    assert kept[: len(seen)] == seen
    expect(page.locator("#to-results")).to_be_hidden()
    # And the file is still there to be trained on.
    expect(page.locator("#train-source")).to_contain_text("my moods.csv")
    expect(page.locator("#start")).to_be_enabled()

    expect(page.locator("#resume")).to_contain_text("Resume from step")
    server.brake(False)
    page.locator("#resume").click()
    expect(page.locator("#to-results")).to_be_visible()
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")
    expect(page.locator("#resume")).to_be_hidden()
    whole = page.evaluate(POINTS, "loss-chart")
    assert whole[: len(seen)] == seen
    steps = [step for step, _ in whole]
    assert len(steps) > len(kept)
    assert steps == list(range(1, len(steps) + 1))


def test_stop_from_another_browser_keeps_the_model(visit: Open, server: Server, moods_csv: Path) -> None:
    here = visit().page
    upload(here, moods_csv, rows="240")
    server.brake(True)
    name = begin(here, seed="3")
    wait_for_points(here, 5)

    there = visit(elsewhere=True).page
    expect(there.locator("#strip strong")).to_have_text(name)
    tab(there, "2 Train")
    assert len(wait_for_points(there, 5)) > 5
    # On every tab.
    tab(there, "4 Try it")
    there.locator("#stop").click()

    for page in (here, there):
        expect(page.locator("#strip")).to_contain_text(IDLE)
        expect(page.locator("#stop")).to_be_hidden()
        tab(page, "2 Train")
        expect(page.locator("#run-state")).to_contain_text(f"{name} was stopped at step")
    here.locator("#to-results").click()
    expect(here.locator("#headline")).to_contain_text(name)
    expect(here.locator("#headline")).to_contain_text("48 rows")


def test_start_pressed_twice_is_one_run(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    before = server.runs()
    upload(page, moods_csv, rows="240")
    choose_settings(page, epochs="25", batch_size="16", max_length="32", seed="4")
    expect(page.locator("#start")).to_be_enabled()
    server.brake(True)
    shown = chosen(page), drawn(page)
    page.locator("#start").dblclick()
    page.locator("#start").evaluate("button => { button.click(); button.click(); }")
    wait_for_another_run(page, *shown)
    wait_for_points(page, 3)
    page.locator("#start").click()
    wait_for_points(page, len(points(page)) + 5)
    assert len(server.runs()) == len(before) + 1
    end_training(page, server)
    assert len(server.runs()) == len(before) + 1


def test_another_run_waits_and_says_so(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    server.brake(True)
    first = begin(page, seed="5")
    choose_settings(page, seed="6", epochs="1")
    page.locator("#start").click()
    expect(page.locator("#run-state")).to_contain_text("waits in the queue: 1 run before it")
    expect(page.locator("#strip")).to_contain_text("1 run waiting")
    expect(page.locator("#strip strong")).to_have_text(first)
    server.brake(False)
    page.locator("#stop").click()
    expect(page.locator("#run-state")).to_contain_text("is trained")
    expect(page.locator("#run-state")).not_to_contain_text(first)
    expect(page.locator("#strip")).to_contain_text(IDLE)


def test_an_answer_that_comes_late_does_not_bring_another_run_back(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    old = begin(page, seed="10", epochs="1")
    expect(page.locator("#run-state")).to_contain_text(f"{old} is trained")

    # One question of the timer is held up on its way, still asking for the old run, while Start is pressed.
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/gradio_api/run/predict*", hold)
    page.wait_for_event("request", lambda request: "run/predict" in request.url)
    choose_settings(page, seed="11")
    page.locator("#start").click()
    expect(page.locator("#run-state")).not_to_contain_text(old)
    # It arrives when the new run is over, so that nothing that comes after it would put things right by itself.
    while any(view.live for view in RunStore(server.folder / "runs").list("local")):
        page.wait_for_timeout(100)
    with page.expect_response("**/gradio_api/run/predict*"):
        held[0].continue_()
    for _ in range(3):
        page.wait_for_event("response", lambda response: "run/predict" in response.url)
    expect(page.locator("#run-state")).to_contain_text("is trained")
    expect(page.locator("#run-state")).to_contain_text(chosen(page), timeout=5_000)
    assert chosen(page) != old


# What cannot be


def test_before_there_is_anything(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    expect(page.locator("#data-body")).to_be_hidden()
    expect(page.locator("#strip")).to_contain_text(IDLE)
    tab(page, "2 Train")
    expect(page.locator("#train-source")).to_contain_text("No file yet")
    expect(page.locator("#start")).to_be_disabled()
    tab(page, "3 Results")
    expect(page.locator("#headline")).to_contain_text("No results yet")
    tab(page, "4 Try it")
    expect(page.locator("#answer")).to_contain_text("No model yet")
    page.locator("#try-text textarea").fill("is anybody there?")
    page.locator(".em-example").first.click()
    expect(page.locator("#answer")).to_contain_text("No model yet")
    assert "Traceback" not in page.content()


def test_files_that_cannot_be_trained_on(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    for content, about in (
        ("", "empty"),
        ("text\nhello there\nhow are you\nvery well thanks\n", "only one column"),
        ("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)), "the same label"),
        ("text,label\n" + "".join(f",{'ab'[n % 2]}\n" for n in range(30)), "text column"),
        ("PK\x03\x04" + "\x00\x01\x02" * 50, "zip file is damaged"),
    ):
        upload(page, {"name": "bad.csv", "mimeType": "text/csv", "buffer": content.encode()})
        said = page.locator("#data-notice [role=alert]")
        expect(said).to_contain_text(about)
        assert said.inner_text().strip().endswith(".")
        tab(page, "2 Train")
        expect(page.locator("#start")).to_be_disabled()
        assert "Traceback" not in page.content()
        tab(page, "1 Data")
        page.locator("#upload").get_by_role("button", name="Clear").click()
    assert empty_server.runs() == []


def test_settings_out_of_range(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    before = server.runs()
    upload(page, moods_csv, rows="240")
    for values, about in (
        ({"epochs": "999"}, "Epochs must be a whole number from 1 to 50"),
        ({"epochs": "2", "batch_size": "0"}, "Batch size must be"),
        ({"batch_size": "16", "max_length": ""}, "Maximum length must be"),
        ({"max_length": "32", "learning_rate": "7"}, "Learning rate must be"),
    ):
        choose_settings(page, **values)
        page.locator("#start").click()
        expect(page.locator("#train-notice [role=alert]")).to_contain_text(about)
    assert "Traceback" not in page.content()
    assert server.runs() == before


# No word is ever more than a word


def test_a_file_of_malice_goes_through_every_tab(visit: Open, server: Server, tmp_path: Path) -> None:
    labels = {
        "joy": EVIL,
        "sadness": "</script><script>window.__pwned=2</script>",
        "anger": "${window.__pwned=3}{{constructor.constructor('window.__pwned=4')()}}",
    }
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["text", "label", EVIL])
    table.writerows([f"{words} {EVIL} ${{window.__pwned=5}}", labels[mood], EVIL] for words, mood in small_rows(120))
    visited = visit()
    page = visited.page
    page.add_init_script("window.__pwned = undefined")
    upload(page, {"name": f"{EVIL}.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()}, rows="120")
    expect(page.locator("#preview td").first).to_contain_text("<img src=x")
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    expect(page.locator("#tokens .em-token").nth(3)).to_be_visible()
    expect(page.locator("#tokens")).to_contain_text("<img src=x")

    name = begin(page, seed="7", epochs="6")
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")
    page.locator("#to-results").click()
    expect(page.locator("#per-class tbody")).to_contain_text("<img src=x")
    expect(page.locator("#per-class tbody")).to_contain_text("</script>")
    cell = page.locator("#confusion-chart .textpoint").first
    cell.scroll_into_view_if_needed()
    middle = cell.bounding_box()
    for aside in (0, 5):
        page.mouse.move(middle["x"] + middle["width"] / 2 + aside, middle["y"] + middle["height"] / 2)
    expect(page.locator("#confusion-chart .hovertext").first).to_be_visible()
    page.locator("#to-try").click()
    page.locator("#try-text textarea").fill(f"happy {EVIL}")
    expect(page.locator("#answer .em-share")).to_have_count(3)
    expect(page.locator("#answer")).to_contain_text("<img src=x")

    # The same for a visitor who comes later: every tab is drawn anew from what is on the disk.
    visited.reload()
    for number in ("1 Data", "2 Train", "3 Results", "4 Try it"):
        tab(page, number)
        assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.__pwned") is None
    assert page.evaluate("document.querySelectorAll('script:not([src])').length") == page.evaluate(
        "[...document.querySelectorAll('script:not([src])')].filter(s => !s.textContent.includes('pwned=2</')).length"
    )


# The Data tab


def finding(page: Page, words: str) -> Locator:
    return page.locator("#findings .em-check").filter(has_text=words)


def test_a_messy_file_becomes_trainable_by_clicks_alone(visit: Open, server: Server, tmp_path: Path) -> None:
    visited = visit()
    page = visited.page
    page.locator("#open-messy").click()
    expect(page.locator("#data-summary")).to_contain_text("messy_emotions.csv")
    expect(page.locator("#findings .em-must_fix")).to_have_count(2)
    assert page.locator("#findings .em-check").count() >= 12
    expect(page.locator("#to-train")).to_be_disabled()
    tab(page, "2 Train")
    expect(page.locator("#start")).to_be_disabled()
    tab(page, "1 Data")

    # The rows behind a finding, then its repair, one finding at a time.
    spelt = finding(page, "from another only in case")
    spelt.get_by_text("Show rows").click()
    expect(spelt.locator("tbody tr").first).to_be_visible()
    spelt.get_by_role("button", name="Merge the spellings").click()
    expect(page.locator("#findings .em-must_fix")).to_have_count(1)
    expect(finding(page, "Repaired.")).to_have_count(1)
    expect(page.locator("#findings h3")).to_be_focused()
    finding(page, "several labels").get_by_role("button", name="Leave these rows out").click()
    expect(page.locator("#findings .em-must_fix")).to_have_count(0)
    expect(page.locator("#to-train")).to_be_enabled()

    # A repair can be taken back, and survives a reload.
    finding(page, "several labels").get_by_role("button", name="Undo").click()
    expect(page.locator("#findings .em-must_fix")).to_have_count(1)
    expect(page.locator("#to-train")).to_be_disabled()
    visited.reload()
    expect(page.locator("#findings .em-must_fix")).to_have_count(1)
    expect(finding(page, "Repaired.")).to_have_count(1)
    page.get_by_role("button", name="Repair all").click()
    expect(page.locator("#findings .em-must_fix")).to_have_count(0)
    expect(finding(page, "Repaired.")).to_have_count(8)
    expect(page.locator("#findings [data-do=repair]")).to_have_count(0)

    with page.expect_download() as download:
        page.locator("#repaired a").first.click()
    download.value.save_as(tmp_path / "repaired.csv")
    assert download.value.suggested_filename == "messy_emotions repaired.csv"
    with open(tmp_path / "repaired.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Emotion"] for row in rows} == {"anger", "fear", "joy", "love", "sadness", "surprise"}

    name = begin(page, seed="11", epochs="1")
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")


def test_advice_on_the_encoder_follows_the_settings(visit: Open, server: Server) -> None:
    rows = "".join(f"{text} {'and so on ' * (12 if n % 2 else 1)},{label}\n" for n, (text, label) in enumerate(small_rows(120)))
    page = visit().page
    upload(page, {"name": "long.csv", "mimeType": "text/csv", "buffer": f"text,label\n{rows}".encode()}, rows="120")
    choose_settings(page, max_length="16")
    setting(page, "max_length").blur()
    tab(page, "1 Data")
    expect(page.locator("#advice")).to_contain_text("longer than 16 tokens")
    expect(page.locator("#advice")).to_contain_text("on this machine")
    expect(page.locator("#token-lengths-chart .annotation-text")).to_contain_text("cut at 16 tokens")
    page.locator("#advice [data-do=set]").click()
    expect(page.locator("#advice")).to_contain_text("All training texts fit")
    expect(page.locator("#token-lengths-chart .annotation-text")).to_contain_text("all fit")
    tab(page, "2 Train")
    expect(setting(page, "max_length")).to_have_value("64")


def test_one_dial_ready_recipes_and_recipe_files(visit: Open, server: Server, moods_csv: Path, tmp_path: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    choose_settings(page)
    dial = page.locator("#dial")
    expect(setting(page, "epochs")).to_have_value("automatic")
    dial.get_by_label("Best").check()
    expect(setting(page, "label_smoothing")).to_have_value("0.1")
    expect(page.locator("#dial-why")).to_contain_text("training rows")
    setting(page, "warmup").fill("0.2")
    expect(dial.get_by_label("My own")).to_be_checked()
    page.locator("#preset input").click()
    page.get_by_role("option", name="Custom head").click()
    expect(setting(page, "head_learning_rate")).to_have_value("0.0001")
    expect(page.locator("#setting-head input")).to_have_value("mlp")
    expect(page.locator("#dial-why")).to_contain_text("Two new layers")

    with page.expect_download() as download:
        page.locator("#take-recipe").click()
    download.value.save_as(tmp_path / "recipe.json")
    recipe = json.loads((tmp_path / "recipe.json").read_text())
    assert (recipe["head"], recipe["epochs"], recipe["encoder"]) == ("mlp", 3, "tiny-bert")

    dial.get_by_label("Balanced").check()
    expect(setting(page, "epochs")).to_have_value("automatic")
    expect(page.locator("#setting-head input")).to_have_value("linear")
    (tmp_path / "mine.json").write_text(json.dumps({**recipe, "epochs": 2, "validation_share": 0.15, "test_share": 0.15}))
    page.locator("input[accept='.json']").set_input_files(tmp_path / "mine.json")
    expect(setting(page, "epochs")).to_have_value("2")
    expect(dial.get_by_label("My own")).to_be_checked()
    visited.reload()
    tab(page, "1 Data")
    expect(page.locator("#split").get_by_label("70 / 15 / 15")).to_be_checked()
    choose_settings(page)
    expect(setting(page, "epochs")).to_have_value("2")

    (tmp_path / "none.json").write_text("[1, 2]")
    page.locator("input[accept='.json']").set_input_files(tmp_path / "none.json")
    expect(page.locator("#train-notice")).to_contain_text("This is no recipe")
    name = begin(page, seed="21")
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")


def test_two_text_columns_can_be_joined(visit: Open, server: Server) -> None:
    rows = "".join(f"title {n},{text},{label}\n" for n, (text, label) in enumerate(small_rows(90)))
    page = visit().page
    upload(page, {"name": "two.csv", "mimeType": "text/csv", "buffer": f"headline,body,mood\n{rows}".encode()}, rows="90")
    page.locator("#more-text-column input").click()
    page.get_by_role("option", name="headline").click()
    expect(page.locator("#reading")).to_be_visible()
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    expect(page.locator("#tokens .em-token").nth(3)).to_be_visible()
    page.wait_for_function("() => [...document.querySelectorAll('#lengths-chart .js-plotly-plot')].length > 0")
    expect(page.locator("#more-text-column input")).to_have_value("headline")


def test_numeric_labels_get_names_that_appear_everywhere(visit: Open, server: Server) -> None:
    numbers = {"joy": "0", "sadness": "1", "anger": "2"}
    content = "text,label\n" + "".join(f"{words},{numbers[mood]}\n" for words, mood in small_rows(120))
    visited = visit()
    page = visited.page
    upload(page, {"name": "numbers.csv", "mimeType": "text/csv", "buffer": content.encode()}, rows="120")
    expect(page.locator("#class-names")).to_be_visible()
    for row, given in enumerate(("delight", "<i>gloom</i>", "fury")):
        cell = page.locator(f'#class-names [data-testid="cell-{row}-1"]')
        cell.dblclick()
        editor = cell.locator("textarea, input")
        editor.fill(given)
        editor.press("Enter")
        expect(cell).to_contain_text(given)
    page.locator("#use-names").click()
    page.wait_for_function(f"() => ['delight', '<i>gloom</i>', 'fury'].every(name => ({NAMES})('counts-chart').includes(name))")
    page.wait_for_function(f"() => ['delight', '<i>gloom</i>', 'fury'].every(name => ({NAMES})('lengths-chart').includes(name))")

    # Saved with the file: a reload shows the same, and so does the report of a run.
    visited.reload()
    page.wait_for_function(f"() => ({NAMES})('counts-chart').includes('fury')")
    name = begin(page, seed="8", epochs="1")
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")
    page.locator("#to-results").click()
    expect(page.locator("#per-class tbody")).to_contain_text("<i>gloom</i>")
    page.wait_for_function(f"() => ({NAMES})('confusion-chart').filter(name => name === 'fury').length === 2")


def test_how_the_encoder_reads_a_row(visit: Open) -> None:
    page = visit().page
    page.locator("#open-sample").click()
    expect(page.locator("#data-summary")).to_contain_text("Classes6")
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    tokens = page.locator("#tokens")
    expect(tokens.locator(".em-token").first).to_contain_text("[CLS]")
    expect(tokens.locator(".em-token").last).to_contain_text("[SEP]")
    for fact in ("Vocabulary", "Special tokens", "Tokens in this row", "64 tokens"):
        expect(tokens).to_contain_text(fact)
    first = tokens.locator(".em-quote").inner_text()
    page.locator("#token-row input").fill("3")
    page.locator("#token-row input").press("Enter")
    expect(tokens.locator(".em-quote")).not_to_have_text(first)


def test_another_split_is_said_at_once_and_a_wrong_one_refused(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    line = page.locator("#split-line")
    expect(line).to_contain_text("48 kept aside")
    page.locator("#split").get_by_text("70 / 15 / 15").click()
    expect(line).to_contain_text("36 kept aside")
    page.locator("#split").get_by_text("Custom").click()
    page.locator("#test-share input").fill("90")
    page.locator("#test-share input").press("Tab")
    expect(line.locator("[role=alert]")).to_contain_text("Test share must be")
    tab(page, "2 Train")
    expect(page.locator("#start")).to_be_disabled()
    tab(page, "1 Data")
    page.locator("#split").get_by_text("70 / 10 / 20").click()
    expect(line).to_contain_text("48 kept aside")
    tab(page, "2 Train")
    expect(page.locator("#start")).to_be_enabled()


# On a phone


def test_nothing_is_wider_than_a_phone(visit: Open) -> None:
    names = {"joy": "unspeakable_delight_that_goes_on_and_on_without_a_blank", "sadness": "sadness", "anger": "anger"}
    content = f"text,{'label_' * 12}\n" + "".join(f"{words} {'ha' * 60},{names[mood]}\n" for words, mood in small_rows(120))
    page = visit(width=390, height=844).page
    upload(page, {"name": f"{'moods_' * 15}.csv", "mimeType": "text/csv", "buffer": content.encode()}, rows="120")
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    expect(page.locator("#tokens .em-token").first).to_be_visible()
    name = begin(page, seed="9", epochs="1")
    expect(page.locator("#run-state")).to_contain_text(f"{name} is trained")
    tab(page, "4 Try it")
    page.locator("#try-text textarea").fill("happy " + "ha" * 200)
    expect(page.locator("#answer .em-share")).to_have_count(3)
    wide = {}
    for number, chart in (("1 Data", "#counts-chart"), ("2 Train", "#loss-chart"), ("3 Results", "#confusion-chart"), ("4 Try it", None)):
        tab(page, number)
        if chart:
            expect(page.locator(f"{chart} .js-plotly-plot")).to_be_visible()
        wide[number] = page.evaluate("document.documentElement.scrollWidth")
    assert {number: width for number, width in wide.items() if width > 390} == {}
