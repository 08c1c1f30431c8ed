"""The same jobs without a browser: ``python -m trainer train | resume | predict | inspect | runs | drafts``.

Prints and parses only; every job is the studio's, as on the page.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from trainer.errors import MustFixError, UserError
from trainer.presets import load_preset
from trainer.recipe import Recipe, load_recipe
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings, prepare_environment
from trainer.signals import end_is_asked
from trainer.terminal import one_line, plain_output
from trainer.text_format import decimal, decimal_range, percent, percent_range

_CALLED = time.monotonic()
"""When the command was called, as near as a program can tell; nothing heavy is imported before."""

_DASH = ". A text that begins with a dash goes behind two dashes: predict RUN -- -TEXT"

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet", ".json", ".jsonl"})
"""Files that hold more than one text a line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 failed, 2 refused for what was asked or handed in."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if options.command is _predict:
        unknown = _take_texts(options, unknown)
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{_DASH if options.command is _predict else ''}")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name or a text may hold what the terminal's encoding does not know.
            stream.reconfigure(errors="backslashreplace")
    prepare_environment()
    with plain_output():
        try:
            return options.command(options)
        except UserError as error:
            print(error.message, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("\nEnded before anything was done.", file=sys.stderr)
            return 130


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
    train.add_argument("--as-it-is", action="store_true", help="train though something in the file should be fixed first")
    train.add_argument("--json", action="store_true", help="the last line of the output is one JSON object")
    train.set_defaults(command=_train)

    resume = commands.add_parser("resume", help="go on with a run that was interrupted, stopped or failed, then print the report")
    resume.add_argument("run", metavar="RUN", help="a run's id or its folder")
    resume.add_argument("--more-epochs", type=int, default=0, metavar="N", help="train a finished run for so many more epochs")
    resume.add_argument("--json", action="store_true", help="the last line of the output is one JSON object, as with train")
    resume.set_defaults(command=_resume)

    predict = commands.add_parser("predict", help="the probabilities of each class for texts")
    predict.add_argument("model", metavar="RUN_OR_MODEL_DIR", help="a run's id, its folder, or a model folder")
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="one that begins with a dash goes behind two dashes: RUN -- -TEXT")
    predict.add_argument("--file", type=Path, metavar="FILE", help="take the texts from a text file, one a line; “-” is the standard input")
    predict.add_argument("--json", action="store_true")
    predict.set_defaults(command=_predict)
    # “-happy” is taken for -h and more letters.
    predict.error = lambda message: argparse.ArgumentParser.error(predict, message + _DASH)

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

    drafts = commands.add_parser("drafts", help="the files that were opened on the page before, newest first")
    drafts.add_argument("--remove", metavar="ID", help="remove this one for good; runs that were trained on it stay")
    drafts.add_argument("--json", action="store_true")
    drafts.set_defaults(command=_drafts)
    return parser


def _train(options: argparse.Namespace) -> int:
    from trainer.data.checks.repairs import describe_repair
    from trainer.data.reader.file_reader import FileReader
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoders import local_encoder

    reader = FileReader(replaces=False)
    if ProcessGroup.from_environment().is_main_process:
        reader.start()  # it comes up while this process imports the rest
    own = local_encoder(Path(options.encoder)) if options.encoder and Path(options.encoder).is_dir() else None
    studio = _studio(own, reader=reader)
    if studio is None:
        return 0
    if own is not None:
        options.encoder = own.name
    recipe = _recipe(options)
    files = {"main": options.file, "validation": options.validation, "test": options.test}
    sources = {role: (path.name, path) for role, path in files.items() if path is not None}
    try:
        view = studio.for_owner(LOCAL_OWNER).train_files(sources, recipe, text=options.text, label=options.label, as_it_is=options.as_it_is)
    except MustFixError as error:
        repair = f"Repair it with --repair {','.join(error.repairs)}, or train" if error.repairs else "Mend the file, or train"
        raise UserError(f"{error.message}\n{repair} on it as it is with --as-it-is.", code=error.code) from error
    finally:
        reader.close()
    for code, count in view.repairs.items():
        print(f"repaired: {describe_repair(code, count)}", file=sys.stderr)
    for finding in view.findings:
        print(f"{finding.severity}: {finding.message}", file=sys.stderr)
    for notice in view.notices:
        print(notice, file=sys.stderr)
    return _to_the_report(studio, view, as_json=options.json)


