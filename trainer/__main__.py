"""The same jobs without a browser: ``python -m trainer train | resume | report | predict | explain | evaluate | export | inspect | audit | recipe | runs
| drafts | status | switch | users``.

Parses the arguments; the commands are in ``cli/``.
"""

import argparse
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.cli import audit, evaluate, explain, export, inspect, lists, predict, recipe, server, show_report, train
from trainer.errors import UserError
from trainer.settings import prepare_environment
from trainer.switches import SWITCHES
from trainer.terminal import without_control_characters

_CALLED_AT = time.monotonic()
"""When the command was called, as near as a program can tell; nothing heavy is imported before."""

_DASH = ". A text that begins with a dash goes behind two dashes: predict RUN -- -TEXT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 failed or not possible now, 2 refused because of the arguments or the file."""
    parser = build_parser()
    options, unknown = parser.parse_known_args(arguments)
    options.called_at = _CALLED_AT
    if options.command is predict.predict:
        unknown = predict.extend_texts(options, unknown)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_DASH if options.command is predict.predict else ''}")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a text may hold what the terminal's encoding does not know.
            stream.reconfigure(errors="backslashreplace")
    prepare_environment()
    with without_control_characters():
        try:
            return options.command(options)
        except UserError as error:
            print(error.message, file=sys.stderr)
            return error.exit_status
        except KeyboardInterrupt:
            print("\nInterrupted before anything was done.", file=sys.stderr)
            return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; docs/terminal.md is written from it."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer", description="Fine-tune a text classifier on a labelled file, without a browser."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_train,
        _add_resume,
        _add_report,
        _add_predict,
        _add_explain,
        _add_evaluate,
        _add_export,
        _add_inspect,
        _add_audit,
        _add_recipe,
        _add_runs,
        _add_drafts,
        _add_status,
        _add_switch,
        _add_users,
    ):
        add(commands)
    return parser


def _add_train(commands: Any) -> None:
    parser = commands.add_parser("train", help="train on a file, then print the report")
    parser.add_argument("file", type=Path, metavar="FILE", help="a table of texts and labels: CSV, Excel, Parquet or JSON lines")
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COL",
        help="the text column: its name, or its position counted from 0 (default: guessed); named twice, two columns are joined",
    )
    _add_label_column(parser)
    parser.add_argument(
        "--part", metavar="NAME", help="the sheet of a workbook, the file of a zip or the list of a JSON file to read (default: guessed)"
    )
    _add_label_options(parser)
    parser.add_argument("--test", type=Path, metavar="FILE", help="keep this file as the test split")
    parser.add_argument("--validation", type=Path, metavar="FILE", help="use this file as the validation split")
    parser.add_argument(
        "--repair", metavar="CODES", help="repairs to do before training: codes of findings with commas between them, or all"
    )
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe file; other options override it")
    parser.add_argument("--preset", metavar="NAME", help="a ready recipe: Tutorial, Frozen encoder, DistilBERT tutorial, ...")
    parser.add_argument("--encoder", metavar="NAME", help="an encoder of the catalogue, or a folder that holds one")
    parser.add_argument("--epochs", metavar="N", help="how many times all training rows are read")
    parser.add_argument(
        "--folds", metavar="K", help="for a file of a few hundred rows: score it by K models, each tested on rows it has not seen (2 to 20)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="name=value",
        dest="settings",
        help="any other setting of the recipe; the command recipe lists them",
    )
    parser.add_argument("--as-it-is", action="store_true", help="train even if something in the file should be fixed first")
    parser.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    parser.set_defaults(command=train.train)


def _add_label_column(parser: Any) -> None:
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="COL",
        help="the label column, likewise; named twice, a text may have several labels",
    )


def _add_task(parser: Any) -> None:
    parser.add_argument(
        "--task",
        choices=("single", "several"),
        default="",
        help="whether a text has one label or may have several (default: as the file looks)",
    )
    _add_cut(parser, "default: 0.5, or half of the highest")


def _add_cut(parser: Any, default: str) -> None:
    parser.add_argument("--cut", metavar="SCORE", help=f"in columns of scores: a text has the labels from this score on ({default})")


