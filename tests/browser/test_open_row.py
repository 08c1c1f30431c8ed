"""From a cell to its rows, to the words that mattered, to a corrected label; and from a text that is typed to a row of the next training."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import tab
from tests.browser.test_results_and_try import select_model, train_run
from trainer.data.reader.file_reader import FileReader
from trainer.runs.view import RunView
from trainer.training.encoders import Encoder
from trainer.ui import try_tab

Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def moods_run(server: Server, tiny_encoder: Encoder, reader: FileReader, moods_csv: Path) -> RunView:
    return train_run(server, tiny_encoder, reader, moods_csv)


def open_validation_cell(page: Page) -> None:
    """By keyboard: the rows of the cell of the matrix that the arrow keys begin with, or of one that has rows."""
    # The test rows come when the model is chosen, and would replace others.
    expect(page.locator("#found-rows")).to_contain_text("test rows")
    page.locator("#rows-split").get_by_text("Validation rows").click()
    expect(page.locator("#found-rows")).to_contain_text("validation rows")
    # With the matrix, by another response than the rows.
    expect(page.locator("#confusions")).to_contain_text("validation rows")
    # Until it is drawn, the matrix is no stop of the Tab key.
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    page.locator("#confusion-chart [data-action=csv]").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#confusion-chart .chart")).to_be_focused()
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#found-rows h3")).to_contain_text("and the model said so")
    # It gets the focus once it is there; keys before that would go elsewhere.
    expect(page.locator("#found-rows h3")).to_be_focused()


def asks_for_prediction(*, each_line: bool) -> Callable[[Request], bool]:
    """Whether a request asks for the prediction of what is in the text box, with each line as a text of its own or not."""

    def asks(request: Request) -> bool:
        data = request.post_data_json["data"] if "queue/join" in request.url else []
        return len(data) == 4 and data[2] is each_line

    return asks


def test_from_a_cell_to_its_rows_to_the_words_to_a_corrected_label_by_keyboard(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run)
    open_validation_cell(page)
    rows, detail = page.locator("#found-rows tr[data-row]"), page.locator(".em-row-detail")
    label = rows.first.locator(".em-class").first.inner_text()
    expect(detail).to_have_count(0)
    page.keyboard.press("Tab")  # from the heading to the table, which scrolls
    page.keyboard.press("Tab")
    expect(rows.first.locator(".em-row-open")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1).locator(".em-row-open")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(detail).to_contain_text(f"Which words speak for {label}?")
    expect(rows.first.locator(".em-row-open")).to_have_attribute("aria-expanded", "true")
    expect(rows.first.locator(".em-row-open")).to_be_focused()
    # The three nearest training rows come by themselves. Until then all of the detail is drawn again each second.
    expect(detail.locator(".em-similar li")).to_have_count(3)
    marked = detail.locator(".em-words :is(.em-for, .em-against)")
    expect(marked.first).to_be_visible()
    lines = set(marked.evaluate_all("marks => marks.map(mark => getComputedStyle(mark).textDecorationStyle)"))
    assert lines <= {"solid", "dashed"}
    assert " ".join(detail.locator(".em-words").inner_text().split()) == " ".join(rows.first.locator(".em-row-text").inner_text().split())
    # Why not another class?
    other = detail.locator(".em-why").nth(1)
    name = other.locator(".em-name").inner_text()
    other.focus()
    page.keyboard.press("Enter")
    expect(detail).to_contain_text(f"Which words speak for {name}?")
    expect(other).to_be_focused()
    expect(other).to_have_attribute("aria-pressed", "true")
    # Its label is corrected, taken back, and corrected again.
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    for taken_back in (True, False):
        labels = detail.locator("select[data-action=relabel]")
        if taken_back:
            # The arrow keys pass over other labels on their way: none of them counts before Enter.
            labels.focus()
            for _ in range(labels.locator("option").count() - 1):
                page.keyboard.press("ArrowDown")
                # Timers of the page that are due before this one, such as that of a choice, come before it.
                page.evaluate("() => new Promise(done => setTimeout(done, 500))")
                assert not [body for body in sent if "relabel" in body]
                expect(labels).to_be_visible()
                if labels.evaluate("list => list.selectedOptions[0].textContent") == name:
                    break
            page.keyboard.press("Enter")
        else:
            labels.select_option(label=name)
        expect(detail).to_contain_text(f"✓ Decided: its label should be {name}.")
        expect(detail).to_contain_text(f"Which words speak for {name}?")
        if taken_back:
            detail.get_by_role("button", name="Take it back").click()
            expect(detail.locator("select[data-action=relabel]")).to_be_visible()
    text = rows.first.locator(".em-row-text").inner_text()
    detail.get_by_role("button", name="Try a variation").click()
    expect(page.locator("#try-text textarea")).to_have_value(text)
    tab(page, "Results")
    detail.get_by_role("button", name="See all decisions").click()
    expect(page.locator("#tabs [role=tab][aria-selected=true]").first).to_contain_text("Check labels")
    # A press on the row closes it.
    tab(page, "Results")
    rows.first.locator(".em-row-text").click()
    expect(detail).to_have_count(0)
    # On test rows one can only look.
    page.locator("#rows-split").get_by_text("Test rows").click()
    expect(page.locator("#found-rows")).to_contain_text("Test rows, ")
    page.locator("#found-rows tr[data-row]").first.click()
    expect(detail).to_contain_text("A test row: only to look at here.")
    expect(detail.locator("select[data-action=relabel]")).to_have_count(0)


def test_from_a_typed_text_to_its_words_to_a_row_of_the_next_training(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run, "Try it")
    box, card = page.locator("#try-text textarea"), page.locator("#prediction")
    box.fill("happy laugh and dance today")
    expect(card.locator(".em-words .em-for").first).to_be_visible()
    expect(card).to_contain_text("Most for it:")
    box.fill("so unfair that they shout at a silly umbrella")
    said = card.locator(".em-why .em-name").first
    expect(card.locator(".em-words .em-for").first).to_be_visible()
    expect(page.locator("#tried .em-row-to-try")).to_have_count(2)
    other = card.locator(".em-why").nth(2)
    name = other.locator(".em-name").inner_text()
    other.click()
    expect(card.locator(".em-words-key strong")).to_have_text(name)
    assert said.inner_text() != name
    card.locator("select[data-action=correct]").select_option(label=name)
    expect(card).to_contain_text(f"Kept as {name}: the next training on this file learns it too.")
    expect(page.locator(".em-new-texts li")).to_have_count(1)
    visit_again = visit().page
    tab(visit_again, "Try it")
    expect(visit_again.locator(".em-new-texts li")).to_contain_text("silly umbrella")
    page.locator("#new-texts").get_by_role("button", name="Take it back").click()
    expect(page.locator(".em-new-texts li")).to_have_count(0)
    # A row that is kept aside is never learnt.
    page.locator(".em-row-to-try").first.click()
    # With its words: their response would take the list away.
    expect(card.locator("[data-explained]")).to_contain_text("Its label is")
    card.locator("select[data-action=correct]").select_option(index=1)
    expect(card.locator("[role=alert]")).to_contain_text("Not kept. This text is one of the test rows")
    # Several texts, one a line.
    lines = "happy laugh\n\nso unfair and full of rage\nmiss and cry"
    box.fill(lines)
    # The words of all of it as one text would replace those of the lines.
    expect(card.locator(f"[data-text='{try_tab.checksum(lines)}'][data-explained]")).to_be_visible()
    page.locator("#try-lines input").check()
    expect(card.locator(".em-lines tr[data-open]")).to_have_count(3)
    card.locator(".em-row-open").nth(1).focus()
    page.keyboard.press("Enter")
    expect(card.locator(".em-row-detail .em-words :is(.em-for, .em-against)").first).to_be_visible()
    expect(card.locator(".em-row-open").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(card.locator(".em-row-detail")).to_have_count(0)
    # What was tried comes back.
    page.locator("#tried .em-row-to-try").last.click()
    expect(box).to_have_value("happy laugh and dance today")


def test_a_second_answer_for_the_same_text_does_not_take_away_what_became_of_a_correction(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run, "Try it")
    card = page.locator("#prediction")
    # Test rows are never learnt.
    page.locator(".em-row-to-try").first.click()
    # With its words: their response would take the list away.
    expect(card.locator("[data-explained]")).to_contain_text("Its label is")
    card.locator("select[data-action=correct]").select_option(index=1)
    expect(card.locator("[role=alert]")).to_contain_text("Not kept. This text is one of the test rows")
    each_line = page.locator("#try-lines input")
    with page.expect_request(asks_for_prediction(each_line=True)):
        each_line.check()
    # The page asks once more when it has the answer to that, and not before.
    with page.expect_request(asks_for_prediction(each_line=False)):
        each_line.uncheck()
    expect(card.locator("[role=alert]")).to_be_visible()
    expect(card.locator("[data-explained] .em-words")).to_be_visible()


def test_a_group_of_radio_buttons_is_one_stop_of_the_tab_key(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run)
    # They would replace the validation rows.
    expect(page.locator("#found-rows")).to_contain_text("test rows")
    page.locator("#confusion-chart .chart[tabindex]").focus()
    page.keyboard.press("Tab")
    first = page.locator("#matrix-as input").first
    expect(first).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#rows-split input").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#rows-split input").nth(1)).to_be_checked()
    expect(page.locator("#found-rows")).to_contain_text("validation rows")
    page.keyboard.press("Shift+Tab")
    expect(first).to_be_focused()
