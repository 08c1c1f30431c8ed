"""The same jobs without a browser: ``python -m trainer train | resume | predict | inspect | runs``.

Prints and parses only; every job is the studio's, as on the page.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trainer.errors import UserError
from trainer.presets import preset
from trainer.recipe import Recipe, load_recipe
from trainer.runs.doctor import diagnose
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

_CALLED = time.monotonic()
"""When the command was called, as near as a program can tell; nothing heavy is imported before."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 failed, 2 refused for what was asked or handed in."""
    options = _parser().parse_args(arguments)
    prepare_environment()
    try:
        return options.command(options)
    except UserError as error:
        print(error.message, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer", description="Fine-tune a text classifier on a labelled file, without a browser."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train on a file, then print the report")
    train.add_argument("file", type=Path, metavar="FILE")
    train.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="COL",
        help="the text column: its name, or its position counted from 0 (default: found by itself); named twice, two columns are joined",
    )
    train.add_argument("--label", metavar="COL", help="the label column, likewise")
    train.add_argument("--test", type=Path, metavar="FILE", help="keep this file as the test split")
    train.add_argument("--validation", type=Path, metavar="FILE", help="use this file as the validation split")
    train.add_argument("--repair", metavar="CODES", help="put right before training: codes of findings with commas between them, or all")
    train.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe file; what else is named here wins over it")
    train.add_argument("--preset", metavar="NAME", help="a ready recipe: Tutorial, Frozen encoder, DistilBERT tutorial, ...")
    train.add_argument("--encoder", metavar="NAME", help="an encoder of the catalogue, or a folder that holds one")
    train.add_argument("--epochs", metavar="N")
    train.add_argument("--set", action="append", default=[], metavar="name=value", dest="settings", help="any other setting of the recipe")
    train.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    train.set_defaults(command=_train)

    resume = commands.add_parser("resume", help="go on with a run that was interrupted, stopped or failed, then print the report")
    resume.add_argument("run", metavar="RUN", help="a run's id or its folder")
    resume.add_argument("--more-epochs", type=int, default=0, metavar="N", help="train a finished run for so many more epochs")
    resume.add_argument("--json", action="store_true", help="the last line of the output is one JSON object, as with train")
    resume.set_defaults(command=_resume)

    predict = commands.add_parser("predict", help="the probabilities of each class for texts")
    predict.add_argument("model", metavar="RUN_OR_MODEL_DIR", help="a run's id, its folder, or a model folder")
    predict.add_argument("texts", nargs="+", metavar="TEXT")
    predict.add_argument("--json", action="store_true")
    predict.set_defaults(command=_predict)

    inspect = commands.add_parser("inspect", help="what was found in files: columns, labels, problems")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE")
    inspect.add_argument("--text", action="append", default=[], metavar="COL")
    inspect.add_argument("--label", metavar="COL")
    inspect.add_argument("--repair", metavar="CODES", help="repair the file: codes of findings with commas between them, or all")
    inspect.add_argument("--out", type=Path, metavar="FILE", help="where the repaired file goes; the log of changes goes beside it")
    inspect.add_argument("--for-spreadsheets", action="store_true", help="defuse cells that a spreadsheet would run as a formula")
    inspect.add_argument("--json", action="store_true", help="one JSON object a line and file")
    inspect.set_defaults(command=_inspect)

    runs = commands.add_parser("runs", help="the runs there are, newest first")
    runs.add_argument("--json", action="store_true")
    runs.set_defaults(command=_runs)
    return parser


def _train(options: argparse.Namespace) -> int:
    from trainer.training.encoders import local_encoder

    own = local_encoder(Path(options.encoder)) if options.encoder and Path(options.encoder).is_dir() else None
    studio = _studio(own)
    if studio is None:
        return 0
    if own is not None:
        options.encoder = own.name
    recipe = _recipe(options)
    files = {"main": options.file, "validation": options.validation, "test": options.test}
    sources = {role: (path.name, path) for role, path in files.items() if path is not None}
    view = studio.train_files(LOCAL_OWNER, sources, recipe, text=options.text, label=options.label)
    for notice in view.notices:
        print(notice, file=sys.stderr)
    return _to_the_report(studio, view, as_json=options.json)


def _resume(options: argparse.Namespace) -> int:
    studio = _studio()
    if studio is None:
        return 0
    run = Path(options.run).resolve().name if Path(options.run).is_dir() else options.run
    return _to_the_report(studio, studio.resume(LOCAL_OWNER, run, more_epochs=options.more_epochs), as_json=options.json)


def _studio(own: "Encoder | None" = None) -> "Studio | None":  # noqa: F821
    """A studio, with a person's own encoder; None where this process has lent a hand to another one's training, which is over."""
    from trainer import job
    from trainer.studio import Studio
    from trainer.training.encoders import catalogue
    from trainer.training.ranks import Ranks

    encoders = catalogue()
    if own is not None:
        encoders = (own, *(e for e in encoders if e.name != own.name))
    if not Ranks.from_environment().main:
        job.lend_a_hand(encoders)
        return None
    return Studio(Settings.from_environment(), encoders=encoders)