def _add_label_options(parser: Any) -> None:
    _add_task(parser)
    parser.add_argument(
        "--label-names", type=Path, metavar="FILE", help="names of labels that are numbers: that of label 0 on the first line, and so on"
    )


def _add_resume(commands: Any) -> None:
    parser = commands.add_parser("resume", help="resume a run that was interrupted, stopped or failed, then print the report")
    parser.add_argument("run", metavar="RUN", help="a run's id or its folder")
    parser.add_argument("--more-epochs", type=int, default=0, metavar="N", help="train a finished run for N more epochs")
    parser.add_argument("--json", action="store_true", help="the last line of the output is one JSON object, as with train")
    parser.set_defaults(command=train.resume)


def _add_report(commands: Any) -> None:
    parser = commands.add_parser("report", help="print the report of a run that has a model, or write it as a file to share")
    parser.add_argument("run", metavar="RUN", help="a run's id")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write it as one HTML file that requests nothing")
    parser.add_argument("--texts", action="store_true", help="with the texts of the most confident mistakes on test rows in that file")
    parser.add_argument(
        "--ordered", choices=["yes", "no"], help="say that the labels are, or are not, steps of a scale (default: told by their names)"
    )
    parser.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    parser.set_defaults(command=show_report.report)


def _add_predict(commands: Any) -> None:
    parser = commands.add_parser("predict", help="the probabilities of each class for texts")
    parser.add_argument("model", metavar="RUN_OR_MODEL_DIR", help="a run's id, its folder, or a model folder")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="one that begins with a dash goes behind two dashes: RUN -- -TEXT")
    parser.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="take the texts from a text file, one a line; “-” is the standard input; with --out: a table",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="label all rows of the table in --file: written in its own form, with new columns"
    )
    parser.add_argument("--text", action="append", default=[], metavar="COL", help="the text column of the table, as for train")
    parser.add_argument("--part", metavar="NAME", help="the sheet, the file of a zip or the list of the table")
    parser.add_argument("--probabilities", action="store_true", help="one more column for each class, with its probability")
    parser.add_argument(
        "--engine",
        choices=["auto", "torch", "16-bit", "onnx", "onnx-int8"],
        default="auto",
        help="how to compute (default: the fastest way that says what the saved model says); onnx and onnx-int8 need an export",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object with the results of all texts, or about the labelled file")
    parser.set_defaults(command=predict.predict)
    # argparse reads “-happy” as -h and more letters.
    parser.error = lambda message: argparse.ArgumentParser.error(parser, message + _DASH)


def _add_explain(commands: Any) -> None:
    parser = commands.add_parser("explain", help="how much each word of a text speaks for a class")
    parser.add_argument("model", metavar="RUN_OR_MODEL_DIR", help="as for predict")
    parser.add_argument("text", metavar="TEXT", help="the text; one that begins with a dash goes behind two dashes: RUN -- -TEXT")
    parser.add_argument("--class", dest="label", metavar="CLASS", help="the class that the words speak for (default: the predicted one)")
    parser.add_argument("--json", action="store_true", help="one JSON object with the prediction and the words")
    parser.set_defaults(command=explain.explain)


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser("evaluate", help="the scores of a run's model on another file with labels, kept beside the run")
    parser.add_argument("run", metavar="RUN", help="a run's id, or its folder")
    parser.add_argument("--file", type=Path, required=True, metavar="FILE", help="a table of texts and labels, as for train")
    parser.add_argument("--text", action="append", default=[], metavar="COL", help="the text column, as for train")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="COL",
        help="the label column, likewise; guessed by the labels of the model; named twice, the labels of a text together",
    )
    parser.add_argument("--part", metavar="NAME", help="the sheet, file or list to read, as for train")
    _add_cut(parser, "default: that of the run's own file")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line: the report, and what was left out")
    parser.set_defaults(command=evaluate.evaluate)


