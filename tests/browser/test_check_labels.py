"""Check labels: find, decide by keyboard alone, reload, restart, take away, train again and compare."""

import csv
import io
import json
import random
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.example_runs import make_run_of_file
from tests.browser.steps import setting, tab, upload
from tests.browser.test_accessibility import stop_motion, violations_by_view
from tests.conftest import MOODS, small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.training.encoders import Encoder

Open = Callable[..., Visit]
MARKED_AFTER_NEWS = """([name, saved]) => {
    const field = document.querySelector(`[aria-label="${name}"]`);
    field.focus();
    field.select();
    document.dispatchEvent(new CustomEvent("emotune:labels-saved", { detail: saved }));
    const { activeElement } = document;
    return [activeElement.selectionStart, activeElement.selectionEnd, activeElement === field];
}"""


@pytest.fixture(scope="module")
def wrong_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of which every tenth has the label of another class."""
    names, rows = sorted(MOODS), small_rows()
    wrong = [(text, names[(names.index(label) + 1) % len(names)] if n % 10 == 0 else label) for n, (text, label) in enumerate(rows)]
    return write_rows(tmp_path_factory.mktemp("wrong") / "wrong moods.csv", wrong)


@pytest.fixture(scope="module")
def translated_csv(wrong_csv: Path) -> Path:
    """The same rows with the labels in German too, but for a label that no row translates."""
    german = dict(zip(sorted(MOODS), ("Wut", "Freude", ""), strict=True))
    with open(wrong_csv, encoding="utf-8", newline="") as file:
        rows = [(text, label, german[label]) for text, label in list(csv.reader(file))[1:]]
    return write_rows(wrong_csv.with_name("translated.csv"), rows, ("text", "mood", "german"))


def check_labels(page: Page, path: Path) -> None:
    """Open a file and check its labels."""
    upload(page, path, rows="240")
    tab(page, "Check labels")
    page.locator("#check-labels").click()
    expect(page.locator(".em-label-row").first).to_be_visible()


def wait_until_saved(page: Page, decided: int) -> None:
    expect(page.locator(".em-decided-as")).to_have_count(decided)
    expect(page.locator(".em-saving")).to_have_count(0)


def decisions(page: Page) -> list[tuple[str, str]]:
    """The text and the decision of each decided row."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.em-label-row.em-decided')].map((row) => "
        "[row.querySelector('.em-label-text div').textContent, row.querySelector('.em-decided-as bdi').textContent])"
    )


def test_check_decide_by_keyboard_reload_restart_take_away_train_again_and_compare(
    visit: Open, fresh_server: Server, wrong_csv: Path
) -> None:
    opened = visit(fresh_server)
    page = opened.page
    tab(page, "Check labels")
    expect(page.locator("#labels-status h2")).to_have_text("Which labels look wrong?")
    check_labels(page, wrong_csv)
    expect(page.locator(".em-labels h2")).to_have_text(re.compile(r"About \d+ % of the labels look wrong"))

    # Ten rows by keyboard alone.
    for key in ("Enter", "Enter", "Enter", "k", "d", "2", "Enter", "k", "Enter"):
        page.keyboard.press(key)
    other = page.evaluate("() => document.querySelector('.em-current .em-label-given bdi').textContent")
    name = next(name for name in sorted(MOODS) if name != other)
    page.keyboard.press("r")
    page.keyboard.type(name[:3])
    page.keyboard.press("Enter")
    wait_until_saved(page, 10)
    page.keyboard.press("u")
    wait_until_saved(page, 9)
    page.keyboard.press("Enter")
    wait_until_saved(page, 10)
    decided = decisions(page)
    expect(page.locator(".em-label-progress")).to_have_text(re.compile("^10 of "))
    expect(page.locator("#footer-labels")).to_contain_text("1 row dropped. Test rows untouched.")

    opened.reload()
    tab(page, "Check labels")
    wait_until_saved(page, 10)
    assert decisions(page) == decided

    # The server dies in the middle: what is decided meanwhile is saved once it is back.
    opened.errors_allowed = True
    fresh_server.end(signal.SIGKILL)
    page.locator(".em-label-row:not(.em-decided)").first.click()
    page.keyboard.press("k")
    expect(page.locator(".em-saving")).to_have_count(1)
    # Once the server is back, gradio loads an open page anew, at any moment.
    page.goto("about:blank")
    fresh_server.start()
    page.goto(opened.address)
    expect(page.locator("html[data-opened]")).to_be_attached()
    opened.errors_allowed = False
    tab(page, "Check labels")
    wait_until_saved(page, 11)

    expect_corrected_file(page, wrong_csv, dict(decisions(page)))
    page.locator("#train-again-and-compare").click()
    expect(page.locator(".em-proof h3")).to_have_text(re.compile("^(Better by|Worse by|No difference)"))
    page.locator(".em-proof").get_by_role("button", name="Compare in detail").click()
    expect(page.locator("#comparison h3").first).to_contain_text("2 runs of wrong moods.csv compared")