def _to_the_report(studio: "Studio", view: RunView, *, as_json: bool) -> int:  # noqa: F821
    """Watch a run until it is over, then print its report; returns the exit status."""
    view = _watch(studio, view)
    for remark in (*view.damage, *view.remarks, *(d.words for d in diagnose(view))):
        print(remark, file=sys.stderr)
    if view.status not in ("finished", "stopped"):
        print(view.message or f"The run {view.name} is {view.status}.", file=sys.stderr)
        return 1
    reports = studio.reports(LOCAL_OWNER, view.id)
    print(_report_text(view, reports.test))
    if as_json:
        recipe = studio.recipe(LOCAL_OWNER, view.id)
        print(json.dumps(_train_json(view, recipe, reports, studio.folder(LOCAL_OWNER, view.id))))
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    values: dict[str, str] = {}
    for setting in options.settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"--set wants name=value; found “{setting}”.", code="unknown_setting")
        values[name.strip()] = value
    if options.repair:
        values["repairs"] = _repairs(options.repair)
    for name in ("encoder", "epochs"):
        if getattr(options, name) is not None:
            values[name] = getattr(options, name)
    if options.recipe and options.preset:
        raise UserError("Give --recipe or --preset, not both.", code="unknown_setting")
    if options.recipe:
        return load_recipe(options.recipe, **values)
    if options.preset:
        return Recipe.from_dict({**preset(options.preset).to_dict(), **values})
    return Recipe.from_dict(values)


def _watch(studio: "Studio", view: RunView) -> RunView:  # noqa: F821
    """Show a progress bar until the run is over; Ctrl-C stops the run and keeps the best model so far."""
    from tqdm import tqdm

    print(f"Run {view.name} ({view.id})", file=sys.stderr)
    with tqdm(
        total=1, unit="step", file=sys.stderr, disable=None, bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
    ) as bar:
        while view.live:
            try:
                view = studio.wait(LOCAL_OWNER, view.id, 0.5)
            except KeyboardInterrupt:
                studio.stop(LOCAL_OWNER, view.id)
                print("\nStopping after this step; the best model so far is kept.", file=sys.stderr)
            bar.total = max(1, view.total_steps)
            bar.n = view.step
            bar.set_description_str(view.phase or view.status)
            bar.set_postfix_str(_postfix(view))
    return view


def _postfix(view: RunView) -> str:
    parts = []
    if view.points and view.points[-1].loss is not None:
        parts.append(f"loss {view.points[-1].loss:.3f}")
    if view.evaluations and view.evaluations[-1].accuracy is not None:
        parts.append(f"validation accuracy {view.evaluations[-1].accuracy:.1%}")
    if view.samples_per_second:
        parts.append(f"{view.samples_per_second:.0f} texts/s")
    return ", ".join(parts)


def _report_text(view: RunView, report: "Report") -> str:  # noqa: F821
    width = max([len(c.name) for c in report.per_class] + [12])
    lines = [
        f"{report.rows:,} test rows, never trained on. Accuracy {report.accuracy.value:.1%} "
        f"(95 % interval {report.accuracy.low:.1%} to {report.accuracy.high:.1%}), "
        f"macro F1 {report.macro_f1.value:.3f}, weighted F1 {report.weighted_f1.value:.3f}.",
        f"Always answering {report.majority_name} would be right in {report.majority_share:.1%}.",
        "",
        f"{'class':<{width}}  precision  recall    F1   rows",
        *(f"{c.name:<{width}}  {c.precision:9.2f}  {c.recall:6.2f}  {c.f1:4.2f}  {c.support:5d}" for c in report.per_class),
        "",
        f"Run {view.name}: {view.samples_per_second or 0:.0f} texts/s while training, {view.seconds or 0:.0f} s in all, {view.device}.",
    ]
    return "\n".join(lines)


def _train_json(view: RunView, recipe: Recipe, reports: "Reports", folder: Path) -> dict:  # noqa: F821
    return {
        "run": view.id,
        "path": str(folder),
        "test": reports.test.to_dict(),
        "validation": reports.validation.to_dict(),
        "seconds": round(time.monotonic() - _CALLED, 3),
        "train_seconds": view.train_seconds,
        "samples_per_second": view.samples_per_second,
        "epochs": view.epochs,
        "batch_size": view.batch_size,
        "seed": recipe.seed,
    }


