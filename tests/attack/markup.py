"""Words that are markup, in every place that shows somebody's words, in real Chromium: none may become more than words.

Names of runs, files, classes, columns, encoders and messages; texts; recipes and fields; the model card; CSVs, file names and the terminal.
"""

import csv
import json
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError

from tests.attack.markup_places import card_html, defused, names_of_downloads, terminal_lines
from tests.attack.markup_scan import BEFORE, Watched
from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.payloads import formulas, payloads
from tests.browser.conftest import Server
from tests.browser.made_runs import make_run
from tests.browser.steps import choose_settings, tab
from tests.conftest import FILLERS, MOODS, save_tiny_bert, small_rows, write_rows
from tests.warm import Warm, warmed
from trainer.library import MOST_COMPARED
from trainer.recipe import Recipe
from trainer.runs.run import RunStore
from trainer.settings import LOCAL_OWNER
from trainer.training.encoders import local_encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_CLASSES, _COLUMNS, _ASKED = 40, 60, 8
"""So many payloads at once: as the classes of a run, the columns of a file, the runs of a question."""

_BATCH = 180
_STILL = """() => {
    const html = document.querySelector("#footer-runs").innerHTML;
    if (html !== window.__foot) [window.__foot, window.__since] = [html, performance.now()];
    return performance.now() - window.__since > 400;
}"""
"""Whether the foot of the list has been as it is for a while."""

_PATIENCE = 180_000


def attack(options: AttackOptions) -> Outcome:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        return Outcome(effects=["there is no Chromium here"])
    with warmed() as warm, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-background-networking"])
        try:
            return attack_in_browser(browser, warm, options)
        finally:
            browser.close()


def attack_in_browser(browser: "Browser", warm: Warm, options: AttackOptions, *, presses: bool = True) -> Outcome:
    """``presses`` False leaves out what takes many presses: questions, fields, recipes and a training."""
    everything = payloads()
    words = everything[: options.scaled(len(everything))]
    outcome = Outcome(figures={"payloads": len(words), "trained": 0, "errors on the console": 0})
    # A list of runs that is far longer than anybody's would only be slow.
    for at in range(0, len(words), _BATCH):
        _attack_with(browser, warm, options, words[at : at + _BATCH], outcome, presses=presses, train=presses and at == 0)
        print(
            f"markup: {min(at + _BATCH, len(words)):,} words, {outcome.tries:,} tries, {len(outcome.effects)} effects",
            file=sys.stderr,
            flush=True,
        )
    return outcome


def _attack_with(
    browser: "Browser", warm: Warm, options: AttackOptions, words: Sequence[str], outcome: Outcome, *, presses: bool, train: bool
) -> None:
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        save_tiny_bert(work / "tiny-bert")
        server = Server(work, local_encoder(work / "tiny-bert"), warm)
        (work / "runs").mkdir()
        attempt = _Attempt(words, outcome, server)
        attempt.fill_runs()
        server.start()
        context = browser.new_context(accept_downloads=True)
        try:
            attempt.open(Watched(context.new_page(), server.address.removeprefix("http://")))
            attempt.shown(work, options)
            if presses:
                attempt.pressed(work, options, train=train)
            attempt.card(Watched(context.new_page(), ""))
            outcome.figures["errors on the console"] += len(attempt.watched.errors)
            attempt.elsewhere(work / "runs")
        finally:
            context.close()
            server.end()


