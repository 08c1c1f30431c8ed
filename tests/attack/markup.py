"""Markup in every place that shows user text, in a real Chromium: it must be shown as plain text.

Names of runs, files, classes, columns, encoders and messages; texts; recipes and fields; the model card; CSVs, file names and the terminal.
"""

import csv
import json
import re
import shutil
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.attack.markup_models import ModelsAttack
from tests.attack.markup_page import CLASSES, AttackedPage, as_name
from tests.attack.markup_places import card_html, check_csv_formulas, check_download_names, check_terminal
from tests.attack.markup_scan import INIT_SCRIPT, WatchedPage
from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.payloads import formulas, payloads
from tests.browser.conftest import Server
from tests.browser.steps import choose_settings, tab
from tests.conftest import FILLERS, MOODS, save_tiny_bert, small_rows, write_rows
from tests.warm_interpreter import WarmInterpreter, start_warm_interpreter
from trainer.recipe import Recipe
from trainer.run_library import MAX_COMPARED_RUNS
from trainer.training.encoders import local_encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_COLUMNS, _DELETED = 360, 8
"""Used together: payloads as columns of a file, runs to be deleted."""


def attack(options: AttackOptions) -> Outcome:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return Outcome(effects=["there is no Chromium"])
    with start_warm_interpreter() as warm_interpreter, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        try:
            return attack_in_browser(browser, warm_interpreter, options)
        finally:
            browser.close()


def attack_in_browser(browser: "Browser", warm_interpreter: WarmInterpreter, options: AttackOptions, *, interact: bool = True) -> Outcome:
    """``interact=False`` leaves out what takes many clicks or trained models: dialogs, fields, recipes and trainings."""
    everything = payloads()
    selected = everything[: options.scaled(len(everything))]
    outcome = Outcome(figures={"payloads": len(selected), "trained": 0, "errors on the console": 0})
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        save_tiny_bert(work / "tiny-bert")
        server = Server(work, local_encoder(work / "tiny-bert"), warm_interpreter)
        (work / "runs").mkdir()
        attack = _MarkupAttack(selected, outcome, server)
        attack.create_runs()
        models = ModelsAttack(attack, work)
        if interact:
            models.train(server.encoder)
        server.start()
        context = browser.new_context(accept_downloads=True)
        try:
            attack.open(WatchedPage(context.new_page(), server.address.removeprefix("http://")))
            attack.show_everything(work)
            if interact:
                models.show()
                models.show_shared_pages(WatchedPage(context.new_page(), attack.watched.host))
                attack.interact(work, options)
            attack.show_model_card(WatchedPage(context.new_page(), ""))
            outcome.figures["errors on the console"] += len(attack.watched.errors)
            attack.check_other_places(work / "runs")
        finally:
            context.close()
            server.end()
    return outcome


