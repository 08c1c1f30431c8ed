"""``predict RUN --file IN --out OUT``: labels all rows of a table. Interrupted, the same command goes on with the next block."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import RecipeError, UnavailableError
from trainer.settings import Settings
from trainer.terminal import terminal_line
from trainer.text_format import pluralize

if TYPE_CHECKING:
    from trainer.data.reader.file_reader import FileReader
    from trainer.jobs.predict.label_file import LabelledFile, LabelRequest


class _Stopped(Exception):
    """The user has stopped the command; the text says what is done."""


def label_file(options: argparse.Namespace, model: Path) -> int:
    """Label the rows of ``options.file`` with the model in a folder, and write ``options.out``."""
    from trainer.data.reader.file_reader import FileReader
    from trainer.jobs.predict.label_file import LabelRequest
    from trainer.runs.run import Run
    from trainer.runs.run_files import MODEL

    if options.out.resolve() == options.file.resolve():
        raise RecipeError(f"{options.out} is the file to be read; it is never overwritten. Name another one.", code="unknown_setting")
    with FileReader(replaces=False) as reader:
        reader.start()  # while this process imports the rest
        if is_of_run(model):
            Run(model.parent).check(MODEL)
        request = LabelRequest(tuple(options.text), options.part, options.probabilities, options.engine)
        try:
            result = _label(options, model, request, reader)
        except _Stopped as stopped:
            print(f"\n{stopped}", file=sys.stderr)
            return 1
    if result is None:
        return 0
    print(json.dumps({"file": str(options.out), **result.to_dict()}) if options.json else _result_text(options.out, result))
    return 0


def is_of_run(model: Path) -> bool:
    """Whether a model folder is that of a run."""
    from trainer.runs.run_files import LOG, MODEL

    return model.name == MODEL and (model.parent / LOG).exists()


def _label(options: argparse.Namespace, model: Path, request: "LabelRequest", reader: "FileReader") -> "LabelledFile | None":
    """What became of the file; None in a process that only helps another one."""
    from trainer.atomic import remove_folder
    from trainer.jobs.predict.label_file import FileLabelling, Tools
    from trainer.jobs.predict.predict_job import with_difference
    from trainer.runs.run import Run
    from trainer.signals import stop_signals
    from trainer.training.distributed import ProcessGroup
    from trainer.training.hardware import detect_hardware

    settings, group = Settings.from_environment(), ProcessGroup.from_environment()
    tools = Tools(reader, settings.file_limits, settings.max_text_chars, detect_hardware(), group)
    work = options.out.with_name(f".{options.out.name}.part")
    if group.is_main_process:
        _keep_or_clear(work, options.file, model, request)
    group.wait_for_all()
    with stop_signals() as stop_requested:

        def stop_if_asked(done: int, total: int) -> None:
            if stop_requested.is_set():
                raise _Stopped(f"Stopped after {done:,} of {total:,} rows. The same command goes on from there.")

        try:
            labelling = FileLabelling(work, options.file, request, tools)
            result = labelling.run(model, options.out, report_progress, stop_if_asked)
            if not group.is_main_process:
                return None
            if is_of_run(model):
                result = with_difference(result, labelling, Run(model.parent))
            remove_folder(work)
        except OSError as error:
            raise UnavailableError(f"{options.out} could not be written ({error.strerror or error}).", code="disk_not_writable") from error
    return result


def _keep_or_clear(work: Path, source: Path, model: Path, request: "LabelRequest") -> None:
    """Keep what an earlier call did if it was for the same file, model and columns; else begin anew. Raises UserError."""
    from dataclasses import asdict

    from trainer.atomic import make_folder, remove_folder, write_file
    from trainer.data.files.file_bytes import read_bytes
    from trainer.runs.seal import file_digest, files_in

    settings = Settings.from_environment()
    read_bytes(source, max_bytes=settings.max_file_bytes)  # says what is wrong with it
    digests = {"file": file_digest(source), "model": {file.name: file_digest(file) for file in files_in(model) if file.suffix != ".md"}}
    asked = json.dumps({**digests, "request": asdict(request)}, sort_keys=True).encode()
    state = work / "asked.json"
    try:
        if work.is_dir() and not (state.exists() and state.read_bytes() == asked):
            remove_folder(work)
        make_folder(work)
        write_file(state, asked)
    except OSError as error:
        raise UnavailableError(f"{work} could not be written ({error.strerror or error}).", code="disk_not_writable") from error


def report_progress(what: str, done: float | None) -> None:
    """Show on a terminal what is being done, and the fraction that is done."""
    if sys.stderr.isatty():
        print(f"\r\033[K{what} {'' if done is None else f'({done:.0%})'}", end="\n" if done == 1.0 else "", file=sys.stderr, flush=True)


def _result_text(out: Path, result: "LabelledFile") -> str:
    columns: dict[str, Any] = {"text": " + ".join(result.text_columns), "new columns": ", ".join(result.added)}
    lines = [f"{out}: {pluralize(result.rows, 'row')}", *(f"  {name}: {terminal_line(value)}" for name, value in columns.items())]
    lines.append("  classes: " + ", ".join(f"{terminal_line(name)} {count:,}" for name, count in result.classes.items()))
    if result.empty:
        lines.append(f"  without a label, because there is nothing to read: {pluralize(result.empty, 'row')}")
    if result.unsure is not None:
        lines.append(f"  unsure, below the confidence from which on the model answers: {pluralize(result.unsure, 'row')}")
    if result.cut:
        lines.append(f"  cut, because the model reads less of a text: {pluralize(result.cut, 'row')}")
    lines += [f"  {terminal_line(sentence)}" for sentence in result.difference.get("sentences", ())]
    return "\n".join([*lines, f"  {result.engine}", *(f"  {terminal_line(note)}" for note in result.notes)])
