"""Results and Try it in a real browser: what is seen on arrival, few rows, many classes, whose answer it is, rows to try, paper."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, Server, Visit
from tests.browser.made_runs import make_run
from tests.browser.steps import box, hold_first, in_view, tab
from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.evaluation.report import build_report
from trainer.recipe import Recipe
from trainer.runs.view import BaselineScores, Metrics, RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import results_view, try_tab

SIZES = [(1280, 860), (390, 844)]
EVIL = '<img src=x onerror="window.__pwned=1">'
RECIPE = Recipe(encoder="tiny-bert", epochs=12, batch_size=16, learning_rate=5e-3, max_length=32)
NAMES = ("joy", "anger", "sadness")
MATRIX = ((60, 8, 2), (12, 50, 8), (3, 9, 52))

Open = Callable[..., Visit]


def trained(server: Server, encoder: Encoder, reader: FileReader, path: Path) -> RunView:
    """A run on the server's folder, made from another process, as a terminal would."""
    studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[encoder], reader=reader)
    view = studio.train_files(LOCAL_OWNER, {"main": (path.name, path)}, RECIPE)
    view = studio.wait(LOCAL_OWNER, view.id, 60)
    studio.close()
    assert view.status == "finished"
    return view


@pytest.fixture(scope="module")
def moods(server: Server, tiny_encoder: Encoder, reader: FileReader, moods_csv: Path) -> RunView:
    return trained(server, tiny_encoder, reader, moods_csv)


