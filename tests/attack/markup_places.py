"""Places outside the page that show somebody's words: the model card, names of downloads, CSVs for spreadsheets, the terminal."""

import contextlib
import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from trainer.data.checks.repairs import Change
from trainer.data.corpus import clean_text
from trainer.data.files.dialect import is_numeric
from trainer.data.repaired_file import change_log
from trainer.evaluation.report import build_report
from trainer.jobs.model_card import write_card
from trainer.recipe import Recipe
from trainer.runs.checksums import write_json
from trainer.runs.run import Run
from trainer.runs.view import RecordedFinding, RunView

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Found = tuple[int, list[str]]
"""How much was tried, and what had an effect."""


def card_html(folder: Path, words: Sequence[str], at_once: int) -> Iterator[tuple[str, int]]:
    """Cards whose names, classes, findings and files are these words, as HTML of a Markdown renderer that lets HTML through."""
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"])
    for at in range(0, len(words), at_once):
        some = list(dict.fromkeys(clean_text(word) or "blank" for word in words[at : at + at_once]))
        some = [*some, "another"][: max(2, len(some))]
        shutil.rmtree(folder, ignore_errors=True)
        run = Run(folder)
        run.model.mkdir(parents=True)
        recipe = Recipe().to_dict()
        write_json(folder / "recipe.json", {"format": 1, "asked": recipe, "resolved": recipe, "run": run.id})
        ids = np.arange(len(some))
        for word in some[:: max(1, len(some) // 3)]:
            findings = tuple(RecordedFinding("label_variants", "warning", 1, one) for one in some)
            view = RunView(
                "0" * 32, name=word, encoder=word, source_name=word, parent="1" * 32, parent_name=word, findings=findings, base_model=word
            )
            write_card(run, view, build_report(ids, ids, tuple(some)))
            _, metadata, text = (run.model / "README.md").read_text(encoding="utf-8").split("---\n", 2)
            yield render.render(text) + f"<pre>{len(metadata)}</pre>", 6 + len(some)


def names_of_downloads(address: str, runs: Sequence[str], fetch: Callable) -> Found:
    """The zips of runs whose names are payloads: one header, no path, no line of its own."""
    effects = []
    for run in runs:
        try:
            with fetch(f"{address}/download/{run}", timeout=60) as answer:
                named, kind = answer.headers.get("content-disposition", ""), answer.headers.get_content_type()
        except OSError as error:
            effects += [f"download: {error}"] if "HTTP Error 5" in str(error) else []
            continue
        if re.search(r"[\r\n<>/\\]|\.\.", named.replace("''", "")) or kind != "application/zip":
            effects.append(f"download: {kind} {named!r}")
    return len(runs), effects


def defused(words: Sequence[str]) -> Found:
    """Formulas in a CSV for spreadsheets are text; a number with its sign is none."""
    changes = [Change(1, None, "text", word, word, "html_in_texts") for word in words]
    cells = list(csv.reader(io.StringIO(change_log(changes, spreadsheet=True).decode("utf-8-sig"))))[1:]
    run = [
        word
        for word, row in zip(words, cells, strict=True)
        for cell in row[2:4]
        if cell.startswith(_STARTS) and not is_numeric(cell) and cell not in ("+", "-")
    ]
    return len(words), [f"formula: {word!r} would be computed" for word in run]


def terminal_lines(runs: Path) -> Found:
    """The list of runs in a terminal: a line for each, and nothing that steers it."""
    from trainer.__main__ import main

    with mock.patch.dict("os.environ", {"EMOTUNE_RUNS": str(runs)}), contextlib.redirect_stdout(io.StringIO()) as said:
        main(["runs"])
    lines = said.getvalue().split("\n")
    steering = [line for line in lines if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", line)]
    strangers = [line for line in lines if line and not re.match(r"[0-9a-f]{32}  |  damaged: ", line)]
    return len(lines), [f"terminal: {line[:120]!r}" for line in (*steering, *strangers)]
