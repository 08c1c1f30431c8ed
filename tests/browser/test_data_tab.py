"""The Data tab in a real browser: one verdict in view, the next button, and no content of a previous file."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.addresses import TIMEOUT_SECONDS
from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    NAMES,
    box,
    choose_settings,
    in_view,
    setting,
    start_training,
    tab,
    upload,
    wait_until_trained,
)
from tests.conftest import SHARED, small_rows
from tests.data.files.samples import make_workbook, make_zip

EVIL = '<img src=x onerror="window.__pwned=1">'
SIZES = [(1280, 860), (390, 844)]
PICTURE = {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8}
VISIBLE_FINDINGS = "#findings .em-with-buttons > ul > .em-check:not(.em-folded-lines)"
TRAIN_TAB_SAYS = """message => {
    const isOpen = document.querySelector("#data-tab").classList.contains("em-file-open");
    return document.querySelector("#footer-start")?.textContent.includes(isOpen ? message : "Open a file first.");
}"""
"""An unusable file is open, if only its columns are unclear."""
both_sizes = pytest.mark.parametrize(("width", "height"), SIZES)

Open = Callable[..., Visit]


def table(name: str, rows: Sequence[Sequence[str]], header: Sequence[str] = ("text", "mood")) -> dict:
    """A CSV file as the payload of ``set_input_files``."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return {"name": name, "mimeType": "text/csv", "buffer": text.getvalue().encode()}


def close_any_file(page: Page) -> None:
    """Close the open file. A known file is opened first, so that the page has finished loading any earlier one."""
    upload(page, table("in between.csv", small_rows(33)), rows="33")
    # Otherwise they might come once the next file is shown.
    wait_for_encoder_findings(page)
    page.locator("#data-summary [data-action=close]").click()
    expect(page.locator("#try-sample")).to_be_visible()


def title(page: Page) -> Locator:
    return page.locator("#readiness h2")


def finding(page: Page, text: str) -> Locator:
    return page.locator("#findings .em-check").filter(has_text=text).last


def wait_for_encoder_findings(page: Page) -> None:
    """Wait until the findings that need the encoder are there; of a file with many others no line says that they are on their way."""
    expect(page.locator("#findings")).to_contain_text(re.compile("Signs and letters that the encoder can read|signs that .+ cannot read"))


def expect_in_view(page: Page, *selectors: str) -> None:
    """Wait until each element is in the window, without scrolling."""
    for selector in selectors:
        for _ in range(10 * int(TIMEOUT_SECONDS)):
            if in_view(page, selector):
                break
            page.wait_for_timeout(100)
        else:
            position = box(page, selector), page.evaluate("[scrollY, innerWidth, innerHeight]")
            raise AssertionError(f"{selector} is out of view: {position}")


def count_primary_buttons(page: Page) -> int:
    return page.locator(".em-primary").locator("visible=true").count()


# Without a file


