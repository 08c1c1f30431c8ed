"""A browser page of a server whose runs have payloads everywhere, and the steps of the markup attack on it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import TimeoutError

from tests.attack.markup_scan import WatchedPage
from tests.attack.outcomes import Outcome
from tests.browser.conftest import Server
from tests.browser.example_runs import make_run
from tests.browser.steps import tab
from trainer.drafts.store import DraftStore
from trainer.recipe import Recipe
from trainer.runs.event_types import Created, Failed, Notice, RecordedFinding, Started
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER

CLASSES = 120
"""Payloads used together as the classes of a run."""
NAME_CHARS = 180
"""The page shows at most 200 characters of a name."""
_FILE_NAME_CHARS = 115
_MAX_LEVELS = 12
"""Runs with a payload as their level, which is otherwise one of three words of our own."""

_IS_STABLE = """() => {
    const html = document.querySelector("#footer-runs").innerHTML;
    if (html !== window.__footer) [window.__footer, window.__since] = [html, performance.now()];
    return performance.now() - window.__since > 400;
}"""
"""Whether the footer of the list has been unchanged for a while."""


class AttackedPage:
    """One browser page, one server, and the payloads that are shown there."""

    def __init__(self, payloads: Sequence[str], outcome: Outcome, server: Server) -> None:
        self.payloads, self.outcome, self.server = payloads, outcome, server
        self.runs_dir = server.folder / "runs"
        self.class_runs: dict[str, int] = {}
        self.named_runs: dict[str, int] = {}
        """How many payloads each run has."""

    def create_class_runs(self) -> None:
        """Create finished runs on disk whose classes are payloads; each class has one mistake among its test rows."""
        for start in range(0, len(self.payloads), CLASSES):
            payloads = self.payloads[start : start + CLASSES]
            names = list(dict.fromkeys(" ".join(p.split())[:300] or "blank" for p in payloads))
            confusion = [[int(j in (i, (i + 1) % len(names))) for j in range(len(names))] for i in range(len(names))]
            if len(names) > 1:
                view = make_run(
                    self.runs_dir, confusion, names, name=as_name(names[0]), source_name="one file.csv", baseline_score=0.4, points=5
                )
                self.class_runs[view.id] = len(payloads)

    def create_named_runs(self) -> None:
        """Create failed runs on disk whose names, files, encoders and messages are payloads, and opened files with such names."""
        store, drafts = RunStore(self.runs_dir), DraftStore(self.runs_dir / "drafts")
        for number, packed in enumerate(pack(self.payloads)):
            payload = " ".join(packed)
            level = as_name(payload) if number < _MAX_LEVELS else ""
            finding = RecordedFinding("label_variants", "warning", 1, payload)
            created = Created(
                name=as_name(payload),
                source_name=as_name(payload),
                owner=LOCAL_OWNER,
                level=level,
                split_notes=(payload,),
                findings=(finding,),
                rows={"train": 5},
            )
            recipe = Recipe(encoder=as_name(payload)[:NAME_CHARS].strip() or "x")
            run = store.create(recipe=recipe, resolved=recipe, fill=lambda folder: None, run_id=f"{number:032x}", created=created)
            run.log.append(Started(device=as_name(payload), epochs=1, total_steps=3))
            run.log.append(Notice(step=1, message=payload))
            run.log.append(Failed(message=payload, code="failed", seconds=1.0))
            self.named_runs[run.id] = len(packed)
        for packed in pack(self.payloads, _FILE_NAME_CHARS):
            drafts.create(LOCAL_OWNER, {"main": (re.sub(r"[/\\]", "_", as_name(" ".join(packed))), b"text,label\n")})
        self.server.close_file()

    def open(self, watched: WatchedPage) -> None:
        self.watched, self.page = watched, watched.page
        self.page.goto(self.server.address)
        self.page.wait_for_selector("html[data-opened]", state="attached")
        watched.set_baseline()

    def check(self, where: str, tries: int) -> None:
        self.outcome.tries += tries
        self.outcome.effects += self.watched.effects(where)

    def upload(self, file: Path) -> None:
        summary = self.page.locator("#data-summary [data-draft]")
        previous_draft = summary.get_attribute("data-draft") if summary.count() else ""
        self.page.locator("#upload input[type=file]").set_input_files(file)
        self.page.wait_for_selector(f"#data-summary [data-draft]:not([data-draft='{previous_draft}']), #data-notice .em-notice")
        self.page.wait_for_timeout(600)

    def select_runs(self, runs: Sequence[str]) -> None:
        """Select exactly these runs."""
        tab(self.page, "Runs")
        # The list comes some moments after the page, and a run may come after others.
        self.page.wait_for_function("wanted => wanted.every(run => document.getElementById(`run-${run}`))", arg=list(runs))
        self.page.evaluate(
            """wanted => document.querySelectorAll("#runs-list input[type=checkbox]").forEach(box => {
                if (box.checked !== wanted.includes(box.id.slice(4))) box.click();
            })""",
            list(runs),
        )
        # The footer follows each click; at the end its button carries exactly these runs.
        self.page.wait_for_function(
            """wanted => (document.querySelector("#footer-runs button[data-action=delete], #footer-runs button[data-action=more]")?.dataset.code ?? "")
                .split(" ").sort().join(" ") === wanted""",
            arg=" ".join(sorted(runs)),
        )

    def compare_selected_runs(self) -> None:
        """Compare the selected runs, and wait until the page shows this comparison instead of an earlier one, or why there is none."""
        self.page.evaluate("document.querySelector('#comparison-summary h3')?.setAttribute('data-before', '')")
        self.page.locator("#compare-runs").click()
        self.page.wait_for_selector("#comparison-summary h3:not([data-before]), #runs-dialog [role=alert]", state="attached")

    def open_dialog(self, action: str) -> None:
        """Click a button of the footer until its dialog opens. A footer that is being replaced ignores clicks."""
        for _ in range(8):
            self.page.wait_for_function(_IS_STABLE)
            with suppress(TimeoutError):
                self.page.locator(f"#footer-runs button[data-action={action}]").locator("visible=true").first.click(timeout=30_000)
                self.page.wait_for_selector("#runs-dialog .em-question", timeout=30_000)
                return
        raise AssertionError(f"no dialog for {action}")

    def close_dialog(self) -> None:
        """Close the dialog; a late selection event may have closed it already."""
        self.page.wait_for_timeout(150)
        self.page.keyboard.press("Escape")
        self.page.wait_for_selector("#runs-dialog .em-question", state="detached")

    def hover(self, chart: str) -> None:
        """Hover over a few cells, so that Plotly shows its labels."""
        plot = self.page.locator(f"{chart} .js-plotly-plot").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        for fraction in (0.3, 0.5, 0.7):
            if box:
                self.page.mouse.move(box["x"] + box["width"] * fraction, box["y"] + box["height"] * fraction)
                self.page.wait_for_timeout(60)
                self.check("hover", 1)

    def show_pages_of_rows(self, shown: int) -> None:
        """Page through the table of rows below a result, which shows ``shown`` payloads altogether."""
        self.check("table of rows", shown)
        while self.page.locator("#found-rows .em-pager").get_by_role("button", name="Next").and_(self.page.locator(":enabled")).count():
            page = self.page.locator("#found-rows .em-pager span").text_content()
            self.page.locator("#found-rows .em-pager").get_by_role("button", name="Next").click()
            self.page.wait_for_function("page => document.querySelector('#found-rows .em-pager span')?.textContent !== page", arg=page)
            self.check("a further page of rows", 0)

    def expand_all(self, container: str) -> None:
        """Expand findings, previews and columns."""
        self.page.evaluate(
            """container => { document.querySelectorAll(`${container} details`).forEach(details => details.open = true);
                document.querySelectorAll(`${container} .label-wrap:not(.open)`).forEach(label => label.click()); }""",
            container,
        )
        self.page.wait_for_timeout(500)


def pack(payloads: Sequence[str], max_chars: int = NAME_CHARS) -> list[list[str]]:
    """Each payload once, as many together as have ``max_chars`` characters with blanks between them: one look at the page is a look at all of them."""
    packed: list[list[str]] = []
    chars = max_chars
    for payload in payloads:
        chars += 1 + len(payload)
        if chars > max_chars:
            packed.append([])
            chars = len(payload)
        packed[-1].append(payload)
    return packed


def as_name(payload: str) -> str:
    """The payload as one printable line of at most 400 characters."""
    return "".join(c for c in " ".join(payload.split()) if c.isprintable())[:400]
