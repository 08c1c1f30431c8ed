"""The command ``export``."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.atomic import move, sync
from trainer.cli.predict import model_folder
from trainer.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from trainer.runs.run import Run
    from trainer.training.export.exported import Exported


def export(options: argparse.Namespace) -> int:
    """Write the model of a run as a zip; the first time it is translated into ONNX and measured, unless its folder is asked for."""
    from trainer.runs.run import Run
    from trainer.runs.run_files import LOG

    folder = model_folder(options.run)
    if not (folder.parent / LOG).exists():
        raise NotFoundError(
            f"{options.run} is a model folder, not a run with its validation rows. See: python -m trainer runs", code="unknown_run"
        )
    run = Run(folder.parent)
    with _disk_errors_told(run, None):
        exported = None if options.format == "zip" else _exported(run)
    with _disk_errors_told(run, options.out):
        _write(run, options.format, options.out)
    size = options.out.stat().st_size
    if options.json:
        print(
            json.dumps({"file": str(options.out), "format": options.format, "file_size": size, **(exported.to_dict() if exported else {})})
        )
        return 0
    print(f"{options.out}: {size / 1e6:.1f} MB")
    if exported is not None:
        print(_measured_text(exported))
    return 0


@contextmanager
def _disk_errors_told(run: "Run", out: Path | None) -> Iterator[None]:
    """Raise UserError ``disk_not_writable`` for an OSError of the block, which writes the file ``out`` or only into the folder of the run."""
    try:
        yield
    except OSError as error:
        is_of_run = out is None or (error.filename is not None and Path(str(error.filename)).is_relative_to(run.path))
        what = f"The model could not be exported in {run.path}" if is_of_run else f"{out} could not be written"
        raise UnavailableError(
            f"{what} ({error.strerror or error}). Free some disk space, or allow reading and writing there.", code="disk_not_writable"
        ) from error


def _exported(run: "Run") -> "Exported":
    from trainer.jobs.export.export_run import export_run, whole_exports_of

    exported = whole_exports_of(run)
    if exported is not None:
        return exported
    work = Path(tempfile.mkdtemp(prefix=".exports-", dir=run.path))
    try:
        return export_run(run, work, _report, lambda: None)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(run: "Run", form: str, out: Path) -> None:
    from trainer.jobs.export.forms import write_form

    partial = out.with_name(f".{out.name}.part")
    try:
        write_form(run, form, partial)
        sync(partial)
        move(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def _report(what: str, done: float | None) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what} {'' if done is None else f'({done:.0%})'}", end="\n" if done == 1.0 else "", file=sys.stderr, flush=True)


def _measured_text(exported: "Exported") -> str:
    from trainer.text_format import percent

    ways = {"torch": exported.saved, "onnx": exported.onnx, "onnx-int8": exported.int8}
    lines = [f"{'':<10}{'MB':>8}{'ms a text':>11}{'accuracy':>10}{'same label':>12}   (on {exported.rows:,} validation rows)"]
    lines += [
        f"{name:<10}{way.size / 1e6:>8.1f}{way.ms_per_text:>11.1f}{percent(way.accuracy):>10}{percent(way.agreement):>12}"
        for name, way in ways.items()
    ]
    return "\n".join([*lines, f"onnx-int8: {exported.difference('onnx-int8')}"])
