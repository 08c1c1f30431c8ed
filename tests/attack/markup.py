"""Markup in every place that shows user text, in a real Chromium: it must be shown as plain text.

Names of runs, files, classes, columns, encoders and messages; texts; recipes and fields; the model card; CSVs, file names and the terminal.
"""

import csv
import json
import re
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.addresses import patient
from tests.attack.markup_models import ModelsAttack
from tests.attack.markup_page import CLASSES, AttackedPage, as_name, pack
from tests.attack.markup_places import card_html, check_csv_formulas, check_download_names, check_terminal
from tests.attack.markup_scan import INIT_SCRIPT, WatchedPage
from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.payloads import formulas, payloads
from tests.browser.conftest import Server
from tests.browser.steps import choose_settings, tab, wait_until_trained
from tests.conftest import FILLERS, MOODS, save_tiny_bert, small_rows, write_rows
from tests.warm_interpreter import WarmInterpreter, start_warm_interpreter
from trainer.recipe import Recipe
from trainer.run_library import MAX_COMPARED_RUNS
from trainer.training.encoders import local_encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PARTS = ("runs", "results", "files", "fields", "models", "elsewhere")
"""Each has a server of its own with what it needs: names of runs and files; classes of models; files; what is typed; trained models; other places."""

_COLUMNS = 360
"""Payloads used together as columns of a file."""
_DRAFTS = {"EMOTUNE_DRAFTS": "1000"}


def attack(options: AttackOptions) -> Outcome:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return Outcome(effects=["there is no Chromium"])
    outcome = Outcome()
    with start_warm_interpreter() as warm_interpreter, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        try:
            for part in options.parts or PARTS:
                started = time.monotonic()
                of_part = attack_in_browser(browser, warm_interpreter, options, (part,))
                print(
                    f"  {part}: {of_part.tries:,} tries in {time.monotonic() - started:.0f} s, effects {of_part.effects[:20]}", flush=True
                )
                outcome.tries += of_part.tries
                outcome.effects += of_part.effects
                outcome.figures |= {f"{part}: {name}": value for name, value in of_part.figures.items()}
        finally:
            browser.close()
    return outcome


def attack_in_browser(browser: "Browser", warm_interpreter: WarmInterpreter, options: AttackOptions, parts: Collection[str]) -> Outcome:
    """These parts on one server and one page."""
    everything = payloads()
    selected = everything[: options.scaled(len(everything))]
    outcome = Outcome(figures={"payloads": len(selected)})
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        save_tiny_bert(work / "tiny-bert")
        server = Server(work, local_encoder(work / "tiny-bert"), warm_interpreter, settings=_DRAFTS)
        (work / "runs").mkdir()
        attack = _MarkupAttack(selected, outcome, server)
        models = ModelsAttack(attack, work)
        attack.prepare(parts)
        if "models" in parts:
            models.train(server.encoder)
        server.start()
        context = browser.new_context(accept_downloads=True)
        try:
            attack.open(WatchedPage(patient(context.new_page()), server.address.removeprefix("http://")))
            attack.show(parts, work)
            if "models" in parts:
                models.show()
                models.show_shared_pages(WatchedPage(patient(context.new_page()), attack.watched.host))
            if "elsewhere" in parts:
                attack.show_model_card(WatchedPage(patient(context.new_page()), ""))
                attack.check_other_places(work / "runs")
            outcome.figures["errors on the console"] = len(attack.watched.errors)
        finally:
            context.close()
            server.end()
    return outcome