def _predict(options: argparse.Namespace) -> int:
    from trainer.runs.damage import LOG, MODEL
    from trainer.runs.run import Run, is_id
    from trainer.training.predictor import Predictor

    folder = Path(options.model)
    if is_id(options.model) and not folder.exists():
        folder = Settings.from_environment().runs_dir / options.model
    if (folder / "model").is_dir():
        folder = folder / "model"
    if folder.name == MODEL and (folder.parent / LOG).exists():
        # Of a run, and so it can be told whether it is whole.
        Run(folder.parent).check(MODEL)
    if not any((folder / name).is_file() for name in ("config.json", "head.json")):
        raise UserError(
            f"{options.model} is neither a run with a model nor a model folder. See: python -m trainer runs", code="unknown_run"
        )
    predictor = Predictor(folder)
    results = []
    for text, row in zip(options.texts, predictor.probabilities(options.texts), strict=True):
        probabilities = {name: float(p) for name, p in zip(predictor.label_names, row, strict=True)}
        results.append({"text": text, "label": max(probabilities, key=probabilities.get), "probabilities": probabilities})
    if options.json:
        print(json.dumps({"results": results}))
        return 0
    for result in results:
        print(result["text"])
        for name, p in sorted(result["probabilities"].items(), key=lambda item: -item[1]):
            print(f"  {p:6.1%}  {name}")
    return 0


def _repairs(codes: str) -> tuple[str, ...]:
    from trainer.data.repairs import REPAIRS, in_order

    return tuple(REPAIRS) if codes.strip() == "all" else in_order(code.strip() for code in codes.split(",") if code.strip())


def _inspect(options: argparse.Namespace) -> int:
    from trainer.advice import facts_of
    from trainer.data.inspection import examine
    from trainer.training.encoders import catalogue

    if bool(options.repair) != bool(options.out) or (options.out and len(options.files) > 1):
        raise UserError(
            "To repair, give one file, --repair CODES (or all) and --out FILE. Example: inspect mine.csv --repair all --out clean.csv",
            code="unknown_setting",
        )
    if options.out and options.out.resolve() in {file.resolve() for file in options.files}:
        raise UserError(f"{options.out} is the file to be repaired; it is never overwritten. Name another one.", code="unknown_setting")
    repairs = _repairs(options.repair or "")
    limits = Settings.from_environment()
    encoder = facts_of(catalogue()[0])
    refused = False
    for file in options.files:
        found = examine(file, text=options.text, label=options.label, encoder=encoder, max_classes=limits.max_classes, **limits.file_limits)
        answer = found.answer
        if repairs and found.corpus is not None:
            answer = answer | {"repaired": _repair(options, found, repairs)}
        refused = refused or not answer["ok"]
        print(json.dumps(answer) if options.json else _inspection_text(answer), flush=True)
    return 2 if refused else 0


def _repair(options: argparse.Namespace, found: "Inspection", repairs: Sequence[str]) -> dict:  # noqa: F821
    """Write the repaired file; what was done, as plain values."""
    from trainer.data.repairs import apply_repairs
    from trainer.data.writing import write_repaired

    repaired = apply_repairs(found.corpus, repairs)
    try:
        log = write_repaired(options.out, found.table, found.columns, repaired, spreadsheet=options.for_spreadsheets)
    except OSError as error:
        raise UserError(f"{options.out} could not be written ({error.strerror or error}).", code="disk_not_writable") from error
    return {"file": str(options.out), "changes": str(log), "rows": len(repaired.corpus), "repairs": repaired.counts}


def _inspection_text(found: dict) -> str:
    if not found["ok"]:
        return f"{found['file']}: {found['message']}"
    lines = [
        f"{found['file']}: {found['rows_kept']:,} rows, {found['encoding']}, "
        f"delimiter {found['delimiter']!r}, {'with' if found['header'] else 'without'} header",
        f"  text: {found['text']['name']} (column {found['text']['index']})",
        f"  label: {found['label']['name']} (column {found['label']['index']})",
        "  classes: " + ", ".join(f"{name} {count:,}" for name, count in found["labels"].items()),
        *(f"  {finding['severity']}: {finding['message']}" for finding in found["findings"]),
    ]
    if "repaired" in found:
        done = ", ".join(f"{code} ({count:,})" for code, count in found["repaired"]["repairs"].items()) or "nothing to do"
        lines.append(f"  repaired: {done}; {found['repaired']['rows']:,} rows in {found['repaired']['file']}")
    return "\n".join(lines)


def _runs(options: argparse.Namespace) -> int:
    from trainer.studio import Studio

    studio = Studio(Settings.from_environment())
    views = studio.runs(LOCAL_OWNER)
    views = [replace(view, damage=studio.damage(LOCAL_OWNER, view.id)) for view in views]
    if options.json:
        print(json.dumps([_run_json(view, studio.folder(LOCAL_OWNER, view.id)) for view in views]))
        return 0
    for view in views:
        last = view.evaluations[-1] if view.evaluations else None
        score = f"validation accuracy {last.accuracy:.1%}" if last and last.accuracy is not None else ""
        print(f"{view.id}  {view.name:<20} {view.status:<12} {view.source_name:<40} {view.encoder:<24} {score}")
        for sentence in view.damage:
            print(f"  damaged: {sentence}")
    return 0


def _run_json(view: RunView, folder: Path) -> dict:
    facts = replace(view, points=(), evaluations=())
    names = ("name", "status", "created", "source_name", "encoder", "step", "total_steps", "best_step", "seconds", "message")
    return {"run": view.id, "path": str(folder), **{name: getattr(facts, name) for name in names}, "damage": list(view.damage)}


if __name__ == "__main__":
    sys.exit(main())