class _Attempt:
    """One browser, one server, and the words that are shown there."""

    def __init__(self, words: Sequence[str], outcome: Outcome, server: Server) -> None:
        self.words, self.outcome, self.server = words, outcome, server
        self.class_runs: list[str] = []
        self.named_runs: list[str] = []

    def fill_runs(self) -> None:
        """Runs that a browser could not make: their classes, names, files, encoders and messages are payloads."""
        runs = self.server.folder / "runs"
        for at in range(0, len(self.words), _CLASSES):
            names = list(dict.fromkeys(" ".join(w.split())[:300] or "blank" for w in self.words[at : at + _CLASSES]))
            confusion = [[3 if i == j else int(j == (i + 1) % len(names)) for j in range(len(names))] for i in range(len(names))]
            if len(names) > 1:
                view = make_run(runs, confusion, names, name=_line(names[0]), source_name="one file.csv", counting_words=0.4, points=5)
                self.class_runs.append(view.id)
        store = RunStore(runs)
        for number, word in enumerate(self.words):
            facts = {"name": _line(word), "source_name": _line(word), "owner": LOCAL_OWNER, "level": _line(word), "notices": [word]}
            finding = {"code": "label_variants", "severity": "warning", "count": 1, "message": word}
            recipe = Recipe(encoder=_line(word) or "x")
            run = store.create(
                recipe=recipe,
                resolved=recipe,
                fill=lambda folder: None,
                run_id=f"{number:032x}",
                findings=[finding],
                rows={"train": 5},
                **facts,
            )
            run.log.append("started", device=_line(word), epochs=1, total_steps=3)
            run.log.append("notice", step=1, message=word)
            run.log.append("failed", message=word, code="failed", seconds=1.0)
            self.named_runs.append(run.id)

    def open(self, watched: Watched) -> None:
        self.watched, self.page = watched, watched.page
        self.page.set_default_timeout(_PATIENCE)
        self.page.goto(self.server.address)
        self.page.wait_for_selector("html[data-opened]", state="attached")
        watched.settle()

    def look(self, where: str, tries: int) -> None:
        self.outcome.tries += tries
        self.outcome.effects += self.watched.effects(where)

    def shown(self, work: Path, options: AttackOptions) -> None:
        """Where words are only looked at."""
        self.history()
        self.comparisons()
        self.reports()
        self.watched_runs(options.scaled(40))
        self.files(work)

    def pressed(self, work: Path, options: AttackOptions, *, train: bool) -> None:
        """Where words are asked for or asked about."""
        self.questions()
        self.renames(options.scaled(60))
        self.recipes(work, options.scaled(40))
        self.fields(options.scaled(20))
        if train:
            self.training(options.scaled(40))

    def history(self) -> None:
        """The list of runs, the strip and the pickers."""
        tab(self.page, "Runs")
        self.page.wait_for_selector("#runs-list tbody tr")
        self.look("list of runs", len(self.named_runs))
        tab(self.page, "Results")
        self.page.wait_for_timeout(500)
        self.look("pickers of the header", len(self.class_runs))
        for section, there in (("Files opened before", "#files-before"), ("What takes room on the disk", "#disk-usage table")):
            tab(self.page, "Runs")
            self.page.get_by_role("button", name=section).click()
            self.page.wait_for_selector(there, state="attached")
            self.look(section, len(self.named_runs))

    def comparisons(self) -> None:
        tab(self.page, "Runs")
        for at in range(0, len(self.class_runs) - 1, MOST_COMPARED):
            chosen = self.class_runs[at : at + MOST_COMPARED]
            if len(chosen) > 1:
                self._tick(chosen)
                self.page.locator("#compare-runs").click()
                self.page.wait_for_selector("#comparison-summary tbody tr")
                self.page.wait_for_timeout(500)
                self.look("comparison", len(chosen) * _CLASSES)
        for at in range(0, min(len(self.named_runs), 60), MOST_COMPARED):
            self._tick(self.named_runs[at : at + MOST_COMPARED])
            self.page.locator("#compare-runs").click()
            self.page.wait_for_timeout(400)
            self.look("comparison of runs without a model", MOST_COMPARED)

    def questions(self) -> None:
        """What is asked before runs are deleted names them."""
        for at in range(0, len(self.named_runs), _ASKED):
            chosen = self.named_runs[at : at + _ASKED]
            self._tick(chosen)
            self.look("foot of the list", len(chosen))
            self._ask("delete")
            self.look("question before a removal", len(chosen))
            self._leave()

    def renames(self, most: int) -> None:
        run = self.named_runs[0]
        for word in self.words[:most]:
            self._tick([run])
            self._ask("rename")
            field = self.page.locator("#runs-sheet input")
            field.fill(_line(word)[:60])
            self.look("field of a new name", 1)
            field.press("Enter")
            self.page.wait_for_timeout(150)
            if self.page.locator("#runs-sheet .em-question [role=alert]").count():
                self.look("refusal of a new name", 1)
            self._leave()
            self.look("new name", 1)

    def reports(self) -> None:
        """Results: the classes in words, tables, charts and their hovers."""
        tab(self.page, "Results")
        for run in self.class_runs:
            self.page.locator("#model-picker select").select_option(run)
            self.page.wait_for_selector(f"#results-body [data-run='{run}'], #headline", state="attached")
            self.page.wait_for_selector("#confusion-chart .js-plotly-plot", state="attached")
            self.page.wait_for_timeout(400)
            self._hover("#confusion-chart")
            self.look("results", _CLASSES)
            tab(self.page, "Try it")
            self.page.wait_for_timeout(200)
            self.look("try it", _CLASSES)
            tab(self.page, "Results")

    def watched_runs(self, most: int) -> None:
        """Train: the course of a run, its messages, settings and remedies."""
        for run in self.named_runs[:most]:
            tab(self.page, "Runs")
            self.page.locator(f"#runs-list tr:has(#run-{run}) button").first.click()
            self.page.wait_for_timeout(400)
            self.look("course of a run", 5)

    def files(self, work: Path) -> None:
        """Data and Train: a file's name, columns, texts and labels."""
        for number, at in zip(count(), range(0, len(self.words), _COLUMNS)):
            file = _file(work / "files", number, self.words[at : at + _COLUMNS])
            tab(self.page, "Data")
            self._upload(file)
            self._open_all("#data-tab")
            self.look("file", 4 * _COLUMNS)
            tab(self.page, "Train")
            self.page.wait_for_timeout(400)
            self.look("what is trained next", _COLUMNS)

    def recipes(self, work: Path, most: int) -> None:
        """Recipe files whose values are payloads."""
        tab(self.page, "Data")
        # One that can be trained on, with three payloads as its classes.
        moods = dict(zip(MOODS, (_line(word) or "blank" for word in self.words[-3:]), strict=False))
        self._upload(write_rows(work / "files" / "a good one.csv", [(text, moods[mood]) for text, mood in small_rows(90) if mood in moods]))
        choose_settings(self.page)
        names = list(Recipe().to_dict())
        for number, word in enumerate(self.words[:most]):
            file = work / "files" / f"recipe {number}.json"
            file.write_text(json.dumps({names[number % len(names)]: word, word: 1} if number % 2 else {names[number % len(names)]: word}))
            self.page.locator("input[accept='.json']").set_input_files(file)
            self.page.wait_for_timeout(300)
            self.look("recipe", 1)

    def fields(self, most: int) -> None:
        """What is typed where a name is asked for."""
        tab(self.page, "Data")
        box = self.page.locator("#hub-name input")
        if not box.is_visible():
            self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        for word in self.words[:most]:
            if not box.is_visible():
                break
            box.fill(_line(word)[:200])
            box.press("Enter")
            self.page.locator("#fetch-hub").click()
            self.page.wait_for_timeout(400)
            self.look("name of a data set", 1)

    def training(self, most: int) -> None:
        """A real training whose classes are payloads, and texts that are typed into its model."""
        choose_settings(self.page, epochs="1", batch_size="64", max_length="16")
        start = self.page.locator("#start")
        self.page.wait_for_timeout(1000)
        if start.is_disabled():
            return
        before = self.page.evaluate("document.body.dataset.watched ?? ''")
        start.click()
        self.page.wait_for_function("before => (document.body.dataset.watched ?? '') !== before", arg=before)
        for _ in range(600):
            self.look("strip and course of a training", 1)
            if "trained" in (self.page.locator("#watch-head h2").text_content() or ""):
                break
            self.page.wait_for_timeout(300)
        self.outcome.figures["trained"] = 1
        tab(self.page, "Try it")
        for word in self.words[:most]:
            self.page.locator("#try-text textarea").fill(word)
            self.page.wait_for_timeout(250)
            self.look("text that is tried", 1)

    def card(self, watched: Watched) -> None:
        """The model card as a viewer shows it that lets HTML through."""
        for html, tries in card_html(self.server.folder / "card", self.words, _CLASSES):
            watched.page.set_content("<!doctype html><title>card</title>")
            watched.page.evaluate(f"() => {{{BEFORE}}}")
            watched.settle()
            watched.page.set_content(f"<!doctype html><title>card</title>{html}")
            watched.page.wait_for_timeout(100)
            found = [e for e in watched.effects("model card") if not re.search(r"an element: <(meta|style)", e)]
            self.outcome.tries += tries
            self.outcome.effects += found

    def elsewhere(self, runs: Path) -> None:
        """What leaves the page: names of downloads, CSVs, the terminal."""
        for tries, effects in (
            names_of_downloads(self.server.address, self.class_runs, urllib.request.urlopen),
            defused(formulas()),
            terminal_lines(runs),
        ):
            self.outcome.tries += tries
            self.outcome.effects += effects

    def _upload(self, file: Path) -> None:
        before = self.page.locator("#data-summary [data-draft]")
        known = before.get_attribute("data-draft") if before.count() else ""
        self.page.locator("#upload input[type=file]").set_input_files(file)
        self.page.wait_for_selector(f"#data-summary [data-draft]:not([data-draft='{known}']), #data-notice .em-notice")
        self.page.wait_for_timeout(600)

    def _tick(self, runs: Sequence[str]) -> None:
        """Tick exactly these."""
        tab(self.page, "Runs")
        self.page.evaluate(
            """wanted => document.querySelectorAll("#runs-list input[type=checkbox]").forEach(box => {
                if (box.checked !== wanted.includes(box.id.slice(4))) box.click();
            })""",
            list(runs),
        )
        # The foot follows tick by tick; at the end its button carries just these runs.
        self.page.wait_for_function(
            """wanted => (document.querySelector("#footer-runs button[data-action=delete], #footer-runs button[data-action=more]")?.dataset.code ?? "")
                .split(" ").sort().join(" ") === wanted""",
            arg=" ".join(sorted(runs)),
        )

    def _ask(self, action: str) -> None:
        """Press a button of the foot until its question is there. A foot that is being drawn anew hears nothing."""
        for _ in range(8):
            self.page.wait_for_function(_STILL)
            with suppress(TimeoutError):
                self.page.locator(f"#footer-runs button[data-action={action}]").locator("visible=true").first.click(timeout=30_000)
                self.page.wait_for_selector("#runs-sheet .em-question", timeout=30_000)
                return
        raise AssertionError(f"no question for {action}")

    def _leave(self) -> None:
        """Close the question; a tick that arrives late may have done so before."""
        self.page.wait_for_timeout(150)
        self.page.keyboard.press("Escape")
        self.page.wait_for_selector("#runs-sheet .em-question", state="detached")

    def _hover(self, chart: str) -> None:
        """Over a few cells, so that what plotly writes beside the pointer is there."""
        plot = self.page.locator(f"{chart} .js-plotly-plot").first
        plot.scroll_into_view_if_needed()
        where = plot.bounding_box()
        for share in (0.3, 0.5, 0.7):
            if where:
                self.page.mouse.move(where["x"] + where["width"] * share, where["y"] + where["height"] * share)
                self.page.wait_for_timeout(60)
                self.look("hover", 1)

    def _open_all(self, inside: str) -> None:
        """Open what is folded: findings, previews, columns."""
        self.page.evaluate(
            """inside => { document.querySelectorAll(`${inside} details`).forEach(one => one.open = true);
                document.querySelectorAll(`${inside} .label-wrap:not(.open)`).forEach(one => one.click()); }""",
            inside,
        )
        self.page.wait_for_timeout(500)


def _line(word: str) -> str:
    """What a name can hold."""
    return "".join(c for c in " ".join(word.split()) if c.isprintable())[:400]


def _file(folder: Path, number: int, words: Sequence[str]) -> Path:
    """A table that can be trained on: as many columns as words, whose names they are; each is a label of three texts, and stands in them."""
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[/\x00-\x1f]", "_", words[0])[:80].strip() or "file"
    path = folder / f"{number} {name}.csv"
    moods = [word for line in MOODS.values() for word in line.split()]
    rows = [
        [f"{word} {FILLERS[i % len(FILLERS)]} {moods[(i * 3 + n) % len(moods)]} {i} {n}", word, *words[2:]]
        for i, word in enumerate(dict.fromkeys(words))
        for n in range(3)
    ]
    with open(path, "w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([["text", "label", *words[2:]], *rows])
    return path