class _MarkupAttack(AttackedPage):
    """Shows the payloads everywhere and checks the page after each step."""

    def prepare(self, parts: Collection[str]) -> None:
        """Create what the parts need, before the server starts."""
        if "results" in parts or "elsewhere" in parts:
            self.create_class_runs()
        if "runs" in parts or "elsewhere" in parts:
            self.create_named_runs()

    def show(self, parts: Collection[str], work: Path) -> None:
        """All of some parts but what trained models show."""
        if "results" in parts:
            self.show_results()
            self.compare_runs()
        if "runs" in parts:
            self.show_run_lists()
            self.compare_and_delete_runs()
            self.show_runs()
        if "files" in parts:
            self.open_files(work)
        if "fields" in parts:
            self.fill_in_fields(work)

    def fill_in_fields(self, work: Path) -> None:
        """Fields that take payloads, and what they show of them."""
        n = len(self.payloads)
        self.upload_recipes(work, min(n, 40))
        self.type_dataset_names(min(n, 20))
        self.train()
        self.rename_run(min(n, 60))

    def show_run_lists(self) -> None:
        """The list of runs, the pickers, the files opened before and the disk space."""
        tab(self.page, "Runs")
        self.page.wait_for_selector("#runs-list tbody tr")
        self.check("list of runs", len(self.payloads))
        for section, selector in (("Files opened before", "#files-before .em-file-lines"), ("Disk space", "#disk-usage table")):
            self.page.get_by_role("button", name=section).click()
            self.page.wait_for_selector(selector, state="attached")
            self.check(section, len(self.payloads))
            self.page.get_by_role("button", name=section).click()

    def compare_runs(self) -> None:
        """Comparisons of models, whose classes are payloads."""
        for selected in _chunks(list(self.class_runs), MAX_COMPARED_RUNS):
            if len(selected) > 1:
                self.select_runs(selected)
                self.compare_selected_runs()
                self.page.wait_for_timeout(500)
                self.check("comparison", sum(self.class_runs[run] for run in selected))

    def compare_and_delete_runs(self) -> None:
        """Comparisons of runs without a model, and the question before their deletion, which names them."""
        for selected in _chunks(list(self.named_runs), MAX_COMPARED_RUNS):
            shown = sum(self.named_runs[run] for run in selected)
            self.select_runs(selected)
            self.check("footer of the list", shown)
            if len(selected) > 1:
                self.compare_selected_runs()
                self.page.wait_for_timeout(400)
                self.check("comparison of runs without a model", shown)
            self.open_dialog("delete")
            self.check("question before a deletion", shown)
            self.close_dialog()

    def rename_run(self, n_payloads: int) -> None:
        """Rename the only run again and again."""
        [run] = self.server.runs()
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
        """Results: class names in pickers, sentences, tables, charts and hover labels, and the table of rows, page by page."""
        tab(self.page, "Results")
        self.page.wait_for_selector("#model-picker select")
        self.check("pickers of the header", len(self.class_runs))
        for run, shown in self.class_runs.items():
            self.page.locator("#model-picker select").select_option(run)
            self.page.wait_for_selector(f"#headline a[href='download/{run}']")
            self.page.wait_for_selector("#confusion-chart .js-plotly-plot", state="attached")
            self.page.wait_for_selector(f"#found-rows a[href^='rows/{run}/']")
            self.page.wait_for_timeout(400)
            self.expand_all("#results-body")
            self.hover("#confusion-chart")
            self.check("results", shown)
            self.show_pages_of_rows(shown)
            tab(self.page, "Try it")
            self.page.wait_for_timeout(200)
            self.check("try it", shown)
            tab(self.page, "Results")

    def show_runs(self) -> None:
        """Train: the view of a run with its messages, settings and advice."""
        for run, shown in self.named_runs.items():
            self.page.wait_for_selector(f"#runs-list button[data-action=open][data-code='{run}']", state="attached")
            self.page.evaluate("run => document.querySelector(`#runs-list button[data-action=open][data-code='${run}']`).click()", run)
            self.page.wait_for_function(
                "run => document.body.dataset.watched === run && document.querySelector('#watch-head h2')?.textContent", arg=run
            )
            self.page.wait_for_timeout(150)
            self.check("view of a run", shown)

    def open_files(self, work: Path) -> None:
        """Data and Train: a file's name, columns, texts and labels."""
        for number, part in enumerate(_chunks(self.payloads, _COLUMNS)):
            file = _write_file(work / "files", number, part)
            tab(self.page, "Data")
            self.upload(file)
            self.expand_all("#data-tab")
            self.check("file", len(part))
            tab(self.page, "Train")
            self.page.wait_for_timeout(400)
            self.check("next training", len(part))

    def upload_recipes(self, work: Path, n_payloads: int) -> None:
        """Recipe files whose values are payloads."""
        tab(self.page, "Data")
        (work / "files").mkdir(exist_ok=True)
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

    def train(self) -> None:
        """A real training with payloads as classes, then predictions for payloads as texts."""
        choose_settings(self.page, epochs="1", batch_size="64", max_length="16")
        start = self.page.locator("#start:enabled")
        watched_before = self.page.evaluate("document.body.dataset.watched ?? ''")
        start.click()
        self.page.wait_for_function("before => (document.body.dataset.watched ?? '') !== before", arg=watched_before)
        self.check("a training that was started", len(MOODS))
        wait_until_trained(self.page)
        self.check("a training that has ended", len(MOODS))
        tab(self.page, "Try it")
        for packed in pack(self.payloads, 2_000):
            self.page.locator("#try-text textarea").fill(" ".join(packed))
            self.page.wait_for_timeout(700)
            self.check("text to predict", len(packed))

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
            check_download_names(self.server.address, list(self.class_runs), urllib.request.urlopen),
            check_csv_formulas(formulas()),
            check_terminal(runs),
        ):
            self.outcome.tries += tries
            self.outcome.effects += effects


def _chunks(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _write_file(folder: Path, number: int, payloads: Sequence[str]) -> Path:
    """A trainable table with payloads as column names, labels and parts of the texts; each is the label of three texts."""
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[/\x00-\x1f]", "_", payloads[0])[:80].strip() or "file"
    path = folder / f"{number} {name}.csv"
    mood_words = [word for line in MOODS.values() for word in line.split()]
    rows = [
        # The page shows a few rows.
        [
            f"{payload} {FILLERS[i % len(FILLERS)]} {mood_words[(i * 3 + n) % len(mood_words)]} {i} {n}",
            payload,
            *(payloads[2:] if i < 8 else [""] * len(payloads[2:])),
        ]
        for i, payload in enumerate(dict.fromkeys(payloads))
        for n in range(3)
    ]
    with open(path, "w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([["text", "label", *payloads[2:]], *rows])
    return path
