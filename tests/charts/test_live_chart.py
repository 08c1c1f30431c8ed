"""The frame that draws figures, in a real browser: what it fetches and when, its buttons, its files, zoom, themes and widths."""

import csv
import io
import json
from pathlib import Path
from urllib.parse import unquote

import gradio as gr
import pytest

from tests.addresses import patient
from tests.charts.examples import EMOTIONS, NASTY, report_of, run
from trainer.charts.classes import text_lengths_chart
from trainer.charts.comparison import accuracy_comparison
from trainer.charts.confusion import confusion_chart
from trainer.charts.curves import accuracy_chart, loss_chart
from trainer.evaluation.curves import ReferenceLine, RunCurves
from trainer.ui.assets import file_url, plotly_file, served_files
from trainer.ui.live_chart import live_chart, to_json

sync_api = pytest.importorskip("playwright.sync_api")

HOST = "http://charts.test"
STYLE = (Path(__file__).parents[2] / "assets" / "styles" / "charts.css").read_text(encoding="utf-8")
HARNESS = """
:root { --body-text-color: #111827; --body-text-color-subdued: #6b7280; --border-color-primary: #d1d5db; --em-accent: #4f46e5; }
.dark { --body-text-color: #f3f4f6; --body-text-color-subdued: #9ca3af; --border-color-primary: #374151; --em-accent: #a5b4fc; }
body { margin: 0; background: white; } body.dark { background: #0a0f1e; }
"""
PLOTLY = f'<meta id="plotly-file" content="{file_url(plotly_file())}">'
START = """([id, template, script, value]) => {
    const element = Object.assign(document.createElement("div"), { id, className: "em-chart", innerHTML: template });
    document.getElementById("page").append(element);
    const watchers = [];
    const props = { value };
    window.charts ??= {};
    window.charts[id] = { set: v => { props.value = v; watchers.forEach(f => f()); }, selected: [], watchers };
    new Function("element", "trigger", "props", "watch", script)(
        element, (name, data) => window.charts[id].selected.push(data), props, (_, f) => watchers.push(f));
}"""

CLEAR = """() => {
    const page = document.getElementById("page");
    page.replaceChildren();
    page.removeAttribute("style");
    document.body.className = "";
    window.charts = {};
}"""


class Charts:
    """A page with charts that emulates gradio: ``element``, ``trigger``, ``props`` and ``watch``."""

    def __init__(self, browser, width=1280, **context):
        self.asked: list[str] = []
        self.page = patient(browser.new_context(viewport={"width": width, "height": 860}, accept_downloads=True, **context).new_page())
        self.page.route(f"{HOST}/**", self._answer)
        self.page.on("pageerror", lambda error: pytest.fail(str(error)))
        self.page.goto(f"{HOST}/")

    def _answer(self, route):
        path = unquote(route.request.url.removeprefix(f"{HOST}/"))
        if not path:
            route.fulfill(
                body=f"<!doctype html><style>{HARNESS}{STYLE}</style>{PLOTLY}<div id=page></div>", content_type="text/html; charset=utf-8"
            )
            return
        self.asked.append(Path(path).name)
        file = path.removeprefix("gradio_api/file=")
        assert file in served_files()
        route.fulfill(path=file, content_type="text/javascript; charset=utf-8")

    def clear(self, width):
        """Remove everything that was added except the loaded scripts."""
        self.page.evaluate(CLEAR)
        self.page.mouse.move(0, 0)
        self.resize(width)

    def resize(self, width, height=860):
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_function("width => innerWidth === width", arg=width)

    def add(self, figure, name="chart", *, title="Accuracy", note="on validation rows", height=300, phone_height=176):
        with gr.Blocks():
            made = live_chart(figure, elem_id=name, height=height, phone_height=phone_height, title=title, note=note)
        self.page.evaluate(START, [name, made.html_template, made.js_on_load, to_json(figure)])
        return self

    def wait_until_drawn(self, name="chart"):
        self.page.wait_for_function("name => document.querySelector(`#${name} .main-svg`)", arg=name)
        return self

    def set(self, figure, name="chart"):
        self.page.evaluate("([name, value]) => window.charts[name].set(value)", [name, to_json(figure)])

    def locator(self, inside, name="chart"):
        return self.page.locator(f"#{name} {inside}")

    def box(self, inside, name="chart"):
        return self.locator(inside, name).first.bounding_box()

    def ranges(self):
        return self.page.evaluate("() => ['xaxis', 'yaxis'].map(a => document.querySelector('#chart .chart').layout[a].range)")

    def zoom(self):
        area = self.box(".nsewdrag")
        self.page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.2 * area["height"])
        self.page.mouse.down()
        self.page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.7 * area["height"], steps=4)
        self.page.mouse.up()
        sync_api.expect(self.locator("[data-action=reset]")).to_be_visible()

    def file(self, button, name="chart"):
        with self.page.expect_download() as download:
            self.locator(f"[data-action={button}]", name).click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    def table(self, name="chart"):
        saved, content = self.file("csv", name)
        assert content.startswith(b"\xef\xbb\xbf")
        assert b"\n" not in content.replace(b"\r\n", b"").replace(b'"line\nbreak"', b"")
        return saved, list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def opened(browser):
    """Pages by width, shared because loading plotly takes longer than most tests."""
    pages = {}
    yield pages
    for one in pages.values():
        one.page.context.close()