def _resume(options: argparse.Namespace) -> int:
    from trainer.runs.run import is_run_id

    folder = Path(options.run).resolve()
    named = folder.is_dir() and is_run_id(folder.name)
    studio = _studio(runs_dir=folder.parent if named else None)
    if studio is None:
        return 0
    run = folder.name if named else options.run
    try:
        view = studio.for_owner(LOCAL_OWNER).resume(run, more_epochs=options.more_epochs)
    except UserError as error:
        if error.code != "unknown_run":
            raise
        raise UserError(
            f"There is no run {run} in {studio.settings.runs_dir}. Name a run's id or its folder. See: python -m trainer runs",
            code=error.code,
        ) from error
    if view.id != run:
        print(f"{view.parent_name} keeps its model; {view.name} goes on ({view.id}).", file=sys.stderr)
    return _to_the_report(studio, view, as_json=options.json)


def _studio(
    own: "Encoder | None" = None,  # noqa: F821
    *,
    runs_dir: Path | None = None,
    reader: "FileReader | None" = None,  # noqa: F821
) -> "Studio | None":  # noqa: F821
    """A studio, with a person's own encoder, over the runs folder named or the usual one.

    None where this process has lent a hand to another one's training, which is over.
    """
    from trainer.jobs import pipeline
    from trainer.runs.permissions import restrict_umask
    from trainer.studio import Studio
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoder_catalogue import EncoderCatalogue

    restrict_umask()
    encoders = EncoderCatalogue()
    if own is not None:
        encoders = EncoderCatalogue((own, *(e for e in encoders if e.name != own.name)))
    if not ProcessGroup.from_environment().is_main_process:
        pipeline.run_worker(encoders)
        return None
    settings = Settings.from_environment()
    return Studio(replace(settings, runs_dir=runs_dir or settings.runs_dir), encoders=encoders, reader=reader)


def _to_the_report(studio: "Studio", view: RunView, *, as_json: bool) -> int:  # noqa: F821
    """Watch a run until it is over, then print its report; returns the exit status."""
    workspace = studio.for_owner(LOCAL_OWNER)
    view = _watch(studio, view)
    for remark in (*view.damage, *view.remarks, *(d.message for d in workspace.library.diagnoses(view.id))):
        print(remark, file=sys.stderr)
    if view.status not in ("finished", "stopped"):
        print(view.message or f"The run {view.name} is {view.status}.", file=sys.stderr)
        return 1
    reports = workspace.library.reports(view.id)
    print(_report_text(view, reports.test))
    if as_json:
        recipe = workspace.library.recipe(view.id)
        print(json.dumps(_train_json(view, recipe, reports, workspace.library.folder(view.id))))
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
        return Recipe.from_dict({**load_preset(options.preset).to_dict(), **values})
    return Recipe.from_dict(values)


def _watch(studio: "Studio", view: RunView) -> RunView:  # noqa: F821
    """Show a progress bar until the run is over; Ctrl-C stops the run and keeps the best model so far, however often it is pressed."""
    from tqdm import tqdm

    print(f"Run {view.name} ({view.id})", file=sys.stderr)
    with (
        end_is_asked() as asked,
        tqdm(
            total=1, unit="step", file=sys.stderr, disable=None, bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
        ) as bar,
    ):
        while view.live:
            view = studio.for_owner(LOCAL_OWNER).wait(view.id, 0.5)
            if view.live and asked.is_set():
                asked.clear()
                view = _stop(studio, view)
            bar.total = max(1, view.total_steps)
            bar.n = view.step
            bar.set_description_str(view.phase or view.status)
            bar.set_postfix_str(_postfix(view))
    return view


