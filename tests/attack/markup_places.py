"""Places outside the page that show user text: the model card, file names of downloads, CSVs for spreadsheets, the terminal."""

import contextlib
import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from trainer.check import CheckResult
from trainer.data.checks.repairs import RowChange
from trainer.data.corpus import clean_text
from trainer.data.files.dialect import is_numeric
from trainer.data.repaired_file import change_log
from trainer.evaluation.report import build_report
from trainer.jobs.train.model_card import write_model_card
from trainer.recipe import Recipe
from trainer.runs.checksums import write_json_with_checksum
from trainer.runs.run import Run
from trainer.runs.view import RunView

_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n")

TriesAndEffects = tuple[int, list[str]]


def card_html(folder: Path, payloads: Sequence[str], per_card: int) -> Iterator[tuple[str, int]]:
    """Model cards with payloads as names, classes, findings and files, rendered by Markdown that lets HTML through; and the number of tries."""
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    for start in range(0, len(payloads), per_card):
        labels = list(dict.fromkeys(clean_text(payload) or "blank" for payload in payloads[start : start + per_card]))
        labels = [*labels, "another"][: max(2, len(labels))]
        shutil.rmtree(folder, ignore_errors=True)
        run = Run(folder)
        run.model.mkdir(parents=True)
        recipe = Recipe().to_dict()
        write_json_with_checksum(folder / "recipe.json", {"format": 1, "asked": recipe, "resolved": recipe, "run": run.id})
        ids = np.arange(len(labels))
        for name in labels[:: max(1, len(labels) // 3)]:
            findings = tuple(CheckResult("label_variants", "warning", 1, label) for label in labels)
            view = RunView(
                "0" * 32, name=name, encoder=name, source_name=name, parent="1" * 32, parent_name=name, findings=findings, base_model=name
            )
            write_model_card(run, view, build_report(ids, ids, tuple(labels)))
            _, metadata, text = (run.model / "README.md").read_text(encoding="utf-8").split("---\n", 2)
            yield render.render(text) + f"<pre>{len(metadata)}</pre>", 6 + len(labels)


def check_download_names(address: str, runs: Sequence[str], fetch: Callable) -> TriesAndEffects:
    """Zips of runs whose names are payloads: the file name may contain neither a path nor a line break."""
    effects = []
    for run in runs:
        try:
            with fetch(f"{address}/download/{run}", timeout=60) as response:
                disposition, content_type = response.headers.get("content-disposition", ""), response.headers.get_content_type()
        except OSError as error:
            effects += [f"download: {error}"] if "HTTP Error 5" in str(error) else []
            continue
        if re.search(r"[\r\n<>/\\]|\.\.", disposition.replace("''", "")) or content_type != "application/zip":
            effects.append(f"download: {content_type} {disposition!r}")
    return len(runs), effects


def check_csv_formulas(formulas: Sequence[str]) -> TriesAndEffects:
    """Formulas in a CSV for spreadsheets must be escaped; signed numbers are not formulas."""
    changes = [RowChange(1, None, "text", formula, formula, "html_in_texts") for formula in formulas]
    cells = list(csv.reader(io.StringIO(change_log(changes, spreadsheet=True).decode("utf-8-sig"))))[1:]
    unescaped = [
        formula
        for formula, row in zip(formulas, cells, strict=True)
        for cell in row[2:4]
        if cell.startswith(_FORMULA_PREFIXES) and not is_numeric(cell) and cell not in ("+", "-")
    ]
    return len(formulas), [f"formula: {formula!r} would be executed" for formula in unescaped]


def check_terminal(runs: Path) -> TriesAndEffects:
    """The list of runs in a terminal: one line for each run, and no control characters."""
    from trainer.__main__ import main

    with mock.patch.dict("os.environ", {"EMOTUNE_RUNS": str(runs)}), contextlib.redirect_stdout(io.StringIO()) as stdout:
        main(["runs"])
    lines = stdout.getvalue().split("\n")
    with_controls = [line for line in lines if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)]
    unexpected = [line for line in lines if line and not re.match(r"[0-9a-f]{32}  |  damaged: ", line)]
    return len(lines), [f"terminal: {line[:120]!r}" for line in (*with_controls, *unexpected)]