@pytest.fixture(scope="module")
def evil(server: Server, tiny_encoder: Encoder, reader: FileReader, tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """A run whose texts and labels are code."""
    labels = {"joy": EVIL, "sadness": "</script><script>window.__pwned=2</script>", "anger": "${window.__pwned=3}{{x}}"}
    rows = [(f"{words} {EVIL}", labels[mood]) for words, mood in small_rows(120)]
    return trained(server, tiny_encoder, reader, write_rows(tmp_path_factory.mktemp("evil") / "evil.csv", rows))


def made(server: Server, *args: object, **facts: object) -> RunView:
    return make_run(server.folder / "runs", *args, **facts)


def take_in_hand(page: Page, view: RunView, name: str = "Results") -> None:
    """Choose the model of a run in the header, and a tab, and wait until that tells of the run."""
    tab(page, name)
    picker = page.locator("#model-picker select")
    expect(picker.locator(f"option[value='{view.id}']")).to_have_count(1)
    picker.select_option(view.id)
    if name == "Results":
        expect(page.locator(f"#headline a[href='download/{view.id}']")).to_be_visible()
    else:
        expect(page.locator(f"#prediction [data-run='{view.id}']")).to_be_visible()


# The score


def test_the_score_and_what_it_has_to_beat_are_in_view_on_arrival(visit: Open, server: Server) -> None:
    view = made(server, MATRIX, NAMES, counting_words=0.471)
    page = visit().page
    take_in_hand(page, view)
    headline = page.locator("#headline")
    expect(headline.locator("h2")).to_have_text("Right on 162 of 204 texts it never saw: 79.4 %")
    expect(headline).to_contain_text("Surely better than counting words (47.1 %). With other rows it would be between 73 and 84 %.")
    expect(headline).to_contain_text("204 rows kept aside: never trained on, never used to choose.")
    assert page.locator("#headline").inner_text().count("79.4") == 2  # in the sentence and at the bar, and nowhere else
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        tab(page, "Data")
        page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
        tab(page, "Results")
        page.wait_for_function("() => scrollY === 0")
        for part in ("#headline h2", "#headline .em-conclusion", "#headline .em-scale", "#headline .em-download", "#to-try"):
            assert in_view(page, part), part
        beside = box(page, "#headline .em-download")["y"] < box(page, "#headline .em-conclusion")["bottom"]
        assert beside == (width == 1280)


def test_four_rows_are_no_percentage(visit: Open, server: Server) -> None:
    view = made(server, [[1, 1], [0, 2]], ["joy", "anger"], counting_words=0.5)
    page = visit().page
    take_in_hand(page, view)
    expect(page.locator("#headline h2")).to_have_text("3 of 4 right: too few to say anything")
    expect(page.locator("#headline .em-conclusion")).to_have_text(
        "It could be anything between 30 % and 95 %: add rows, or give a test file."
    )
    assert "75" not in page.locator("#headline").inner_text()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert in_view(page, "#headline .em-scale")
    expect(page.locator("#per-class .em-worst")).to_have_count(0)


def test_where_all_are_right_no_class_is_the_worst(visit: Open, server: Server) -> None:
    view = made(server, [[30, 0], [0, 30]], ["إيجابي", "سلبي"], counting_words=0.9)
    page = visit().page
    take_in_hand(page, view)
    expect(page.locator("#per-class tbody tr")).to_have_count(2)
    expect(page.locator("#per-class .em-worst")).to_have_count(0)
    assert "worst" not in page.locator("#per-class").inner_text().lower()
    expect(page.locator("#confusions")).to_contain_text("None: all 60 test rows are right.")
    # Names that are written from right to left.
    for name in page.locator("#per-class tbody th span[dir=auto]").all():
        assert name.evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_a_missing_baseline_says_why(visit: Open, server: Server) -> None:
    view = made(server, MATRIX, NAMES, end="stopped")
    page = visit().page
    take_in_hand(page, view)
    expect(page.locator("#headline")).to_contain_text("There is no word-count comparison: the training was stopped before it was made.")
    expect(page.locator("#headline .em-scale-marks span")).to_have_count(1)


def test_the_names_on_the_bar_never_lie_over_one_another(browser: Browser) -> None:
    sheet = (ROOT / "assets" / "styles" / "results.css").read_text(encoding="utf-8")
    page = browser.new_page()
    labels = [0] * 50 + [1] * 50
    for width in (358, 600, 1120):
        for counting, hits in ((0.0, 0), (0.5, 50), (0.51, 52), (0.47, 48), (0.72, 71), (0.99, 100), (1.0, 100)):
            report = build_report(np.array(labels), np.array([1 - n if i >= hits else n for i, n in enumerate(labels)]), ("a", "b"))
            view = RunView("a" * 32, baseline=BaselineScores(10, validation=Metrics(0, 0), test=Metrics(counting, counting)))
            page.set_content(f"<style>{sheet}</style><div style='width:{width}px'>{results_view.bar(view, report)}</div>")
            names = [e.bounding_box() for e in page.locator(".em-scale-marks span, .em-scale-model").all()]
            assert len(names) == 3
            around = page.locator(".em-scale").bounding_box()
            for i, one in enumerate(names):
                assert around["x"] <= one["x"] + 1, (width, counting)
                assert one["x"] + one["width"] <= around["x"] + around["width"] + 1, (width, counting)
                for other in names[i + 1 :]:
                    aside = one["x"] + one["width"] <= other["x"] + 0.5 or other["x"] + other["width"] <= one["x"] + 0.5
                    above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
                    assert aside or above, (width, counting, hits)
    page.close()


# Classes


def test_confusions_and_classes(visit: Open, server: Server) -> None:
    view = made(server, MATRIX, NAMES, counting_words=0.471)
    page = visit().page
    take_in_hand(page, view)
    lines = page.locator("#confusions li")
    expect(lines).to_have_count(3)
    expect(lines.first).to_have_text("anger taken for joy: 12 of 70")
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        above = box(page, "#confusions")["y"] < box(page, "#confusion-chart")["y"]
        assert above == (width == 390)
    rows = page.locator("#per-class tbody tr")
    assert [row.locator("th").inner_text() for row in rows.all()] == ["anger", "sadness", "joy"]
    expect(rows.first).to_have_class("em-worst")
    expect(page.locator("#per-class tfoot")).to_contain_text("Macro F1")
    page.locator("#matrix-as").get_by_text("Share of each row").click()
    page.wait_for_function(
        "() => document.querySelector('#confusion-chart .js-plotly-plot').data.some(trace => trace.text?.some?.(t => t === '86 %'))"
    )


def test_the_table_as_csv(visit: Open, server: Server, tmp_path: Path) -> None:
    view = made(server, MATRIX, ("=SUM(A1)", 'so "called"', "-1"), counting_words=0.471)
    page = visit().page
    take_in_hand(page, view)
    with page.expect_download() as download:
        page.locator("#per-class").get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "table.csv")
    content = (tmp_path / "table.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == 4
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header[:2] == ["class", "f1"]
    # A number is no formula.
    assert [row[0] for row in rows] == ['so "called"', "-1", "'=SUM(A1)"]
    assert float(rows[0][1]) == 2 * 50 / (70 + 67)
    assert [row[-1] for row in rows] == ["70", "64", "70"]


def test_of_very_many_classes_the_ends_are_shown(visit: Open, server: Server) -> None:
    names = [f"balance_not_updated_after_{'bank_transfer' * (n % 3)}_{n}" for n in range(77)]
    matrix = [[(n % 9 + 4) * (i == n) + (i == (n + 1) % 77) for i in range(77)] for n in range(77)]
    view = made(server, matrix, names, counting_words=0.3)
    page = visit().page
    take_in_hand(page, view)
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    for shown in (20, 77):
        expect(page.locator("#per-class tbody tr:visible")).to_have_count(shown)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
        if shown == 20:
            page.locator("#per-class summary").click()


def test_a_printed_page_shows_all_of_it(visit: Open, server: Server) -> None:
    matrix = [[5 * (i == n) + (i == (n + 1) % 30) for i in range(30)] for n in range(30)]
    view = made(server, matrix, [f"class {n:02}" for n in range(30)], counting_words=0.3)
    page = visit().page
    take_in_hand(page, view)
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    page.emulate_media(media="print")
    for part in ("#headline h2", "#headline .em-scale", "#confusion-chart .js-plotly-plot", "#confusions li >> nth=0"):
        expect(page.locator(part)).to_be_visible()
    printed = page.locator("#per-class tbody tr").evaluate_all("rows => rows.map(row => row.checkVisibility())")
    assert printed == [True] * 30
    for part in ("#footer-results", "#matrix-as", "#headline .em-download"):
        expect(page.locator(part)).to_be_hidden()


# Try it


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_one_press_on_results_shows_an_answer(visit: Open, moods: RunView, width: int, height: int) -> None:
    page = visit(width=width, height=height).page
    take_in_hand(page, moods)
    page.locator("#to-try").click()
    expect(page.locator("#prediction .em-share")).to_have_count(3)
    page.wait_for_function("() => document.activeElement.tagName === 'H2' && document.activeElement.innerText === 'Try a text'")
    assert page.evaluate("scrollY") == 0
    for part in ("#try-text", "#prediction .em-prediction", "#prediction .em-bars"):
        assert in_view(page, part), part
    first = page.locator("#try-text textarea").input_value()
    assert first == page.locator(".em-row-to-try span").first.inner_text()

    # What somebody typed is not taken away by it.
    page.locator("#try-text textarea").fill("happy laugh and dance today")
    expect(page.locator("#prediction li").first).to_contain_text("joy")
    tab(page, "Results")
    page.locator("#to-try").click()
    expect(page.get_by_role("tab", name="Try it")).to_have_attribute("aria-selected", "true")
    assert page.locator("#try-text textarea").input_value() == "happy laugh and dance today"


def test_the_rows_to_try_are_test_rows_of_this_model(
    visit: Open, server: Server, moods: RunView, tiny_encoder: Encoder, reader: FileReader
) -> None:
    studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[tiny_encoder], reader=reader)
    known = {row.text: row.label for row in studio.examples(LOCAL_OWNER, moods.id)}
    studio.close()
    page = visit().page
    take_in_hand(page, moods, "Try it")
    buttons = page.locator(".em-row-to-try")
    expect(buttons).to_have_count(len(known))
    assert {b.locator("span").inner_text(): b.locator("strong").inner_text() for b in buttons.all()} == known
    buttons.nth(1).click()
    text = page.locator("#try-text textarea")
    expect(text).to_have_value(list(known)[1])
    expect(page.locator("#prediction")).to_contain_text(f"Its label is {known[text.input_value()]}.")
    text.press_sequentially(" happy")
    expect(page.locator("#prediction")).not_to_contain_text("Its label is")