def _add_export(commands: Any) -> None:
    parser = commands.add_parser("export", help="write the model of a run as a zip: its folder, ONNX, or a web page")
    parser.add_argument("run", metavar="RUN", help="a run's id or its folder")
    parser.add_argument(
        "--format",
        choices=["zip", "onnx", "onnx-int8", "web"],
        default="zip",
        help="the folder of transformers; ONNX with 32 or 8 bits a number, which needs neither PyTorch nor transformers; or a page that classifies in the browser (default: zip)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", required=True, help="where the zip goes")
    parser.add_argument("--json", action="store_true", help="one JSON object about the export")
    parser.set_defaults(command=export.export)


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser("inspect", help="show what is in files: columns, labels, problems")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="tables, as for train")
    parser.add_argument("--text", action="append", default=[], metavar="COL", help="the text column, as for train")
    _add_label_column(parser)
    parser.add_argument("--part", metavar="NAME", help="the sheet, file or list to read, as for train")
    _add_label_options(parser)
    parser.add_argument("--repair", metavar="CODES", help="repair the file: codes of findings with commas between them, or all")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the repaired file goes; the change log goes beside it")
    parser.add_argument("--for-spreadsheets", action="store_true", help="defuse cells that a spreadsheet would run as a formula")
    parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
    parser.set_defaults(command=inspect.inspect)


def _add_audit(commands: Any) -> None:
    parser = commands.add_parser("audit", help="show which labels of a file look wrong, and why")
    parser.add_argument("file", type=Path, metavar="FILE", help="a table of texts and labels, as for train")
    parser.add_argument("--text", action="append", default=[], metavar="COL", help="the text column, as for train")
    _add_label_column(parser)
    parser.add_argument("--part", metavar="NAME", help="the sheet, file or list to read, as for train")
    _add_task(parser)
    parser.add_argument(
        "--deep", action="store_true", help="train the default recipe five times too, and let it judge rows that it has not learned"
    )
    parser.add_argument("--all", action="store_true", help="give all rows, most suspicious first, not only those that look wrong")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows that look wrong into this CSV file")
    parser.add_argument("--for-spreadsheets", action="store_true", help="defuse cells of it that a spreadsheet would run as a formula")
    parser.add_argument("--apply", type=Path, metavar="LOG", help="apply this log of decisions on labels instead; needs --to")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where the corrected file goes, in the form of the original one")
    parser.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    parser.set_defaults(command=audit.audit)


def _add_recipe(commands: Any) -> None:
    parser = commands.add_parser("recipe", help="list the settings of a training: values, default, meaning")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a recipe file instead")
    parser.set_defaults(command=recipe.recipe)


def _add_runs(commands: Any) -> None:
    parser = commands.add_parser("runs", help="list the runs, newest first")
    parser.add_argument("--json", action="store_true", help="one JSON list of the runs")
    parser.set_defaults(command=lists.runs)


def _add_drafts(commands: Any) -> None:
    parser = commands.add_parser("drafts", help="list the files that were opened on the page, newest first")
    parser.add_argument("--remove", metavar="ID", help="remove this one for good; runs that were trained on it stay")
    parser.add_argument("--json", action="store_true", help="one JSON list of the files")
    parser.set_defaults(command=lists.drafts)


def _add_status(commands: Any) -> None:
    parser = commands.add_parser("status", help="who uses a server, what it does, and how much of the disk is free")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(command=server.status)


def _add_switch(commands: Any) -> None:
    parser = commands.add_parser("switch", help="turn something off on a running server, or block a visitor")
    parser.add_argument("name", metavar="NAME", help=f"{', '.join(SWITCHES)}, or block:OWNER with an owner that status lists")
    parser.add_argument("state", choices=["on", "off"], help="whether it is on from now on")
    parser.set_defaults(command=server.switch)


def _add_users(commands: Any) -> None:
    parser = commands.add_parser(
        "users", help="who may log in to a server in team mode; a password is asked for, or read from the standard input"
    )
    parser.add_argument("action", choices=["list", "add", "remove"], help="what to do; add gives a known user another password")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="small letters, digits, dots, dashes and underscores")
    parser.set_defaults(command=server.users)


if __name__ == "__main__":
    sys.exit(main())
