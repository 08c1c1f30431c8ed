"""Markup in what trained models show, in Chromium: their classes, with one label a text or several, their rows and texts, whole files, checks of labels, shared pages.

The models are real, tiny and hardly trained.
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from tests.attack.markup_page import AttackedPage, as_name, pack
from tests.attack.markup_scan import WatchedPage
from tests.browser.steps import tab
from tests.conftest import FILLERS, MOODS
from trainer.data.columns.label_form import LabelReading
from trainer.recipe import Recipe
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

_CLASSES = 240
"""Payloads used together as classes of a model or columns of a file."""
_LINES = 120
_LONG_TEXT = 4_000
_CHECKED = 80
"""Payloads used together as labels that are checked: with hundreds a check takes long."""
_OWN_ELEMENTS = re.compile("an element: <(meta|style|form)")
_RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=64, learning_rate=5e-3, max_length=16)
_MOOD_WORDS = [word for line in MOODS.values() for word in line.split()]


class ModelsAttack:
    """Models whose classes and rows are the payloads of a page, and a look at each place that shows them."""

    def __init__(self, attacked: AttackedPage, work: Path) -> None:
        self._attacked, self._files = attacked, work / "models"
        self._files.mkdir()
        self._payloads = attacked.payloads
        self._runs: list[str] = []
        self._links: list[str] = []

    def train(self, encoder: Encoder) -> None:
        """Train the models, before the server starts, and share them with their texts."""
        studio = Studio(Settings(runs_dir=self._attacked.server.folder / "runs"), encoders=[encoder])
        workspace = studio.for_owner(LOCAL_OWNER)
        try:
            for number, payloads in enumerate(self._parts()):
                single, several = self._single_label_file(number, payloads), self._several_labels_file(number, payloads)
                names = tuple(dict.fromkeys(name for name in map(_as_column, payloads) if name))
                for file, options in (
                    (single, {"text_columns": ("text",), "label_column": "label"}),
                    (several, {"text_columns": ("text",), "label_column": names, "reading": LabelReading("several")}),
                ):
                    view = workspace.train_files({"main": (file.name, file)}, _RECIPE, ignore_findings=True, **options)
                    view = workspace.wait(view.id, 600)
                    if view.status != "finished":
                        raise AssertionError(view.message)
                    self._runs.append(view.id)
                    self._links.append(workspace.shared.share(view.id, with_texts=True).token)
        finally:
            studio.close()

    def show(self) -> None:
        """Everything that the models show."""
        # From here on its tab is there, and says which model is chosen.
        tab(self._attacked.page, "Try it")
        self._show_results()
        self._try_texts()
        self._label_files()
        self._check_labels()

    def show_shared_pages(self, watched: WatchedPage) -> None:
        """The pages behind links to the runs, with texts, and with payloads posted."""
        page, own = watched.page, set()
        for number, link in enumerate(self._links):
            page.goto(f"{self._attacked.server.address}/shared/{link}")
            own.add(self._check_shared_page(watched, len(self._part(number))))
            for packed in pack(self._part(number), _LONG_TEXT):
                page.locator("#text").fill(" ".join(packed))
                page.get_by_role("button", name="Predict").click()
                page.wait_for_selector("[role=status], [role=alert]")
                own.add(self._check_shared_page(watched, len(packed)))
        if len(own) > 1:
            self._attacked.outcome.effects.append(f"shared pages: elements that are not in all of them: {own}")

    def _check_shared_page(self, watched: WatchedPage, tries: int) -> str:
        """Check the page, a new document each time; returns its own elements of the kinds that a text might add."""
        self._attacked.outcome.tries += tries
        effects = watched.effects("shared page")
        self._attacked.outcome.effects += [effect for effect in effects if not _OWN_ELEMENTS.search(effect)]
        return watched.page.evaluate(
            "[...document.querySelectorAll('form, meta, style, link, script, base')].map(element => element.tagName).join()"
        )

    def _parts(self) -> list[list[str]]:
        return [list(self._payloads[start : start + _CLASSES]) for start in range(0, len(self._payloads), _CLASSES)]

    def _part(self, run: int) -> list[str]:
        return self._parts()[run // 2]

    def _choose(self, run: str) -> None:
        page = self._attacked.page
        page.locator("#model-picker select").select_option(run)
        # What belongs to the model chosen before is gone then.
        page.wait_for_selector(f"#prediction [data-run='{run}']", state="attached")

    def _show_results(self) -> None:
        page = self._attacked.page
        for number, run in enumerate(self._runs):
            tab(page, "Results")
            self._choose(run)
            page.wait_for_selector(f"#headline a[href='download/{run}']")
            page.locator("#rows-shown").get_by_text("All", exact=True).click()
            page.wait_for_selector(f"#found-rows a[href^='rows/{run}/'][href*='shown=all']")
            page.wait_for_timeout(500)
            self._attacked.expand_all("#results-body")
            self._attacked.hover("#confusion-chart")
            self._attacked.check("results of a model", len(self._part(number)))
            self._attacked.show_pages_of_rows(len(self._part(number)))
            page.locator("#found-rows .em-row-open").first.click()
            page.wait_for_selector(".em-row-detail")
            page.wait_for_timeout(700)
            self._attacked.check("an open row", 1)

    def _try_texts(self) -> None:
        """Many lines at once, and one text with its words."""
        page = self._attacked.page
        for number in range(len(self._runs)):
            tab(page, "Try it")
            self._choose(self._runs[number])
            page.locator("#try-lines input").check()
            part = self._part(number)
            for start in range(0, len(part), _LINES):
                page.locator("#try-text textarea").fill("\n".join(" ".join(p.split()) for p in part[start : start + _LINES]))
                page.wait_for_selector("#prediction .em-lines tbody tr")
                page.wait_for_timeout(800)
                self._attacked.check("lines to predict", len(part[start : start + _LINES]))
            page.locator("#try-lines input").uncheck()
            page.locator("#try-text textarea").fill(" ".join(" ".join(part).split())[:1500])
            page.wait_for_timeout(1500)
            self._attacked.check("a text and its words", len(part))

    def _label_files(self) -> None:
        """Whole files whose names, columns, texts and labels are payloads, labelled and compared with their labels."""
        page = self._attacked.page
        for number, payloads in enumerate(self._parts()):
            tab(page, "Try it")
            self._choose(self._runs[2 * number])
            for first, button in ((1000, "#whole-file-start"), (3000, "#whole-file-judge")):
                # Another name each time: a browser tells nobody of a file that was chosen before.
                file = self._single_label_file(first + number, payloads, columns=True)
                page.locator("#whole-file-upload input[type=file], #whole-file input[type=file]").first.set_input_files(file)
                page.wait_for_selector("#whole-file-chosen strong")
                page.wait_for_timeout(600)
                self._attacked.check("a whole file that was chosen", len(payloads))
                page.locator(button).click()
                page.wait_for_selector("#whole-file-job [data-action=remove-file]")
                page.wait_for_timeout(400)
                self._attacked.expand_all("#whole-file-job")
                self._attacked.check("a whole file that was labelled", len(payloads))
                see = page.locator("#whole-file-job [data-action=see-evaluation]")
                if see.count():
                    see.click()
                    page.wait_for_selector("#other-file >> text=Not the test rows")
                    self._attacked.check("the scores of a whole file", len(payloads))
                    tab(page, "Try it")
                page.locator("#whole-file-job [data-action=remove-file]").click()
                page.wait_for_selector("#whole-file-job [data-action=remove-file]", state="detached")

    def _check_labels(self) -> None:
        page = self._attacked.page
        for number in range(0, len(self._payloads), _CHECKED):
            payloads = self._payloads[number : number + _CHECKED]
            tab(page, "Data")
            self._attacked.upload(self._single_label_file(2000 + number, payloads, wrong_labels=True))
            tab(page, "Check labels")
            page.locator("#check-labels").click()
            page.wait_for_selector(".em-label-row")
            page.wait_for_timeout(1000)
            self._attacked.check("a check of labels", len(payloads))
            page.locator(".em-label-row").first.click()
            page.keyboard.press("r")
            page.wait_for_timeout(300)
            self._attacked.check("a choice of another label", len(payloads))
            page.keyboard.press("Escape")

    def _single_label_file(self, number: int, payloads: Sequence[str], *, columns: bool = False, wrong_labels: bool = False) -> Path:
        """Each payload is the label of texts of which it is a part; with ``columns``, also the name of a column and a value of another.
        With ``wrong_labels`` every tenth text has the label of others, and there are enough for a check."""
        distinct = list(dict.fromkeys(payloads))
        names = [name for name in map(_as_column, payloads) if name and name not in ("text", "label")] if columns else []
        rows = [
            [
                # Words enough for the column to be found as the one with the texts.
                f"{payload} {' '.join(FILLERS[(i + k) % len(FILLERS)] for k in range(6))} {_MOOD_WORDS[(i * 3 + n) % len(_MOOD_WORDS)]} {i} {n} {number}",
                distinct[i - 1] if wrong_labels and (i + n) % 10 == 0 else payload,
                # The page shows a few rows.
                *(names if i < 8 else [""] * len(names)),
            ]
            for i, payload in enumerate(distinct)
            for n in range(10 if wrong_labels else 1 if columns else 4)
        ]
        return self._write(number, "one", payloads, [["text", "label", *names], *rows])

    def _several_labels_file(self, number: int, payloads: Sequence[str]) -> Path:
        """A column of marks for each payload; each is a label of four texts."""
        names = list(dict.fromkeys(name for name in map(_as_column, payloads) if name))
        rows = []
        for i in range(4 * len(names)):
            marked = {i % len(names), (7 * i + 3) % len(names)} if i % 5 else set()
            text = f"{names[i % len(names)]} {FILLERS[i % len(FILLERS)]} {_MOOD_WORDS[i % len(_MOOD_WORDS)]} {i}"
            rows.append([text, *(str(int(column in marked)) for column in range(len(names)))])
        return self._write(number, "several", payloads, [["text", *names], *rows])

    def _write(self, number: int, kind: str, payloads: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
        name = re.sub(r"[/\x00-\x1f]", "_", "".join(payloads[:3]))[:60].strip() or "file"
        path = self._files / f"{kind} {number} {name}.csv"
        with open(path, "w", newline="", encoding="utf-8", errors="replace") as file:
            csv.writer(file).writerows(rows)
        return path


def _as_column(payload: str) -> str:
    return as_name(payload)[:79].strip()