def _stop(studio: "Studio", view: RunView) -> RunView:  # noqa: F821
    still = "Still stopping" if view.stop_asked else "Stopping"
    print(f"\n{still} after this step; the best model so far is kept.", file=sys.stderr)
    try:
        return studio.for_owner(LOCAL_OWNER).stop(view.id)
    except UserError as error:
        # The disk is full, say: the training goes on, and can be asked again.
        print(error.message, file=sys.stderr)
        return view


def _postfix(view: RunView) -> str:
    parts = []
    if view.points and view.points[-1].loss is not None:
        parts.append(f"training loss {view.points[-1].loss:.3f}")
    last, kept = view.evaluations[-1] if view.evaluations else None, view.kept
    if last is not None and last.accuracy is not None:
        parts.append(f"validation accuracy {percent(last.accuracy)}")
        if kept.accuracy is not None and kept.step != last.step:
            parts.append(f"of the kept step {kept.step:,} {percent(kept.accuracy)}")
    if view.samples_per_second:
        parts.append(f"{view.samples_per_second:.0f} texts/s")
    return ", ".join(parts)


def _report_text(view: RunView, report: "Report") -> str:  # noqa: F821
    from trainer.evaluation.baseline import describe_training_rows
    from trainer.evaluation.report import class_caveats

    def score(name: str, interval: "Interval") -> str:  # noqa: F821
        return f"{name} {percent(interval.value)} (95 % interval {percent_range(interval.low, interval.high)})"

    def share(interval: "Interval | None") -> str:  # noqa: F821
        return "–" if interval is None else f"{decimal(interval.value)} ({decimal_range(interval.low, interval.high)})"

    width = max([len(c.name) for c in report.per_class] + [12])
    averages = (("Accuracy", report.accuracy), ("macro F1", report.macro_f1), ("weighted F1", report.weighted_f1))
    lines = [
        f"{report.rows:,} test rows, never trained on. {', '.join(score(*average) for average in averages)}.",
        f"Always answering {one_line(report.majority_name)} would be right in {percent(report.majority_share)}.",
    ]
    if view.baseline is not None:
        learned = describe_training_rows(view.baseline.rows, view.rows.get("train"))
        lines.append(
            f"A simple word-count model, having learned from {learned}, reaches {percent(view.baseline.test.accuracy)}, "
            f"macro F1 {percent(view.baseline.test.macro_f1)}."
        )
    lines += [
        "",
        f"{'class':<{width}}  {'precision':<18}  {'recall':<18}  {'F1':<6}  rows",
        *(
            f"{one_line(c.name):<{width}}  {share(c.precision):<18}  {share(c.recall):<18}  {'–' if c.f1 is None else decimal(c.f1):<6}  {c.support:,}"
            for c in report.per_class
        ),
        *class_caveats(report),
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
        "baseline": view.baseline and view.baseline.to_dict(),
        "seconds": round(time.monotonic() - _CALLED, 3),
        "train_seconds": view.train_seconds,
        "samples_per_second": view.samples_per_second,
        "epochs": view.epochs,
        "batch_size": view.batch_size,
        "seed": recipe.seed,
        "findings": [asdict(finding) for finding in view.findings],
        "repairs": view.repairs,
    }


def _predict(options: argparse.Namespace) -> int:
    from trainer.runs.damage import LOG, MODEL
    from trainer.runs.run import Run
    from trainer.training.predictor import Predictor

    folder = _model_folder(options.model)
    texts = _texts(options)
    if folder.name == MODEL and (folder.parent / LOG).exists():
        # Of a run, and so it can be told whether it is whole.
        Run(folder.parent).check(MODEL)
    predictor = Predictor(folder)
    results = [
        {"text": text, **prediction.to_dict(predictor.label_names)}
        for text, prediction in zip(texts, predictor.predict(texts), strict=True)
    ]
    if options.json:
        print(json.dumps({"results": results}))
        return 0
    for result in results:
        print(_prediction_text(result))
    return 0