def expect_corrected_file(page: Page, source: Path, decided: dict[str, str]) -> None:
    """The corrected file differs from the source in just the decided cells and dropped rows."""
    expect(page.get_by_role("link", name="the list of changes (CSV)")).to_be_visible()
    links = page.locator(".em-take-away a").evaluate_all(
        "links => Object.fromEntries(links.map((link) => [link.innerText, link.getAttribute('href')]))"
    )
    address = page.url.rstrip("/")
    corrected = page.request.get(f"{address}/{links['the corrected file']}").body()
    lines = source.read_bytes().split(b"\r\n")
    dropped = [text for text, label in decided.items() if label == "dropped"]
    assert len(corrected.split(b"\r\n")) == len(lines) - len(dropped)
    expected = []
    for line in lines:
        text, _, given = line.decode().rpartition(",")
        label = decided.get(text, "kept")
        if label != "dropped":
            expected.append(line if label == "kept" else f"{text},{label}".encode())
        assert given or not line
    assert corrected.split(b"\r\n") == expected
    changes = list(csv.DictReader(io.StringIO(page.request.get(f"{address}/{links['the list of changes (CSV)']}").text())))
    assert {row["text"] for row in changes} == set(decided)


def test_axe_finds_nothing_and_the_dialogs_work_by_keyboard(visit: Open, server: Server, translated_csv: Path) -> None:
    page = visit(server).page
    stop_motion(page)
    problems: dict[str, list[str]] = {}

    def check(state: str) -> None:
        problems.update(violations_by_view(page, state))

    tab(page, "Check labels")
    check("no file")
    tab(page, "Data")
    check_labels(page, translated_csv)
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    page.keyboard.press("k")
    wait_until_saved(page, 3)
    page.keyboard.press(" ")
    expect(page.locator(".em-bulk strong")).to_have_text("1 ticked")
    check("decided")
    page.keyboard.press("r")
    expect(page.locator(".em-picker-input")).to_be_focused()
    check("choosing a label")
    page.keyboard.press("Escape")
    expect(page.locator(".em-current")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    check("keys")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    # A class gets a name and a meaning, and another one joins it.
    page.get_by_role("button", name="say what the labels mean").click()
    first, second = sorted(MOODS)[:2]
    page.get_by_label("Take what they mean from the file:").select_option(label="german")
    for name, words in ((first, "Wut"), (second, "Freude"), (sorted(MOODS)[2], "")):
        expect(page.get_by_label(f"What {name} means")).to_have_value(words)
    page.get_by_label(f"What {first} means").fill("a <b>clear</b> case")
    page.keyboard.press("Enter")
    # News from another window draws the fields again, and typing still replaces what is marked.
    draft = page.locator("#data-summary [data-draft]").get_attribute("data-draft")
    marked = page.evaluate(MARKED_AFTER_NEWS, [f"Name of {second}", json.dumps({"number": 0, "draft": draft})])
    assert marked == [0, len(second), False]
    page.get_by_label(f"Name of {second}", exact=True).fill(first)
    page.keyboard.press("Enter")
    expect(page.get_by_label(f"Name of {second}", exact=True)).to_have_count(0)
    check("meanings")
    page.get_by_role("button", name=f"undo: {second} is its own label").click()
    expect(page.get_by_label(f"Name of {second}", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    assert {state: nodes for state, nodes in problems.items() if nodes} == {}


def test_two_windows_do_not_overwrite_each_other(visit: Open, server: Server, wrong_csv: Path) -> None:
    page = visit(server).page
    check_labels(page, wrong_csv)
    other = visit(server).page
    tab(other, "Check labels")
    expect(other.locator(".em-label-row").first).to_be_visible()
    page.keyboard.press("k")
    wait_until_saved(page, 1)
    # The other window learns of it, and decides on another row.
    wait_until_saved(other, 1)
    other.locator(".em-label-row").nth(3).click()
    other.keyboard.press("d")
    for window in (page, other):
        wait_until_saved(window, 2)
    assert decisions(page) == decisions(other)


def test_what_is_ticked_is_decided_at_once(visit: Open, server: Server, wrong_csv: Path) -> None:
    page = visit(server).page
    check_labels(page, wrong_csv)
    rows = page.locator(".em-label-row").count()
    page.get_by_label("Tick all rows that are listed").check()
    page.get_by_role("button", name="Take the suggestions").click()
    wait_until_saved(page, rows)
    suggested = page.locator(".em-label-suggested bdi").all_inner_texts()
    assert page.locator(".em-decided-as bdi").all_inner_texts() == suggested
    expect(page.locator("#footer-labels")).to_contain_text(f"{rows} labels changed. Test rows untouched.")
    page.get_by_label("Decided or not").select_option("undecided")
    expect(page.locator(".em-no-rows")).to_be_visible()


WORDS = {"joy": 40, "anger": 40, "awe": 700, "love": 700}
"""How many words a mood has. Many rows are needed to tell awe from love."""


def rows_worth_suggestions() -> list[tuple[str, str]]:
    """Texts of four moods; of every fourth one of joy and anger the label is that of the other, and every fifth one is long."""
    source, rows, other = random.Random(3), [], {"joy": "anger", "anger": "joy"}
    for n in range(1_200):
        mood = source.choice(sorted(WORDS))
        words = " ".join(f"{mood}{source.randrange(WORDS[mood])}" for _ in range(3))
        rows.append((f"{'very ' * 30 if n % 5 == 0 else ''}{words} {n}", other.get(mood, mood) if n % 4 == 1 else mood))
    return rows


def say_mood(row: int, text: str, label: str) -> tuple[str, float]:
    """What a model says that knows joy from anger, takes some love for awe, and does not read long texts to their end."""
    if len(text) > 100 and row % 3:
        return ("awe" if label in ("joy", "anger") else "joy"), 0.5
    if label in ("awe", "love"):
        return ("awe" if row % 5 == 0 else label), 0.6
    return ("anger" if "anger" in text else "joy"), 0.95


def test_each_suggestion_leads_where_it_says(
    visit: Open, fresh_server: Server, tiny_encoder: Encoder, reader: FileReader, tmp_path: Path
) -> None:
    recipe = Recipe(encoder=tiny_encoder.name, epochs=1, max_length=16)
    path = write_rows(tmp_path / "four moods.csv", rows_worth_suggestions())
    view = make_run_of_file(fresh_server.folder / "runs", path, recipe, reader, say_mood)
    fresh_server.close_file()
    page = visit(fresh_server).page

    def press(title: str) -> None:
        tab(page, "Results")
        page.locator("#model-picker select").select_option(view.id)
        page.locator("#suggestions").get_by_role("button", name=title).click()

    def expect_tab(name: str) -> None:
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")

    tab(page, "Results")
    page.locator("#model-picker select").select_option(view.id)
    expect(page.locator("#suggestions li")).to_have_count(3)
    press("Train with that length")
    expect_tab("Train")
    page.locator("#settings").get_by_text("More settings", exact=True).click()
    expect(setting(page, "max_length")).to_have_value("48")
    expect(page.locator("#level-explanation")).to_contain_text(", with 48 tokens of each text.")
    press("Open its file")
    expect_tab("Data")
    expect(page.locator("#data-summary [data-draft]")).to_contain_text("1,200 rows")
    press("Check these labels")
    expect_tab("Check labels")
    page.locator("#check-labels").click()
    pair = page.get_by_label("Which pair of labels")
    expect(pair.locator("option:checked")).to_have_text(re.compile(r"^(joy given as anger|anger given as joy) \(\d+\)$"))
    shown = page.locator(".em-label-row").count()
    assert {*page.locator(".em-label-given bdi, .em-label-suggested bdi").all_inner_texts()} == {"joy", "anger"}
    pair.select_option("")
    assert page.locator(".em-label-row").count() > shown