@pytest.fixture
def charts(browser, opened):
    """Empty pages; ``fresh`` ones have loaded nothing yet."""
    made = []

    def make(*, width=1280, fresh=False, **options):
        if fresh or options:
            made.append(Charts(browser, width=width, **options))
            return made[-1]
        if width not in opened:
            opened[width] = Charts(browser, width=width)
        opened[width].clear(width)
        return opened[width]

    yield make
    for one in made:
        one.page.context.close()


def test_plotly_is_fetched_once_and_only_when_a_figure_is_shown(charts):
    page = charts(fresh=True)
    page.page.evaluate("document.getElementById('page').style.display = 'none'")
    page.add(loss_chart(run()), "one").add(accuracy_chart(run()), "two").add(None, "three")
    # Each has looked whether it is shown; and what it then asked for came before this request.
    page.page.wait_for_function("['one', 'two', 'three'].every(name => window.charts[name].watchers.length)")
    page.page.evaluate("fetch('/').then(() => {})")
    assert page.asked == ["live_chart.js"]
    page.page.evaluate("document.getElementById('page').style.display = ''")
    page.wait_until_drawn("one").wait_until_drawn("two")
    assert sorted(page.asked) == ["chart.js", "chart_cells.js", "chart_table.js", "live_chart.js", "plotly.min.js"]
    assert page.locator(".main-svg", "three").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1280, 300), (390, 176)])
def test_the_place_of_a_chart_is_kept_from_the_first_moment(charts, width, height):
    page = charts(width=width, fresh=True).add(None)
    assert page.box(".chart")["height"] == height
    whole = page.page.locator("#chart").bounding_box()["height"]
    page.set(accuracy_chart(run()))
    page.wait_until_drawn()
    assert page.box(".main-svg")["height"] == height
    page.zoom()
    assert page.page.locator("#chart").bounding_box()["height"] == whole


def test_heading_and_buttons_stand_outside_the_image(charts):
    page = charts().add(accuracy_chart(run()), title="Right & <wrong> ${x} {{y}}").wait_until_drawn()
    assert page.locator("h3").text_content() == "Right & <wrong> ${x} {{y}} on validation rows"
    image = page.locator("[role=img]")
    assert image.get_attribute("aria-label").startswith("Chart of the accuracy by training step. At step 1,500 of 1,500: validation")
    assert image.locator("button, a, [tabindex]").count() == 0
    for button in page.locator("button").all():
        # The spoken name begins with the word that is seen.
        assert button.get_attribute("aria-label") == f"{button.text_content()}: Right & <wrong> ${{x}} {{{{y}}}}"
        assert button.bounding_box()["height"] == 36
    page.resize(390)
    assert {page.box("[data-action=png]")["height"], page.box("[data-action=csv]")["height"]} == {44}
    assert min(page.box("[data-action=png]")["width"], page.box("[data-action=csv]")["width"]) >= 44


def test_the_figure_may_bring_a_note_of_its_own(charts):
    page = charts().add(accuracy_chart(run()))
    page.wait_until_drawn().set(accuracy_comparison([RunCurves("a", name="one", eval_steps=(5,), eval_accuracy=(0.5,))]))
    sync_api.expect(page.locator("small")).to_have_text("validation accuracy")
    page.set(accuracy_chart(run()))
    sync_api.expect(page.locator("small")).to_have_text("on validation rows")