class _MarkupAttack(AttackedPage):
    """Shows the payloads everywhere and checks the page after each step."""

    def show_everything(self, work: Path) -> None:
        """Everything that shows payloads without input."""
        self.show_run_lists()
        self.compare_runs()
        self.show_results()
        self.show_runs()
        self.open_files(work)

    def interact(self, work: Path, options: AttackOptions) -> None:
        """Dialogs and fields that show or take payloads."""
        self.open_delete_dialogs()
        self.rename_runs(options.scaled(60))
        self.upload_recipes(work, options.scaled(40))
        self.type_dataset_names(options.scaled(20))
        self.train(options.scaled(40))

    def show_run_lists(self) -> None:
        """The list of runs, the status bar and the pickers."""
        tab(self.page, "Runs")
        self.page.wait_for_selector("#runs-list tbody tr")
        self.check("list of runs", len(self.named_runs))
        tab(self.page, "Results")
        self.page.wait_for_timeout(500)
        self.check("pickers of the header", len(self.class_runs))
        for section, selector in (("Files opened before", "#files-before"), ("Disk space", "#disk-usage table")):
            tab(self.page, "Runs")
            self.page.get_by_role("button", name=section).click()
            self.page.wait_for_selector(selector, state="attached")
            self.check(section, len(self.named_runs))

    def compare_runs(self) -> None:
        tab(self.page, "Runs")
        for start in range(0, len(self.class_runs) - 1, MAX_COMPARED_RUNS):
            selected = self.class_runs[start : start + MAX_COMPARED_RUNS]
            if len(selected) > 1:
                self.select_runs(selected)
                self.page.locator("#compare-runs").click()
                self.page.wait_for_selector("#comparison-summary tbody tr")
                self.page.wait_for_timeout(500)
                self.check("comparison", len(selected) * CLASSES)
        for start in range(0, len(self.named_runs), MAX_COMPARED_RUNS):
            self.select_runs(self.named_runs[start : start + MAX_COMPARED_RUNS])
            self.page.locator("#compare-runs").click()
            self.page.wait_for_timeout(400)
            self.check("comparison of runs without a model", MAX_COMPARED_RUNS)

    def open_delete_dialogs(self) -> None:
        """The question before a deletion names the runs."""
        for start in range(0, len(self.named_runs), _DELETED):
            selected = self.named_runs[start : start + _DELETED]
            self.select_runs(selected)
            self.check("footer of the list", len(selected))
            self.open_dialog("delete")
            self.check("question before a deletion", len(selected))
            self.close_dialog()

    def rename_runs(self, n_payloads: int) -> None:
        run = self.named_runs[0]
        for payload in self.payloads[:n_payloads]:
            self.select_runs([run])
            self.open_dialog("rename")
            field = self.page.locator("#runs-dialog input")
            field.fill(as_name(payload)[:60])
            self.check("field of a new name", 1)
            field.press("Enter")
            self.page.wait_for_timeout(150)
            if self.page.locator("#runs-dialog .em-question [role=alert]").count():
                self.check("refusal of a new name", 1)
            self.close_dialog()
            self.check("new name", 1)

    def show_results(self) -> None:
        """Results: class names in sentences, tables, charts and hover labels."""
        tab(self.page, "Results")
        for run in self.class_runs:
            self.page.locator("#model-picker select").select_option(run)
            self.page.wait_for_selector(f"#results-body [data-run='{run}'], #headline", state="attached")
            self.page.wait_for_selector("#confusion-chart .js-plotly-plot", state="attached")
            self.page.wait_for_timeout(400)
            self.hover("#confusion-chart")
            self.check("results", CLASSES)
            tab(self.page, "Try it")
            self.page.wait_for_timeout(200)
            self.check("try it", CLASSES)
            tab(self.page, "Results")

    def show_runs(self) -> None:
        """Train: the view of a run with its messages, settings and advice."""
        for run in self.named_runs:
            tab(self.page, "Runs")
            self.page.locator(f"#runs-list tr:has(#run-{run}) button").first.click()
            self.page.wait_for_timeout(400)
            self.check("view of a run", 5)

    def open_files(self, work: Path) -> None:
        """Data and Train: a file's name, columns, texts and labels."""
        for start in range(0, len(self.payloads), _COLUMNS):
            file = _write_file(work / "files", start // _COLUMNS, self.payloads[start : start + _COLUMNS])
            tab(self.page, "Data")
            self.upload(file)
            self.expand_all("#data-tab")
            self.check("file", 4 * _COLUMNS)
            tab(self.page, "Train")
            self.page.wait_for_timeout(400)
            self.check("next training", _COLUMNS)

    def upload_recipes(self, work: Path, n_payloads: int) -> None:
        """Recipe files whose values are payloads."""
        tab(self.page, "Data")
        # A trainable file with three payloads as its classes.
        moods = dict(zip(MOODS, (as_name(payload) or "blank" for payload in self.payloads[-3:]), strict=False))
        self.upload(write_rows(work / "files" / "a good one.csv", [(text, moods[mood]) for text, mood in small_rows(90) if mood in moods]))
        choose_settings(self.page)
        names = list(Recipe().to_dict())
        for number, payload in enumerate(self.payloads[:n_payloads]):
            file = work / "files" / f"recipe {number}.json"
            file.write_text(json.dumps({names[number % len(names)]: payload} | ({payload: 1} if number % 2 else {})))
            self.page.locator("input[accept='.json']").set_input_files(file)
            self.page.wait_for_timeout(300)
            self.check("recipe", 1)

    def type_dataset_names(self, n_payloads: int) -> None:
        """Payloads as the name of a data set on the Hub."""
        tab(self.page, "Data")
        box = self.page.locator("#hub-name input")
        if not box.is_visible():
            self.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        for payload in self.payloads[:n_payloads]:
            if not box.is_visible():
                break
            box.fill(as_name(payload)[:200])
            box.press("Enter")
            self.page.locator("#fetch-hub").click()
            self.page.wait_for_timeout(400)
            self.check("name of a data set", 1)

    def train(self, n_payloads: int) -> None:
        """A real training with payloads as classes, then predictions for payloads as texts."""
        choose_settings(self.page, epochs="1", batch_size="64", max_length="16")
        start = self.page.locator("#start")
        self.page.wait_for_timeout(1000)
        if start.is_disabled():
            return
        watched_before = self.page.evaluate("document.body.dataset.watched ?? ''")
        start.click()
        self.page.wait_for_function("before => (document.body.dataset.watched ?? '') !== before", arg=watched_before)
        for _ in range(600):
            self.check("status bar and view of a training", 1)
            if "trained" in (self.page.locator("#watch-head h2").text_content() or ""):
                break
            self.page.wait_for_timeout(300)
        self.outcome.figures["trained"] = 1
        tab(self.page, "Try it")
        for payload in self.payloads[:n_payloads]:
            self.page.locator("#try-text textarea").fill(payload)
            self.page.wait_for_timeout(250)
            self.check("text to predict", 1)

    def show_model_card(self, watched: WatchedPage) -> None:
        """The model card in a viewer that lets HTML through."""
        for html, tries in card_html(self.server.folder / "card", self.payloads, CLASSES):
            watched.page.set_content("<!doctype html><title>card</title>")
            watched.page.evaluate(f"() => {{{INIT_SCRIPT}}}")
            watched.set_baseline()
            watched.page.set_content(f"<!doctype html><title>card</title>{html}")
            watched.page.wait_for_timeout(100)
            effects = [e for e in watched.effects("model card") if not re.search(r"an element: <(meta|style)", e)]
            self.outcome.tries += tries
            self.outcome.effects += effects

    def check_other_places(self, runs: Path) -> None:
        """Places outside the page: names of downloads, CSVs, the terminal."""
        for tries, effects in (
            check_download_names(self.server.address, self.class_runs, urllib.request.urlopen),
            check_csv_formulas(formulas()),
            check_terminal(runs),
        ):
            self.outcome.tries += tries
            self.outcome.effects += effects


def _write_file(folder: Path, number: int, payloads: Sequence[str]) -> Path:
    """A trainable table with payloads as column names, labels and parts of the texts; each is the label of three texts."""
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[/\x00-\x1f]", "_", payloads[0])[:80].strip() or "file"
    path = folder / f"{number} {name}.csv"
    mood_words = [word for line in MOODS.values() for word in line.split()]
    rows = [
        [f"{payload} {FILLERS[i % len(FILLERS)]} {mood_words[(i * 3 + n) % len(mood_words)]} {i} {n}", payload, *payloads[2:]]
        for i, payload in enumerate(dict.fromkeys(payloads))
        for n in range(3)
    ]
    with open(path, "w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([["text", "label", *payloads[2:]], *rows])
    return path
