"""The command ``audit``: which labels of a file look wrong, or a log of decisions applied to a file."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.cli.progress import TIDYING_SECONDS
from trainer.errors import RecipeError, RunError, UnavailableError
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import stop_signals
from trainer.terminal import terminal_line
from trainer.text_format import percent

if TYPE_CHECKING:
    from trainer.audit.suspects import AuditResult, Suspect
    from trainer.jobs.job import Job
    from trainer.workspace import Workspace

_SHOWN = 20
"""Suspects that are printed; the others are in the file of ``--out`` or in the JSON."""
_TEXT_CHARACTERS = 100


def audit(options: argparse.Namespace) -> int:
    """Check the labels of a file and print what looks wrong; with ``--apply`` do what a log of decisions says instead."""
    if options.apply or options.to:
        from trainer.cli.apply_decisions import apply_decisions

        return apply_decisions(options)
    if options.out and options.out.resolve() == options.file.resolve():
        raise RecipeError(f"{options.out} is the file to be checked; it is never overwritten. Name another one.", code="unknown_setting")
    result = _check(options)
    if result is None:
        return 130
    for note in result.notes:
        print(note, file=sys.stderr)
    shown = result.ranked if options.all else result.suspects
    if options.out:
        _write(options.out, shown, spreadsheet=options.for_spreadsheets)
        print(f"{len(shown):,} rows are in {options.out}.", file=sys.stderr)
    print("\n".join(_lines(result)))
    if options.json:
        print(json.dumps(result.to_dict(all_rows=options.all)))
    return 0


def _check(options: argparse.Namespace) -> "AuditResult | None":
    """Run the check as a job and follow it; None if it was stopped."""
    from trainer.cli.recipe import chosen_label
    from trainer.data.columns.label_form import LabelReading
    from trainer.data.reader.file_reader import FileReader
    from trainer.runs.permissions import restrict_umask
    from trainer.studio import Studio

    restrict_umask()
    with FileReader(replaces=False) as reader:
        reader.start()  # while this process imports the rest
        studio = Studio(Settings.from_environment(), reader=reader)
        workspace = studio.for_owner(LOCAL_OWNER)
        job = workspace.label_checks.start_files(
            {"main": (options.file.name, options.file)},
            text_columns=options.text,
            label_column=chosen_label(options.label),
            part=options.part,
            reading=LabelReading.of(options.task, options.cut),
            deep=options.deep,
        )
    job = _follow(workspace, job)
    if job.status in ("stopped", "cancelled"):
        print(job.message, file=sys.stderr)
        return None
    if job.status != "finished":
        raise RunError(job.message or f"The check is {job.status}. Check the labels again.", code="no_result")
    return workspace.label_checks.result(job.id)


def _follow(workspace: "Workspace", job: "Job") -> "Job":
    """Show a progress bar until a job has ended; Ctrl-C stops it."""
    from tqdm import tqdm

    with (
        stop_signals() as stop_requested,
        tqdm(total=100, file=sys.stderr, disable=None, bar_format="{desc} {percentage:3.0f}%|{bar}|") as bar,
    ):
        while job.live:
            job = workspace.jobs.wait(job.id, 0.2)
            if job.live and stop_requested.is_set():
                stop_requested.clear()
                job = workspace.jobs.stop(job.id)
            if job.progress is not None:
                bar.n = round(100 * (job.progress.done or 0.0))
                bar.set_description_str(job.progress.what)
        return workspace.jobs.wait(job.id, TIDYING_SECONDS)


def _lines(result: "AuditResult") -> list[str]:
    from trainer.audit.suspects import shown_labels

    lines = list(result.sentences)
    for suspect in result.suspects[:_SHOWN]:
        text = terminal_line(suspect.text)
        lines.append(f"line {suspect.line:,}: {text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + '…'}")
        given, suggested = (terminal_line(shown_labels(result.task, written)) for written in (suspect.label, suspect.suggested))
        lines.append(
            f"  {given}, {'probably' if suspect.confidence > 0.5 else 'perhaps'} {suggested} ({percent(suspect.score, 0)} sure that it is wrong). "
            f"{terminal_line(suspect.why)}"
        )
    if result.n_suspects > _SHOWN:
        lines.append(f"and {result.n_suspects - _SHOWN:,} more: name a file with --out to have all of them.")
    return [terminal_line(line) for line in lines]


def _write(path: Path, suspects: "tuple[Suspect, ...]", *, spreadsheet: bool) -> None:
    from trainer.data.repaired_file import csv_bytes

    header = ["row", "line", "text", "label", "suggested", "score", "why"]
    # As ``--apply`` reads labels: where a text may have several, a list of them.
    rows = [[str(s.row), str(s.line), s.text, s.label, s.suggested, f"{s.score:.4f}", s.why] for s in suspects]
    try:
        path.write_bytes(csv_bytes(header, rows, spreadsheet=spreadsheet))
    except OSError as error:
        raise UnavailableError(f"{path} could not be written ({error.strerror or error}).", code="disk_not_writable") from error