def test_an_empty_chart_offers_no_files_and_a_chart_without_figure_is_empty(charts):
    page = charts().add(loss_chart(RunCurves("none"))).wait_until_drawn()
    sync_api.expect(page.locator("[data-action=png]")).to_be_disabled()
    page.set(loss_chart(run()))
    sync_api.expect(page.locator("[data-action=csv]")).to_be_enabled()
    page.set(None)
    sync_api.expect(page.locator("[data-action=csv]")).to_be_disabled()
    assert page.locator(".main-svg").count() == 0
    assert page.locator(".chart").get_attribute("role") is None
    assert page.box(".chart")["height"] == 300


def test_a_zoom_and_a_hover_survive_updates_until_they_are_reset(charts):
    page = charts().add(loss_chart(run(100, 4))).wait_until_drawn()
    was = page.ranges()
    reset = page.locator("[data-action=reset]")
    sync_api.expect(reset).to_be_hidden()
    page.zoom()
    zoomed = page.ranges()
    assert zoomed != was
    page.set(loss_chart(run(120, 4)))
    assert [pytest.approx(edges) for edges in zoomed] == page.ranges()
    area = page.box(".nsewdrag")
    page.page.mouse.move(area["x"] + 0.5 * area["width"], area["y"] + 0.5 * area["height"])
    reset.focus()
    page.page.keyboard.press("Enter")
    sync_api.expect(reset).to_be_hidden()
    assert page.ranges()[0] == was[0]
    # Focus never falls to the body.
    assert page.page.evaluate("document.activeElement.dataset.action") == "png"
    page.set(loss_chart(run(130, 4)))
    assert page.ranges()[0] == was[0]
    sync_api.expect(reset).to_be_hidden()


def test_colours_follow_the_theme_and_heights_the_width(charts):
    page = charts().add(accuracy_chart(run(reference_lines=(ReferenceLine("counting words", 0.47),)))).wait_until_drawn()
    ink = "() => document.querySelector('#chart .chart').layout.font.color"
    assert page.page.evaluate(ink) == "rgb(17,24,39)"
    page.page.evaluate("document.body.classList.add('dark')")
    page.page.wait_for_function(f"({ink})() === 'rgb(243,244,246)'")
    page.resize(390)
    # Not layout.height, which plotly deletes for a moment in each resize of its own.
    page.page.wait_for_function("() => document.querySelector('#chart .chart')._fullLayout.height === 176")
    assert not page.page.evaluate("JSON.stringify(document.querySelector('#chart .chart').layout).includes('var(--chart')")
    # It is drawn anew for the width a moment after the window has it.
    page.page.wait_for_function("document.documentElement.scrollWidth === 390")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("steps", [12, 90, 150])
@pytest.mark.parametrize("chart", [loss_chart, accuracy_chart])
def test_no_words_of_a_chart_overlap(charts, width, steps, chart):
    evaluations = steps * 10 // 250
    figure = chart(
        run(steps, evaluations, reference_lines=(ReferenceLine("counting words", 0.47), ReferenceLine("most frequent class", 0.44)))
    )
    page = charts(width=width)
    page.page.evaluate("document.getElementById('page').style.maxWidth = '492px'")  # half of the page, less the padding of a card
    page.add(figure).wait_until_drawn()
    boxes = page.page.evaluate(
        """() => [...document.querySelectorAll('#chart :is(.annotation-text, .xtick text, .ytick text)')]
            .map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])"""
    )
    assert len(boxes) >= 8
    svg = page.box(".main-svg")
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert svg["x"] - 1 <= left
        assert right <= svg["x"] + svg["width"] + 1
        for x0, y0, x1, y1 in boxes[:i]:
            assert min(right, x1) - max(left, x0) < 1 or min(bottom, y1) - max(top, y0) < 3, (i, boxes)


def test_a_press_on_a_cell_names_its_classes(charts):
    page = charts().add(confusion_chart(report_of(EMOTIONS), share_of="")).wait_until_drawn()
    area = page.box(".nsewdrag")
    page.page.mouse.move(area["x"] + area["width"] * 2.5 / 6, area["y"] + area["height"] * 0.5 / 6)
    sync_api.expect(page.locator(".hovertext").first).to_contain_text("true sadness, predicted love")
    page.page.mouse.down()
    page.page.mouse.up()
    page.page.wait_for_function("window.charts.chart.selected.length === 1")
    assert page.page.evaluate("window.charts.chart.selected[0].code") == "0 2"


