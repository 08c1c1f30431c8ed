"""The commands ``train`` and ``resume``."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.check import run_checks_to_dict
from trainer.cli.checks import check_lines
from trainer.cli.progress import follow
from trainer.cli.recipe import chosen_label, parse_recipe
from trainer.cli.report import more_lines, report_text, run_json
from trainer.errors import MustFixError, NotFoundError
from trainer.settings import LOCAL_OWNER, Settings

if TYPE_CHECKING:
    from trainer.data.reader.file_reader import FileReader
    from trainer.runs.view import RunView
    from trainer.studio import Studio
    from trainer.training.encoders import Encoder


def train(options: argparse.Namespace) -> int:
    """Train on a file, show the progress and print the report."""
    from trainer.data.checks.repairs import describe_repair
    from trainer.data.columns.label_form import LabelReading
    from trainer.data.numbered_names import read_numbered_names
    from trainer.data.reader.file_reader import FileReader
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoders import local_encoder

    reader = FileReader(replaces=False)
    if ProcessGroup.from_environment().is_main_process:
        reader.start()  # while this process imports the rest
    encoder = local_encoder(Path(options.encoder)) if options.encoder and Path(options.encoder).is_dir() else None
    studio = _studio(encoder, reader=reader)
    if studio is None:
        return 0
    if encoder is not None:
        options.encoder = encoder.name
    recipe = parse_recipe(options)
    files = {"main": options.file, "validation": options.validation, "test": options.test}
    sources = {role: (path.name, path) for role, path in files.items() if path is not None}
    workspace = studio.for_owner(LOCAL_OWNER)
    try:
        view = workspace.train_files(
            sources,
            recipe,
            text_columns=options.text,
            label_column=chosen_label(options.label),
            part=options.part,
            reading=LabelReading.of(options.task, options.cut),
            class_names=None if options.label_names is None else read_numbered_names(options.label_names),
            ignore_findings=options.as_it_is,
        )
    except MustFixError as error:
        repair = f"Repair it with --repair {','.join(error.repair_codes)}, or train" if error.repair_codes else "Fix the file, or train"
        raise error.with_message(f"{error.message}\n{repair} on it as it is with --as-it-is.") from error
    finally:
        reader.close()
    for code, n_rows in view.repairs.items():
        print(f"repaired: {describe_repair(code, n_rows)}", file=sys.stderr)
    for finding in view.findings:
        print(f"{finding.severity}: {finding.message}", file=sys.stderr)
    if view.checks is not None:
        print(f"{view.checks.summary()}.", file=sys.stderr)
    for note in view.split_notes:
        print(note, file=sys.stderr)
    return _finish(studio, view, options)


def resume(options: argparse.Namespace) -> int:
    """Resume a run, show the progress and print the report."""
    from trainer.runs.ids import is_id

    folder = Path(options.run).resolve()
    is_run_folder = folder.is_dir() and is_id(folder.name)
    studio = _studio(runs_dir=folder.parent if is_run_folder else None)
    if studio is None:
        return 0
    run_id = folder.name if is_run_folder else options.run
    try:
        view = studio.for_owner(LOCAL_OWNER).resume(run_id, more_epochs=options.more_epochs)
    except NotFoundError as error:
        message = f"There is no run {run_id} in {studio.settings.runs_dir}. Name a run's id or its folder. See: python -m trainer runs"
        raise error.with_message(message) from error
    if view.id != run_id:
        print(f"{view.parent_name} keeps its model; {view.name} continues its training ({view.id}).", file=sys.stderr)
    return _finish(studio, view, options)


def _studio(encoder: "Encoder | None" = None, *, runs_dir: Path | None = None, reader: "FileReader | None" = None) -> "Studio | None":
    """A studio that also offers ``encoder``, over ``runs_dir`` or the usual folder.

    None if this process was a worker of a distributed training, which has ended.
    """
    from trainer.jobs.train import pipeline
    from trainer.runs.permissions import restrict_umask
    from trainer.studio import Studio
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoder_catalogue import EncoderCatalogue

    restrict_umask()
    encoders = EncoderCatalogue()
    if encoder is not None:
        encoders = EncoderCatalogue((encoder, *(e for e in encoders if e.name != encoder.name)))
    if not ProcessGroup.from_environment().is_main_process:
        pipeline.run_worker(encoders)
        return None
    settings = Settings.from_environment()
    return Studio(replace(settings, runs_dir=runs_dir or settings.runs_dir), encoders=encoders, reader=reader)


def _finish(studio: "Studio", view: "RunView", options: argparse.Namespace) -> int:
    """Follow a run to its end and print its report; returns the exit status."""
    workspace = studio.for_owner(LOCAL_OWNER)
    view = follow(workspace, view)
    training = workspace.library.training_checks(view.id)
    for note in (*view.damage, *view.training_notes, *check_lines(training)):
        print(note, file=sys.stderr)
    if view.status not in ("finished", "stopped"):
        print(view.message or f"The run {view.name} is {view.status}.", file=sys.stderr)
        return 1
    found, result = workspace.reports.report(view.id), workspace.library.result_checks(view.id)
    print("\n".join([report_text(view, found.reports.test, result), *more_lines(found)]))
    if options.json:
        recipe, folder = workspace.library.recipe(view.id), workspace.library.folder(view.id)
        values = run_json(view, recipe, found.reports, folder, called_at=options.called_at)
        values |= {name: value for name, value in found.to_dict().items() if name in ("ordered", "subgroups", "suggestions")}
        print(json.dumps(values | {"checks": run_checks_to_dict(view.checks, training, result)}))
    return 0
