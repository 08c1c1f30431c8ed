"""The commands ``runs`` and ``drafts``."""

import argparse
import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import NotFoundError
from trainer.settings import LOCAL_OWNER, Settings
from trainer.terminal import terminal_line
from trainer.text_format import percent

if TYPE_CHECKING:
    from trainer.runs.view import RunView


def runs(options: argparse.Namespace) -> int:
    """List the runs, newest first."""
    from trainer.studio import Studio

    library = Studio(Settings.from_environment()).for_owner(LOCAL_OWNER).library
    views = [replace(view, damage=library.damage(view.id)) for view in library.runs()]
    if options.json:
        print(json.dumps([_run_json(view, library.folder(view.id)) for view in views]))
        return 0
    for view in views:
        kept = view.kept
        score = f"validation accuracy {percent(kept.accuracy)} (step {kept.step:,})" if kept.accuracy is not None else ""
        name, source, encoder = map(terminal_line, (view.name, view.source_title, view.encoder))
        print(f"{view.id}  {name:<20} {view.status:<12} {source:<40} {encoder:<24} {score}")
        for sentence in view.damage:
            print(f"  damaged: {sentence}")
    return 0


def drafts(options: argparse.Namespace) -> int:
    """List the files that were opened on the page, newest first; with --remove, remove one before."""
    from trainer.studio import Studio

    studio = Studio(Settings.from_environment())
    drafts = studio.for_owner(LOCAL_OWNER).drafts
    if options.remove:
        try:
            drafts.remove(options.remove)
        except NotFoundError as error:
            message = f"There is no draft {options.remove} in {studio.settings.runs_dir}. See: python -m trainer drafts"
            raise error.with_message(message) from error
    summaries = drafts.summaries()
    if options.json:
        print(json.dumps([asdict(summary) for summary in summaries]))
        return 0
    for draft in summaries:
        states = [state for state, holds in (("open", draft.open), ("ended Emotune while it was read", draft.withheld)) if holds]
        files = [draft.name, *(f"{role} {name}" for role, name in (("test", draft.test), ("validation", draft.validation)) if name)]
        opened = time.strftime("%Y-%m-%d %H:%M", time.localtime(draft.changed))
        print(f"{draft.id}  {opened}  {draft.bytes / 1e3:>9,.0f} KB  {', '.join([*files, *states])}")
    return 0


def _run_json(view: "RunView", folder: Path) -> dict[str, Any]:
    kept = view.kept
    return {
        "run": view.id,
        "path": str(folder),
        "name": view.name,
        "status": view.status,
        "created": view.created,
        "source_name": view.source_name,
        "source_part": view.source_part or None,
        "encoder": view.encoder,
        "step": view.last_logged_step,
        "total_steps": view.total_steps,
        "seconds": view.duration_seconds,
        "message": view.message,
        "best_step": kept.step,
        "validation_accuracy": kept.accuracy,
        "validation_macro_f1": kept.macro_f1,
        "damage": list(view.damage),
    }