def test_a_confusion_matrix_fills_its_width_and_shows_more_names_when_zoomed(charts):
    names = [f"balance_not_updated_after_{i}_bank_transfer" for i in range(77)]
    page = charts()
    page.page.evaluate("document.getElementById('page').style.width = '520px'")
    page.add(confusion_chart(report_of(names, 3000), share_of="")).wait_until_drawn()
    assert page.box(".main-svg")["width"] == 520
    shown = page.locator("g.ytick").count()
    assert 10 <= shown < 60
    page.zoom()
    low, high = sorted(page.ranges()[1])
    page.page.wait_for_function("n => document.querySelectorAll('#chart g.ytick').length >= n", arg=int(high - low) - 1)


def test_the_csv_of_curves_has_every_point_of_every_series(charts):
    points = run(3, 2, reference_lines=(ReferenceLine("=1+1", 0.5),), eval_accuracy=(1 / 3, None))
    page = charts().add(accuracy_chart(points)).wait_until_drawn()
    name, rows = page.table()
    assert name == "accuracy.csv"
    assert rows[:2] == [["series", "step", "value"], ["'=1+1", "", "0.5"]]
    assert ["validation accuracy", "250", str(1 / 3)] in rows
    assert [row[1] for row in rows if row[0] == "training accuracy"] == ["10", "20", "30"]
    assert [row[1] for row in rows if row[0] == "validation accuracy"] == ["250"]
    assert {row[0] for row in rows[2:]} == {"training accuracy", "validation accuracy", "validation macro F1"}


def test_the_csv_of_a_confusion_matrix_has_the_whole_names_and_no_formula(charts):
    names = (*NASTY, "-5", "@home, alone", 'say "hi"', "long " * 30)
    report = report_of(names)
    _, rows = charts().add(confusion_chart(report, share_of="true")).wait_until_drawn().table()
    assert rows[0] == ["true", "predicted", "rows"]
    assert len(rows) == 1 + len(names) ** 2
    safe = {"@home, alone": "'@home, alone"}
    for i, true in enumerate(names):
        for j, predicted in enumerate(names):
            row = [safe.get(true, true), safe.get(predicted, predicted), str(report.confusion[i, j])]
            assert rows[1 + i * len(names) + j] == row


def test_the_csv_of_many_classes_has_all_of_them(charts):
    names = [f"intent {i}" for i in range(77)]
    figure = text_lengths_chart(names, [list(range(1, 4 + i)) for i in range(77)])
    _, rows = charts().add(figure).wait_until_drawn().table()
    assert rows[0][:3] == ["class", "texts", "lower whisker"]
    assert [row[0] for row in rows[1:]] == names[::-1]


def test_the_png_has_title_and_background(charts):
    page = charts().add(accuracy_chart(run()), title="Right & wrong").wait_until_drawn()
    page.page.evaluate("document.body.classList.add('dark')")
    page.page.wait_for_function("() => document.querySelector('#chart .chart').layout.font.color === 'rgb(243,244,246)'")
    name, content = page.file("png")
    assert name == "right-wrong.png"
    assert content.startswith(b"\x89PNG")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert (width, height) == (2 * page.box(".main-svg")["width"], 2 * (300 + 40))
    corner = page.page.evaluate(
        """async bytes => {
            const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
            const pen = Object.assign(document.createElement("canvas"), picture).getContext("2d");
            pen.drawImage(picture, 0, 0);
            return [...pen.getImageData(2, 2, 1, 1).data];
        }""",
        list(content),
    )
    assert corner == [10, 15, 30, 255]


def test_a_finger_scrolls_and_is_offered_no_way_back_from_a_zoom(charts):
    page = charts(width=390, has_touch=True, is_mobile=True).add(accuracy_chart(run())).wait_until_drawn()
    assert page.page.evaluate("document.querySelector('#chart .chart').layout.dragmode") is False
    assert page.page.evaluate("getComputedStyle(document.querySelector('#chart [data-action=reset]')).display") == "none"


def test_a_server_that_is_gone_is_said_in_the_place_of_the_chart(charts):
    page = charts(fresh=True)
    page.page.route("**/plotly.min.js", lambda route: route.abort())
    page.add(loss_chart(run()))
    sync_api.expect(page.locator(".chart")).to_have_text(
        "The chart could not be loaded because the server did not answer. Reload the page."
    )
    page.page.unroute("**/plotly.min.js")
    page.set(loss_chart(run(60)))
    page.wait_until_drawn()
    sync_api.expect(page.locator(".chart")).not_to_contain_text("could not be loaded")


def test_the_value_is_text_without_blanks():
    figure = loss_chart(run(3, 0))
    assert json.loads(to_json(figure)) == json.loads(json.dumps(figure))
    assert ": " not in to_json(figure).replace("step. At", "").split('"meta"')[0]
    assert to_json(None) is None