def test_the_empty_data_tab_is_in_view_and_has_one_primary_button(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    expect(page.locator("#try-sample")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        expect_in_view(
            page, "#data-tab h2", "#upload", "#try-sample", "#open-sample", "#open-messy", ".em-sample-rows", ".em-side .em-class-bars"
        )
        assert count_primary_buttons(page) == 1
        assert page.locator("#upload .upload-container").bounding_box()["height"] == (164 if width == 1280 else 116)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.locator("#footer-data")).to_contain_text("Your file stays on this computer")
    expect(page.locator("#data-body")).to_be_hidden()


def test_earlier_files_can_be_opened_again_and_removed(visit: Open, fresh_server: Server) -> None:
    visited = visit(fresh_server)
    page = visited.page
    expect(page.locator("#try-sample")).to_be_visible()
    expect(page.locator("#drafts li")).to_have_count(0)
    upload(page, table("first.csv", small_rows(60)), rows="60")
    upload(page, table("second.csv", small_rows(90)), rows="90")
    page.locator("#data-summary [data-action=close]").click()
    expect(page.locator("#drafts li")).to_have_count(2)
    expect(page.locator("#drafts li").first).to_contain_text("second.csv")
    visited.reload()
    expect(page.locator("#drafts li")).to_have_count(2)
    page.locator("#drafts li").filter(has_text="first.csv").get_by_role("button", name="Open").click()
    expect(page.locator("#data-summary")).to_contain_text("first.csv")
    expect(title(page)).to_be_focused()
    page.locator("#data-summary [data-action=close]").click()
    row = page.locator("#drafts li").filter(has_text="second.csv")
    row.locator("summary").click()
    row.get_by_role("button", name="Remove").click()
    expect(page.locator("#drafts li")).to_have_count(1)


def test_a_sample_button_works_again_after_closing_the_file(visit: Open, fresh_server: Server) -> None:
    page = visit(fresh_server).page
    for sample, name in (
        ("#open-sample", "sample_emotions.csv"),
        ("#open-messy", "messy_emotions.csv"),
        ("#open-messy", "messy_emotions.csv"),
    ):
        page.locator(sample).click()
        expect(page.locator("#data-summary")).to_contain_text(name)
        expect(title(page)).to_be_visible()
        page.locator("#data-summary [data-action=close]").click()
        expect(page.locator("#try-sample")).to_be_visible()


def test_a_data_set_that_cannot_be_fetched_has_its_error_at_the_field(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    close_any_file(page)
    expect(page.locator("#hub-name")).to_be_hidden()
    page.locator("#open-known summary").click()
    page.locator("#hub-name input").fill("no such data set")
    page.locator("#hub-name input").press("Enter")
    page.locator("#fetch-hub").click()
    expect(page.locator("#data-notice [role=alert]")).to_contain_text("There is no data set called “no such data set”")


# Unusable files


def test_an_unusable_file_does_not_replace_the_open_one(visit: Open, fresh_server: Server) -> None:
    visited = visit(fresh_server)
    page = visited.page
    alert = page.locator(".em-drop [role=alert]")
    upload(page, table("rows60.csv", small_rows(60)), rows="60")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        upload(page, PICTURE)
        expect(alert).to_contain_text("picture.png: This is a picture")
        expect_in_view(page, ".em-drop [role=alert]")
        expect_in_view(page, "#use-previous")
        page.locator("#use-previous").click()
        expect(page.locator("#data-summary")).to_contain_text("rows60.csv")
        expect(alert).to_have_count(0)
    upload(page, PICTURE)
    expect(page.locator("#footer-data .em-wrong")).to_contain_text("picture.png: This is a picture")
    expect(page.locator("#data-notice")).to_contain_text("Still open: rows60.csv (60 rows).")
    for selector in ("#readiness", "#data-summary", "#to-train"):
        expect(page.locator(selector)).to_be_hidden()
    tab(page, "Train")
    expect(page.locator("#footer-start")).to_contain_text("Open a file first.")
    expect(page.locator("#start")).to_be_hidden()
    visited.reload()
    expect(page.locator("#try-sample")).to_be_visible()

    upload(page, table("empty.csv", [], ()))
    expect(alert).to_contain_text("empty.csv")
    page.locator("#drafts").get_by_role("button", name="Open").click()
    expect(page.locator("#data-summary")).to_contain_text("rows60.csv")
    expect(page.locator(".em-drop [role=alert]")).to_have_count(0)
    tab(page, "Train")
    expect(page.locator("#start")).to_be_enabled()
    assert fresh_server.runs() == []


def test_the_previous_file_can_be_closed_too(visit: Open, fresh_server: Server) -> None:
    page = visit(fresh_server).page
    upload(page, table("rows60.csv", small_rows(60)), rows="60")
    upload(page, PICTURE)
    expect(page.locator("#footer-data .em-wrong")).to_be_visible()
    page.locator("#data-notice").get_by_role("button", name="Close").click()
    expect(page.locator("#data-notice [role=alert]")).to_have_count(0)
    expect(page.locator("#drafts li")).to_have_count(1)
    expect(page.locator("#footer-data .em-wrong")).to_have_count(0)


def test_too_few_rows_are_reported_once_at_the_top_and_by_both_tabs(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    upload(page, table("rows4.csv", [("one day", "x"), ("two days", "y"), ("three days", "x"), ("four days", "y")]), rows="4")
    expect(title(page)).to_have_text("With 4 rows nothing would be left for validation")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        expect_in_view(page, "#readiness h2")
    message = "With 4 rows nothing would be left for validation."
    expect(page.locator("#footer-data .em-wrong")).to_have_text(message)
    expect(page.locator("#to-train")).to_have_count(0)
    tab(page, "Train")
    expect(page.locator("#footer-start .em-footer-message")).to_have_text(message)
    expect(page.locator("#start")).to_have_count(0)


def test_no_chart_is_drawn_for_an_unusable_file(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    upload(page, table("oneclass.csv", [(text, "joy") for text, _ in small_rows(60)]), rows="60")
    expect(title(page)).to_have_text("All 60 rows have the same label, “joy”")
    expect(title(page)).to_be_visible()
    expect(page.locator("#footer-data .em-wrong")).to_contain_text("have the same label")
    assert page.locator("#data-body").inner_text().count("have the same label") == 1
    for selector in ("#classes", "#lengths", "#splitting", "#reading"):
        expect(page.locator(selector)).to_be_hidden()
    assert page.locator("#data-tab .js-plotly-plot").count() == 0


def test_unusable_files(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    close_any_file(page)
    for content, message in (
        ("", "empty"),
        ("text\nhello there\nhow are you\nvery well thanks\n", "only one column"),
        ("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)), "the same label"),
        ("text,label\n" + "".join(f",{'ab'[n % 2]}\n" for n in range(30)), "text column"),
        ("PK\x03\x04" + "\x00\x01\x02" * 50, "zip file is damaged"),
    ):
        upload(page, {"name": "bad.csv", "mimeType": "text/csv", "buffer": content.encode()})
        alert = page.locator("#footer-data .em-wrong")
        expect(alert).to_contain_text(message)
        assert alert.inner_text().strip().endswith(".")
        tab(page, "Train")
        page.wait_for_function(TRAIN_TAB_SAYS, arg=message)
        expect(page.locator("#start")).to_be_hidden()
        assert "Traceback" not in page.content()
        tab(page, "Data")
    assert empty_server.runs() == []


# An open file


@both_sizes
def test_the_result_of_an_upload_is_in_view(visit: Open, moods_csv: Path, width: int, height: int) -> None:
    page = visit(width=width, height=height).page
    page.evaluate("scrollTo(0, 9999)")
    upload(page, moods_csv, rows="240")
    expect(title(page)).to_have_text("Ready to train")
    expect(page.locator("#to-train")).to_be_enabled()
    page.wait_for_function("scrollY === 0")
    wait_for_encoder_findings(page)
    expect_in_view(
        page,
        "#data-summary .em-file",
        "#readiness h2",
        "#readiness .em-chosen-columns",
        "#findings .em-check",
        "#footer-data .em-footer-message",
        "#to-train",
    )
    assert count_primary_buttons(page) == 1
    assert box(page, "#to-train")["bottom"] <= height
    assert box(page, "#readiness h2")["bottom"] < 300
    # From the verdict to the footer nothing needs scrolling.
    assert box(page, "#data-summary")["height"] <= 44
    page.locator("#to-train").click()
    expect(page.locator("#start")).to_be_visible()


def test_letters_unknown_to_the_encoder_are_the_first_finding_and_frequent_emoji_become_tokens(visit: Open) -> None:
    letters = {"joy": "жизнь", "sadness": "дождь", "anger": "щит"}
    emoji = {"joy": "😂", "sadness": "😭", "anger": "😡"}
    for width, height in SIZES:
        page = visit(width=width, height=height).page
        upload(page, table("letters.csv", [(f"{text} {letters[mood]}", mood) for text, mood in small_rows(120)]), rows="120")
        first = page.locator("#findings .em-check").first
        expect(first).to_contain_text("signs that tiny-bert cannot read")
        expect(first.locator(".em-severity").first).to_have_text("check")
        expect_in_view(page, "#findings .em-check")
        # What has passed is folded.
        expect(page.locator(VISIBLE_FINDINGS).filter(has_text="texts fit into")).to_have_count(0)
        upload(page, table("emoji.csv", [(f"{text} {emoji[mood]}", mood) for text, mood in small_rows(120)]), rows="120")
        expect(page.locator("#findings")).to_contain_text("tokens of their own")


def test_of_many_classes_the_first_and_last_are_visible(visit: Open) -> None:
    path = SHARED / "data" / "quirks" / "banking77_train.csv"
    if not path.exists():
        pytest.skip("needs the data sets beside the checkout")
    page = visit().page
    upload(page, path, rows="10,003")
    bars = page.locator("#classes li").locator("visible=true")
    expect(bars).to_have_count(20)
    wait_for_encoder_findings(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("limit => document.documentElement.scrollHeight <= limit", arg=3 * height)
        expect_in_view(page, "#readiness h2")
    page.locator("#classes").get_by_text("57 more").click()
    expect(bars).to_have_count(77)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_right_to_left_text_keeps_its_direction(visit: Open) -> None:
    moods = {"joy": "إيجابي", "sadness": "سلبي", "anger": "سلبي"}
    rows = [(f"هذا نص رقم {n}، {text}.", moods[mood]) for n, (text, mood) in enumerate(small_rows(90))]
    page = visit().page
    upload(page, table("تقييمات العملاء.csv", rows, ("النص", "التصنيف")), rows="90")
    for cell in (
        "#preview td",
        "#preview th",
        "#classes .em-bar-name .em-middle",
        "#data-summary b .em-middle",
        "#readiness .em-chosen-columns b",
    ):
        assert page.locator(cell).first.evaluate("cell => getComputedStyle(cell).direction") == "rtl", cell


def test_a_long_name_shows_its_end_and_stays_on_one_line(visit: Open) -> None:
    page = visit().page
    names = {"joy": "unspeakable_delight_that_goes_on_and_on_without_a_blank", "sadness": "sadness", "anger": "anger"}
    rows = [(f"{text} {'ha' * 60}", names[mood]) for text, mood in small_rows(120)]
    upload(page, table(f"{'moods_' * 15}final.csv", rows, ("text", "label_" * 12)), rows="120")
    file_line = page.locator("#data-summary .em-file")
    expect(file_line.locator("b .em-middle > span").last).to_have_text("ds_final.csv")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert file_line.bounding_box()["height"] == (36 if width == 1280 else 44)
        expect_in_view(page, "#data-summary b .em-middle > span:last-child")
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    expect(page.locator("#tokens .em-token").first).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_file_details_are_collapsed(visit: Open) -> None:
    page = visit().page
    content = b"text;mood\n" + "".join(f"{text} café;{mood}\n" for text, mood in small_rows(60)).encode("cp1252")
    upload(page, {"name": "old.csv", "mimeType": "text/csv", "buffer": content}, rows="60")
    separator = page.locator("#file-details").get_by_text("semicolon")
    expect(separator).to_be_hidden()
    page.locator("#file-details").get_by_text("File details").click()
    expect(separator).to_be_visible()
    expect(page.locator("#file-details")).to_contain_text("(a guess)")


def test_a_given_test_file_is_used_and_can_be_removed(visit: Open) -> None:
    page = visit().page
    upload(page, table("learn.csv", small_rows(120)), rows="120")
    counts = page.locator("#split-counts")
    expect(counts).to_contain_text("84 training · 12 validation · 24 test")
    test_file_input = page.locator("input[data-testid='+ Test file-upload-button']")
    test_file_input.set_input_files(PICTURE)
    expect(page.locator("#data-notice [role=alert]")).to_contain_text("picture.png")
    expect(counts).to_contain_text("24 test")
    test_file_input.set_input_files(table("later.csv", small_rows(40, seed=9)))
    expect(page.locator("#data-summary .em-given-test")).to_contain_text("later.csv")
    expect(counts).to_contain_text("40 test from later.csv")
    expect(page.locator("#data-notice [role=alert]")).to_have_count(0)
    expect(page.locator("#footer-data")).to_contain_text("40 test rows kept aside")

    page.locator("#splitting").get_by_text("How the rows are split").click()
    page.locator("input[data-testid='+ Validation file-upload-button']").set_input_files(table("watch.csv", small_rows(30, seed=11)))
    expect(counts).to_contain_text("30 validation from watch.csv")
    page.get_by_role("button", name="Remove the test file").click()
    expect(page.locator("#data-summary .em-given-test")).to_have_count(0)
    expect(counts).not_to_contain_text("later.csv")


def test_the_column_choice_is_collapsed_unless_the_guess_is_unsure(visit: Open) -> None:
    page = visit().page
    rows = [(text, mood, ("good", "bad")[n % 2]) for n, (text, mood) in enumerate(small_rows(90))]
    upload(page, table("two labels.csv", rows, ("text", "emotion", "sentiment")), rows="90")
    expect(page.locator("#label-column")).to_be_visible()
    page.get_by_role("button", name="The label is “sentiment”").click()
    expect(page.locator("#readiness .em-chosen-columns")).to_contain_text("label = “sentiment”")
    expect(page.locator("#classes li")).to_have_count(2)

    upload(page, table("sure.csv", small_rows(60)), rows="60")
    expect(page.locator("#readiness .em-chosen-columns")).to_contain_text("text = “text”, label = “mood”")
    expect(page.locator("#label-column")).to_be_hidden()
    page.locator("#readiness").get_by_text("change").click()
    expect(page.locator("#label-column")).to_be_visible()


def test_two_text_columns_can_be_joined(visit: Open) -> None:
    rows = [(f"title {n}", text, mood) for n, (text, mood) in enumerate(small_rows(90))]
    page = visit().page
    upload(page, table("two.csv", rows, ("headline", "body", "mood")), rows="90")
    page.locator("#readiness").get_by_text("change").click()
    page.locator("#more-text-column input").click()
    page.get_by_role("option", name="headline").click()
    expect(page.locator("#readiness .em-chosen-columns")).to_contain_text("text = “body” + “headline”")
    expect(page.locator("#more-text-column input")).to_have_value("headline")
    page.locator("#lengths").get_by_text("Text lengths in words and tokens").click()
    page.wait_for_function("() => document.querySelectorAll('#lengths-chart .js-plotly-plot').length > 0")


# A workbook, a zip

SHEET = "<img src=x onerror=window.__pwned=1>"


def packed(name: str, content: bytes) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def csv_of(rows: Sequence[Sequence[str]], header: str = "text,mood") -> bytes:
    return "\n".join([header, *map(",".join, rows)]).encode()


def choose_part(page: Page, name: str) -> None:
    page.locator("#part-main").focus()
    page.locator("#part-main").select_option(name)
    expect(page.locator("#parts")).to_contain_text(f"as you chose, “{name}”")


def test_a_sheet_is_chosen_survives_a_restart_and_is_trained_on(visit: Open, fresh_server: Server) -> None:
    staff = [(text, {"joy": "pay", "sadness": "team", "anger": "hours"}[mood]) for text, mood in small_rows(120, seed=3)]
    sheets = {"Read me": [["what each sheet is for"]] * 4, "answers": [["text", "mood"], *map(list, small_rows(150))]}
    book = make_workbook(sheets | {SHEET: [["remark", "topic"], *map(list, staff)]})
    visited = visit(fresh_server)
    page = visited.page
    upload(page, packed("survey.xlsx", book), rows="150")
    expect(page.locator("#parts")).to_contain_text("This workbook has 3 sheets: Emotune reads “answers”, 150 rows.")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        expect_in_view(page, "#part-main")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    choose_part(page, SHEET)
    expect(page.locator("#readiness .em-chosen-columns")).to_contain_text("text = “remark”, label = “topic”")
    expect(page.locator("#part-main")).to_be_focused()

    visited.errors_allowed = True
    page.close()
    fresh_server.end()
    fresh_server.start()
    page = visit(fresh_server).page
    expect(page.locator("#parts")).to_contain_text(f"as you chose, “{SHEET}”, 120 rows.")
    expect(page.locator("#part-main")).to_have_value(SHEET)
    start_training(page, seed="3", epochs="1")
    wait_until_trained(page)
    expect(page.locator("#run-details")).to_contain_text(f"survey.xlsx › {SHEET}")
    tab(page, "Data")
    page.locator("#part-main").select_option("")
    expect(page.locator("#parts")).to_contain_text("Emotune reads “answers”, 150 rows.")
    expect(page.locator("#part-main")).to_have_value("answers")
    assert page.evaluate("window.__pwned") is None
    page.close()  # before its server ends


def test_a_refused_choice_leaves_the_list_as_it_was(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    upload(page, packed("two.zip", make_zip({"a.csv": csv_of(small_rows(60)), "b.csv": b"%PDF-1.7 and nothing else"})), rows="60")
    page.locator("#part-main").select_option("b.csv")
    expect(page.locator("#data-notice [role=alert]")).to_contain_text("PDF")
    expect(page.locator("#part-main")).to_have_value("a.csv")


def test_a_zip_of_two_files_and_a_folder_for_each_class_are_trained_on(visit: Open, fresh_server: Server) -> None:
    page = visit(fresh_server).page
    later = csv_of(small_rows(90, seed=4), header="remark,feeling")
    upload(page, packed("two.zip", make_zip({"a/first.csv": csv_of(small_rows(120)), "b/later.csv": later})), rows="120")
    choose_part(page, "b/later.csv")
    expect(page.locator("#data-summary")).to_contain_text("90 rows")
    start_training(page, seed="4", epochs="1")
    wait_until_trained(page)
    tab(page, "Data")
    folders = make_zip({f"moods/{mood}/{n}.txt": text for n, (text, mood) in enumerate(small_rows(90, seed=5))})
    upload(page, packed("folders.zip", folders), rows="90")
    expect(page.locator("#parts")).to_have_text("")
    expect(page.locator("#readiness .em-chosen-columns")).to_contain_text("text = “text”, label = “label”")
    start_training(page, seed="5", epochs="1")
    wait_until_trained(page)
    assert len(fresh_server.runs()) == 2
    page.close()  # before its server ends


# Repairs


@both_sizes
def test_the_repair_is_the_button(visit: Open, width: int, height: int) -> None:
    page = visit(width=width, height=height).page
    rows = [*small_rows(120), *((f"{text} again", mood.upper()) for text, mood in small_rows(3, seed=5))]
    upload(page, table("spelt.csv", rows), rows="123")
    expect(title(page)).to_have_text("Fix one thing before training")
    expect(page.locator("#footer-data .em-footer-message")).to_contain_text("spelt in several ways")
    expect(page.locator("#to-train")).to_have_count(0)
    expect_in_view(page, "#readiness h2", "#findings .em-error", "#repair")
    tab(page, "Train")
    expect(page.locator("#footer-start .em-footer-message")).to_contain_text("spelt in several ways")
    tab(page, "Data")
    page.get_by_role("button", name="Merge the spellings").last.click()
    expect(title(page)).to_have_text("Ready to train")
    expect_in_view(page, "#to-train")
    # The button is gone; the focus is on the heading.
    page.wait_for_function("() => document.activeElement?.closest('#readiness h2, #footer-data') !== null")


def test_a_messy_file_becomes_trainable_by_clicks_alone(visit: Open, server: Server, tmp_path: Path) -> None:
    visited = visit()
    page = visited.page
    # Once the hardware is known, the findings come anew: not in the middle of the repairs.
    expect(page.locator("#hardware-badge .em-badge").filter(has_not_text="warming up")).to_be_attached()
    close_any_file(page)
    page.locator("#open-messy").click()
    expect(page.locator("#data-summary")).to_contain_text("messy_emotions.csv")
    fix = page.locator("#findings .em-error")
    expect(fix).to_have_count(2)
    wait_for_encoder_findings(page)
    expect(page.locator(VISIBLE_FINDINGS)).to_have_count(4)
    expect(page.locator("#findings .em-check").nth(11)).to_be_attached()
    expect(page.locator("#to-train")).to_have_count(0)

    # The rows of a finding, then its repair, one finding at a time.
    spelt = finding(page, "from another only in how they are written")
    spelt.get_by_text("Show rows").click()
    expect(spelt.locator("tbody tr").first).to_be_visible()
    spelt.get_by_role("button", name="Merge the spellings").click()
    expect(fix).to_have_count(1)
    expect(page.locator("#findings").get_by_text("1 repair made")).to_be_visible()
    expect(page.locator("#findings .em-check p").filter(has_text="Repaired.")).to_have_count(1)
    expect(title(page)).to_be_focused()
    # Later they would be those from before the next repair, and close what is open.
    wait_for_encoder_findings(page)
    finding(page, "name several labels in one cell").get_by_role("button", name="Leave these rows out").click()
    expect(fix).to_have_count(0)
    expect(page.locator("#to-train")).to_be_enabled()
    wait_for_encoder_findings(page)

    # A repair can be undone, and survives a reload.
    page.locator("#findings").get_by_text("2 repairs made").click()
    finding(page, "the cell has several labels").get_by_role("button", name="Undo").click()
    expect(fix).to_have_count(1)
    expect(page.locator("#to-train")).to_have_count(0)
    visited.reload()
    expect(fix).to_have_count(1)
    expect(page.locator("#findings").get_by_text("1 repair made")).to_be_visible()
    page.get_by_role("button", name="Repair all").click()
    expect(fix).to_have_count(0)
    expect(page.locator("#findings [data-action=undo]")).to_have_count(8)
    expect(page.locator("#findings [data-action=repair]")).to_have_count(0)

    page.locator("#file-details").get_by_text("File details").click()
    with page.expect_download() as download:
        page.locator("#repaired a").first.click()
    download.value.save_as(tmp_path / "repaired.csv")
    assert download.value.suggested_filename == "messy_emotions repaired.csv"
    with open(tmp_path / "repaired.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Emotion"] for row in rows} == {"anger", "fear", "joy", "love", "sadness", "surprise"}

    start_training(page, seed="11", epochs="1")
    wait_until_trained(page)


@pytest.mark.parametrize("sample", ["#open-sample", "#open-messy"])
def test_on_a_phone_a_file_takes_three_screens(visit: Open, sample: str) -> None:
    page = visit(width=390, height=844).page
    close_any_file(page)
    page.locator(sample).click()
    expect(title(page)).to_be_visible()
    wait_for_encoder_findings(page)
    assert page.evaluate("document.documentElement.scrollHeight") <= 3 * 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390


# Collapsed sections


def test_advice_on_the_encoder_follows_the_settings(visit: Open) -> None:
    rows = [(f"{text} {'and so on ' * (12 if n % 2 else 1)}", label) for n, (text, label) in enumerate(small_rows(120))]
    page = visit().page
    upload(page, table("long.csv", rows), rows="120")
    assert page.locator("#data-tab .js-plotly-plot").count() == 0
    page.locator("#lengths").get_by_text("Text lengths in words and tokens").click()
    expect(page.locator("#token-lengths-chart .annotation-text")).to_be_visible()
    choose_settings(page, max_length="16")
    setting(page, "max_length").blur()
    tab(page, "Data")
    expect(page.locator("#findings .em-check").first).to_contain_text("longer than 16 tokens")
    expect(page.locator("#findings")).to_contain_text("on this machine")
    expect(page.locator("#token-lengths-chart .annotation-text")).to_contain_text("cut at 16 tokens")
    page.locator("#findings [data-action=set]").click()
    expect(page.locator("#findings")).to_contain_text("All training texts fit")
    expect(page.locator("#token-lengths-chart .annotation-text")).to_contain_text("all fit")
    tab(page, "Train")
    expect(setting(page, "max_length")).to_have_value("64")


def test_numeric_labels_get_names_that_appear_everywhere(visit: Open) -> None:
    numbers = {"joy": "0", "sadness": "1", "anger": "2"}
    visited = visit()
    page = visited.page
    upload(page, table("numbers.csv", [(text, numbers[mood]) for text, mood in small_rows(120)]), rows="120")
    expect(page.locator("#class-names")).to_be_visible()
    class_names = ("delight", "<i>gloom</i>", "fury")
    for row, name in enumerate(class_names):
        cell = page.locator(f'#class-names [data-testid="cell-{row}-1"]')
        cell.click()
        cell.press("Enter")
        editor = cell.locator("textarea, input")
        editor.fill(name)
        editor.press("Enter")
        expect(cell).to_contain_text(name)
    page.locator("#use-names").click()
    for name in class_names:
        expect(page.locator("#classes")).to_contain_text(name)
    page.locator("#lengths").get_by_text("Text lengths in words and tokens").click()
    page.wait_for_function(f"() => {list(class_names)}.every(name => ({NAMES})('lengths-chart').includes(name))")
    # Saved with the file: a reload shows the same.
    visited.reload()
    expect(page.locator("#classes")).to_contain_text("fury")
    page.locator("#pasted-names textarea").fill("glee\ngrief\nrage\n")
    page.locator("#use-names").click()
    for name in ("glee", "grief", "rage"):
        expect(page.locator("#classes")).to_contain_text(name)
    expect(page.locator("#pasted-names textarea")).to_have_value("")


def test_how_the_encoder_reads_a_row(visit: Open) -> None:
    page = visit().page
    close_any_file(page)
    page.locator("#open-sample").click()
    expect(page.locator("#data-summary")).to_contain_text("6 classes")
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


def test_another_split_is_shown_at_once_and_a_wrong_one_refused(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    page.locator("#splitting").get_by_text("How the rows are split").click()
    line, counts = page.locator("#split-line"), page.locator("#split-counts")
    page.locator("#split").get_by_text("70 / 10 / 20").click()
    expect(line).to_contain_text("48 test rows")
    page.locator("#split").get_by_text("70 / 15 / 15").click()
    expect(line).to_contain_text("36 test rows")
    expect(counts).to_contain_text("36 test")
    expect(page.locator("#footer-data")).to_contain_text("36 test rows")
    page.locator("#split").get_by_text("Custom").click()
    page.locator("#test-share input").fill("90")
    page.locator("#test-share input").press("Tab")
    expect(line.locator("[role=alert]")).to_contain_text("Test share must be")
    expect(page.locator("#footer-data .em-wrong")).to_contain_text("Test share must be")
    expect(page.locator("#to-train")).to_have_count(0)
    tab(page, "Train")
    expect(page.locator("#footer-start .em-wrong")).to_contain_text("Test share must be")
    expect(page.locator("#start")).to_be_disabled()
    tab(page, "Data")
    page.locator("#split").get_by_text("70 / 10 / 20").click()
    expect(line).to_contain_text("48 test rows")
    tab(page, "Train")
    expect(page.locator("#start")).to_be_enabled()
    # What a level does depends on the rows that it learns from.
    explanation = page.locator("#level-explanation")
    expect(explanation).to_contain_text("Reads the 168 training rows")
    tab(page, "Data")
    page.locator("#split").get_by_text("Custom").click()
    page.locator("#test-share input").fill("10")
    page.locator("#test-share input").press("Tab")
    expect(line).to_contain_text("24 test rows")
    tab(page, "Train")
    expect(explanation).to_contain_text("Reads the 192 training rows")


# Text from a file is never run as code


def test_a_malicious_file(visit: Open) -> None:
    labels = {
        "joy": EVIL,
        "sadness": "</script><script>window.__pwned=2</script>",
        "anger": "${window.__pwned=3}{{constructor.constructor('window.__pwned=4')()}}",
    }
    rows = [(f"{text} {EVIL} ${{window.__pwned=5}}", labels[mood], EVIL) for text, mood in small_rows(120)]
    visited = visit()
    page = visited.page
    upload(page, table(f"{EVIL}.csv", rows, ("text", "label", EVIL)), rows="120")
    expect(page.locator("#preview td").first).to_contain_text("<img src=x")
    expect(page.locator("#classes")).to_contain_text("</script>")
    page.locator("#reading").get_by_text("How the encoder reads a row").click()
    expect(page.locator("#tokens .em-token").nth(3)).to_be_visible()
    expect(page.locator("#tokens")).to_contain_text("<img src=x")
    tab(page, "Train")
    expect(page.locator("#train-source")).to_contain_text("img src=x")
    assert page.locator("img[src=x]").count() == 0
    tab(page, "Data")
    upload(page, PICTURE)
    # Gradio removes the brackets from a file name.
    expect(page.locator("#data-notice")).to_contain_text("Still open: img src=x")
    visited.reload()
    expect(page.locator("#drafts li").first).to_contain_text("img src=x")
    for name in ("Data", "Train", "Runs"):
        tab(page, name)
        assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.__pwned") is None