def _take_texts(options: argparse.Namespace, left: list[str]) -> list[str]:
    """Give ``predict`` the texts that stand behind an option, which argparse leaves; returns what is no text."""
    at = left.index("--") if "--" in left else len(left)
    options.texts += [word for word in left[:at] if not word.startswith("-")] + left[at + 1 :]
    return [word for word in left[:at] if word.startswith("-")]


def _model_folder(model: str) -> Path:
    """The folder of a model, named by a run's id, by the run's folder or by its own. Raises UserError where there is none."""
    from trainer.runs.run import is_run_id

    folder, looked_in = Path(model), ""
    if is_run_id(model) and not folder.exists():
        runs_dir = Settings.from_environment().runs_dir
        folder, looked_in = runs_dir / model, f" in {runs_dir}"
    if (folder / "model").is_dir():
        folder = folder / "model"
    if not any((folder / name).is_file() for name in ("config.json", "head.json")):
        raise UserError(
            f"{model} is neither a run with a model{looked_in} nor a model folder. See: python -m trainer runs", code="unknown_run"
        )
    return folder


def _texts(options: argparse.Namespace) -> list[str]:
    """The texts to be judged: those of the command line, else those of a file or of the standard input, one a line."""
    from trainer.data.files.decoding import decode
    from trainer.data.files.reading import read_bytes

    if options.texts and options.file:
        raise UserError("Give texts or --file, not both.", code="unknown_setting")
    if options.texts:
        return options.texts
    source = options.file or Path("-")
    if str(source) == "-":
        if not options.file and sys.stdin.isatty():
            raise UserError(
                "There is no text. Name one, or --file FILE with one text a line, or send them in: cat texts.txt | python -m trainer predict RUN",
                code="no_texts",
            )
        content = sys.stdin.buffer.read()
    elif source.suffix.lower() in _TABLES:
        raise UserError(f"{source} is a table; --file takes a text file with one text a line.", code="not_texts")
    else:
        content = read_bytes(source, max_bytes=Settings.from_environment().max_file_bytes)
    if not content.strip():
        raise UserError("There is no text: the file or the input is empty. Give one text a line.", code="no_texts")
    # Empty lines stay, so that the n-th answer belongs to the n-th line.
    return decode(content).text.removesuffix("\n").split("\n")


def _prediction_text(result: dict) -> str:
    lines = [one_line(result["text"])]
    if result["label"] is None:
        return "\n".join([*lines, f"  {result['reason']}"])
    if result["cut"]:
        lines.append(f"  cut: the model read {result['tokens_read']:,} of {result['tokens']:,} tokens")
    ordered = sorted(result["probabilities"].items(), key=lambda item: -item[1])
    return "\n".join([*lines, *(f"  {percent(p):>8}  {one_line(name)}" for name, p in ordered)])


def _repairs(codes: str) -> tuple[str, ...]:
    from trainer.data.checks.repairs import REPAIRS, sort_repairs

    return tuple(REPAIRS) if codes.strip() == "all" else sort_repairs(code.strip() for code in codes.split(",") if code.strip())


def _inspect(options: argparse.Namespace) -> int:
    from trainer.data.reader.file_reader import FileReader

    if bool(options.repair) != bool(options.out) or (options.out and len(options.files) > 1):
        raise UserError(
            "To repair, give one file, --repair CODES (or all) and --out FILE. Example: inspect mine.csv --repair all --out clean.csv",
            code="unknown_setting",
        )
    if options.out and options.out.resolve() in {file.resolve() for file in options.files}:
        raise UserError(f"{options.out} is the file to be repaired; it is never overwritten. Name another one.", code="unknown_setting")
    with FileReader(replaces=False) as reader:
        reader.start()  # it comes up while this process imports the rest
        return _inspect_all(options, reader)