def test_the_answer_names_its_model_and_follows_the_one_in_hand(visit: Open, moods: RunView, evil: RunView) -> None:
    page = visit().page
    take_in_hand(page, moods, "Try it")
    page.locator("#try-text textarea").fill("happy laugh today")
    expect(page.locator("#prediction")).to_contain_text("Answered by my moods, own settings.")
    take_in_hand(page, evil, "Try it")
    expect(page.locator("#prediction")).to_contain_text("Answered by evil, own settings.")
    expect(page.locator("#prediction .em-name").first).not_to_have_text("joy")
    # And so do the rows to try, and the link to the model.
    expect(page.locator(".em-row-to-try span").first).to_contain_text("<img src=x")
    expect(page.locator("#footer-try a")).to_have_attribute("href", f"download/{evil.id}")


def test_an_answer_that_comes_late_is_not_shown(visit: Open, moods: RunView) -> None:
    page = visit().page
    take_in_hand(page, moods, "Try it")
    words = page.locator("#try-text textarea")
    words.fill("happy laugh today")
    expect(page.locator("#prediction .em-share")).to_have_count(3)
    page.evaluate(
        """() => {
            window.answered = [];
            const box = document.querySelector("#prediction .em-prediction-card");
            new MutationObserver(() => window.answered.push(box.firstElementChild.dataset.text)).observe(box, { childList: true });
        }"""
    )
    held = hold_first(page, "**/gradio_api/queue/join*")
    with page.expect_request("**/gradio_api/queue/join*"):
        words.fill("cry lonely tears")
    words.fill("shout furious rage")
    expect(page.locator("#prediction .em-prediction-card")).to_have_class("em-prediction-card em-card em-outdated")
    held[0].continue_()
    expect(page.locator(f"#prediction [data-text='{try_tab.checksum('shout furious rage')}']")).to_be_visible()
    expect(page.locator("#prediction .em-prediction-card")).to_have_class("em-prediction-card em-card")
    assert page.evaluate("window.answered") == [str(try_tab.checksum("shout furious rage"))]


