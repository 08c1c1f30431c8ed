"""The command ``evaluate``: the scores of a run's model on the labelled rows of another file, which are kept beside the run."""

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.cli.label_file import report_progress
from trainer.cli.predict import run_folder
from trainer.cli.recipe import chosen_label
from trainer.errors import NotFoundError
from trainer.settings import Settings
from trainer.signals import stop_signals
from trainer.terminal import terminal_line
from trainer.text_format import decimal, percent, percent_range

if TYPE_CHECKING:
    from trainer.evaluation.other_file import EvaluatedFile
    from trainer.evaluation.report import Report


class _Stopped(Exception):
    """The user has stopped the command."""


def evaluate(options: argparse.Namespace) -> int:
    """Judge the model of a run on a file, print the report and keep it beside the run."""
    from trainer.data.columns.label_form import cut_choice
    from trainer.data.reader.file_reader import FileReader, read_file
    from trainer.evaluation.predictions import load_predictions
    from trainer.evaluation.report import split_report
    from trainer.jobs.evaluate.evaluate_file import evaluate as evaluate_file
    from trainer.jobs.evaluate.evaluate_file import find_rows
    from trainer.runs.evaluations import PREDICTIONS, Evaluations
    from trainer.runs.run import Run
    from trainer.runs.run_files import MODEL
    from trainer.training.hardware import detect_hardware

    settings, run = Settings.from_environment(), Run(_run_of(options.run))
    with FileReader(replaces=False) as reader:
        table = read_file(options.file, reader, part=options.part, **settings.file_limits)
    run.check(MODEL)
    judged = find_rows(
        run,
        table,
        options.file.name,
        text_columns=options.text,
        label_column=chosen_label(options.label),
        cut=cut_choice(options.cut),
    )
    with stop_signals() as stop_requested:

        def stop_if_asked(done: int, total: int) -> None:
            if stop_requested.is_set():
                raise _Stopped(f"Stopped after {done:,} of {total:,} rows; nothing is kept of it.")

        try:
            about = evaluate_file(
                run,
                judged,
                secrets.token_hex(16),
                detect_hardware(),
                max_chars=settings.max_text_chars,
                report=report_progress,
                stop_if_asked=stop_if_asked,
            )
        except _Stopped as stopped:
            print(stopped, file=sys.stderr)
            return 130
    report = split_report(load_predictions(Evaluations(run).folder(about.id) / PREDICTIONS), "test")
    print("\n".join(_lines(about, report)))
    if options.json:
        print(json.dumps({**about.to_dict(), "report": report.to_dict()}))
    return 0


def _run_of(run: str) -> Path:
    folder = run_folder(run)
    if folder is None:
        raise NotFoundError(
            f"{run} is no run. An evaluation needs the rows that a model learnt from. See: python -m trainer runs", code="unknown_run"
        )
    return folder


def _lines(about: "EvaluatedFile", report: "Report") -> list[str]:
    from trainer.data.columns.label_form import describe_cut

    headline, *others = (
        f"{score.metric.title} {percent(score.interval.value)} ({percent_range(score.interval.low, score.interval.high)})"
        for score in report.scores
    )
    width = max([len(score.name) for score in report.per_class] + [12])
    return [
        f"{report.rows:,} rows of {terminal_line(about.file)}, not the test rows. {', '.join([headline, *others])}.",
        f"Always answering {terminal_line(report.majority_name)} would be right in {percent(report.majority_share)}.",
        *([] if about.labels_cut is None else [describe_cut(about.labels_cut)]),
        *map(terminal_line, about.left_out.sentences()),
        *(terminal_line(sentence) for sentence in about.difference.get("sentences", ())),
        "",
        f"{'class':<{width}}  precision  recall  F1     rows",
        *(
            f"{terminal_line(score.name):<{width}}  {_number(score.precision):<9}  {_number(score.recall):<6}  {_number(score.f1):<5}  {score.support:,}"
            for score in report.per_class
        ),
    ]


def _number(interval: object) -> str:
    return "–" if interval is None else decimal(interval.value)