def _inspect_all(options: argparse.Namespace, reader: "FileReader") -> int:  # noqa: F821
    from trainer.drafts.inspection import examine
    from trainer.training.encoder_catalogue import EncoderCatalogue

    repairs = _repairs(options.repair or "")
    limits = Settings.from_environment()
    how = {"text": options.text, "label": options.label, "max_classes": limits.max_classes, **limits.file_limits}
    encoders = EncoderCatalogue()
    encoder = encoders.info(encoders.default.name)
    refused = False
    for file in options.files:
        found = examine(file, reader, encoder=encoder, **how)
        answer = found.answer
        if repairs and found.corpus is not None:
            answer = answer | {"repaired": _repair(options, found, repairs)}
        refused = refused or not answer["ok"]
        print(json.dumps(answer) if options.json else _inspection_text(answer), flush=True)
    return 2 if refused else 0


def _repair(options: argparse.Namespace, found: "Inspection", repairs: Sequence[str]) -> dict:  # noqa: F821
    """Write the repaired file; what was done, as plain values."""
    from trainer.data.checks.repairs import apply_repairs
    from trainer.data.repaired_file import write_repaired

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
        f"  text: {one_line(found['text']['name'])} (column {found['text']['index']})",
        f"  label: {one_line(found['label']['name'])} (column {found['label']['index']})",
        "  classes: " + ", ".join(f"{one_line(name)} {count:,}" for name, count in found["labels"].items()),
        *(f"  {finding['severity']}: {finding['message']}" for finding in found["findings"]),
    ]
    if "repaired" in found:
        done = ", ".join(f"{code} ({count:,})" for code, count in found["repaired"]["repairs"].items()) or "nothing to do"
        lines.append(f"  repaired: {done}; {found['repaired']['rows']:,} rows in {found['repaired']['file']}")
    return "\n".join(lines)


def _runs(options: argparse.Namespace) -> int:
    from trainer.studio import Studio

    studio = Studio(Settings.from_environment())
    views = studio.for_owner(LOCAL_OWNER).library.runs()
    views = [replace(view, damage=studio.for_owner(LOCAL_OWNER).library.damage(view.id)) for view in views]
    if options.json:
        print(json.dumps([_run_json(view, studio.for_owner(LOCAL_OWNER).library.folder(view.id)) for view in views]))
        return 0
    for view in views:
        kept = view.kept
        score = f"validation accuracy {percent(kept.accuracy)} (step {kept.step:,})" if kept.accuracy is not None else ""
        name, source, encoder = map(one_line, (view.name, view.source_name, view.encoder))
        print(f"{view.id}  {name:<20} {view.status:<12} {source:<40} {encoder:<24} {score}")
        for sentence in view.damage:
            print(f"  damaged: {sentence}")
    return 0


def _drafts(options: argparse.Namespace) -> int:
    from trainer.studio import Studio

    studio = Studio(Settings.from_environment())
    if options.remove:
        try:
            studio.for_owner(LOCAL_OWNER).drafts.remove(options.remove)
        except UserError as error:
            if error.code != "unknown_draft":
                raise
            words = f"There is no draft {options.remove} in {studio.settings.runs_dir}. See: python -m trainer drafts"
            raise UserError(words, code=error.code) from error
    drafts = studio.for_owner(LOCAL_OWNER).drafts.summaries()
    if options.json:
        print(json.dumps([asdict(draft) for draft in drafts]))
        return 0
    for draft in drafts:
        states = [word for word, holds in (("open", draft.open), ("ended Emotune while it was read", draft.withheld)) if holds]
        files = [draft.name, *(f"{kind} {name}" for kind, name in (("test", draft.test), ("validation", draft.validation)) if name)]
        opened = time.strftime("%Y-%m-%d %H:%M", time.localtime(draft.changed))
        print(f"{draft.id}  {opened}  {draft.bytes / 1e3:>9,.0f} KB  {', '.join([*files, *states])}")
    return 0


def _run_json(view: RunView, folder: Path) -> dict:
    names = ("name", "status", "created", "source_name", "encoder", "step", "total_steps", "seconds", "message")
    kept = view.kept
    return {
        "run": view.id,
        "path": str(folder),
        **{name: getattr(view, name) for name in names},
        "best_step": kept.step,
        "validation_accuracy": kept.accuracy,
        "validation_macro_f1": kept.macro_f1,
        "damage": list(view.damage),
    }


if __name__ == "__main__":
    sys.exit(main())