def test_odd_texts_in_the_box(visit: Open, moods: RunView) -> None:
    page = visit().page
    take_in_hand(page, moods, "Try it")
    words, answer = page.locator("#try-text textarea"), page.locator("#prediction")
    place = box(page, "#prediction .em-prediction-card")
    for text in ("happy 🫠", "happy " + "a" * 30_000, "<b>happy</b>\n\n\tمرحبا"):
        words.fill(text)
        expect(answer.locator(f"[data-text='{try_tab.checksum(text)}'] .em-share")).to_have_count(3)
        now = box(page, "#prediction .em-prediction-card")
        assert (now["x"], now["y"], now["width"]) == (place["x"], place["y"], place["width"])
    words.fill("🫠")
    expect(answer).to_contain_text("cannot read any sign of this text")
    words.fill("   ")
    expect(answer).to_contain_text("Type a text")


def test_a_text_from_right_to_left_begins_at_the_right(visit: Open, moods: RunView) -> None:
    page = visit().page
    take_in_hand(page, moods, "Try it")
    style = "e => { const { unicodeBidi, textAlign } = getComputedStyle(e); return [unicodeBidi, textAlign]; }"
    assert page.locator("#try-text textarea").evaluate(style) == ["plaintext", "start"]
    assert {s.get_attribute("dir") for s in page.locator(".em-row-to-try span, .em-row-to-try strong").all()} == {"auto"}


def test_the_model_is_taken_away_from_either_tab(visit: Open, moods: RunView, tmp_path: Path) -> None:
    page = visit().page
    for name, link in (("Results", "#headline .em-download"), ("Try it", "#footer-try .em-download")):
        take_in_hand(page, moods, name)
        with page.expect_download() as download:
            page.locator(link).click()
        download.value.save_as(tmp_path / f"{name}.zip")
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            assert any(member.endswith("/model.safetensors") for member in archive.namelist())


def test_a_run_of_malice_is_only_words(visit: Open, server: Server, evil: RunView) -> None:
    confused = made(server, MATRIX, (EVIL, "</script><script>window.__pwned=2</script>", "${window.__pwned=3}"), source_name=f"{EVIL}.csv")
    visited = visit()
    page = visited.page
    take_in_hand(page, confused)
    for part in ("#headline .em-source", "#per-class tbody", "#confusions"):
        expect(page.locator(part)).to_contain_text("<img src=x")
    take_in_hand(page, evil, "Try it")
    page.locator(".em-row-to-try").first.click()
    expect(page.locator("#prediction .em-share")).to_have_count(3)
    expect(page.locator("#prediction")).to_contain_text("<img src=x")
    visited.reload()
    for name in ("Results", "Try it"):
        tab(page, name)
        assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.__pwned") is None


def test_before_there_is_a_model_the_tabs_say_what_will_be_here_and_how(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    for name, heading, foot in (("Results", "#headline h2", "#footer-results"), ("Try it", "#try-head h2", "#footer-try")):
        tab(page, name)
        expect(page.locator(heading)).to_be_visible()
        page.locator(foot).get_by_role("button", name="Open a file").click()
        expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    tab(page, "Results")
    expect(page.locator("#headline li")).to_have_count(3)
    expect(page.locator("#per-class")).to_be_hidden()
    tab(page, "Try it")
    expect(page.locator("#prediction")).to_contain_text("No model yet")
    expect(page.locator(".em-row-to-try")).to_have_count(0)
    page.locator("#try-text textarea").fill("is anybody there?")
    page.wait_for_timeout(500)
    expect(page.locator("#prediction")).to_contain_text("No model yet")
