"""What is asked before something is done to runs, drafts and uploads: in words, with the room that becomes free, and a way out of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trainer.errors import UserError
from trainer.library import LONGEST_NAME
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import approximate_duration, file_size, pluralize
from trainer.ui import run_names, runs_footer
from trainer.ui.buttons import Button
from trainer.ui.runs_sheet import Field, Question
from trainer.ui.session import owner

_MOST_EPOCHS = 50
_MOST_NAMES = 8


def build_question(studio: Studio, action: str, code: str, *, wrong: str = "") -> Question | None:
    """The question that stands before ``action`` on what ``code`` names; None where nothing is asked. UserError where it cannot be done.

    ``wrong`` says what was wrong with the answer before; what was typed then stays in its field.
    """
    if action not in _QUESTIONS:
        return None
    question = _QUESTIONS[action](studio, code)
    return replace(question, wrong=wrong) if wrong else question


def selected_runs(studio: Studio, ids: str) -> tuple[list[RunView], dict[str, str]]:
    """The runs of these ids that there still are, newest first, and the titles of all runs by id."""
    views = studio.runs(owner())
    titles = run_names.titles_by_id(views)
    wanted = set(ids.split())
    return [view for view in views if view.id in wanted], titles


def _name(studio: Studio, run: str) -> Question:
    view, title = _one(studio, run)
    save = Button("yes-rename", "Save", code=run, primary=True)
    shown = run_names.title(view)[:LONGEST_NAME]
    return Question(
        f"Rename {_quoted([title])}.", presses=(save, Button("leave", "Leave it")), field=Field("New name", shown, LONGEST_NAME)
    )


def _further(studio: Studio, run: str) -> Question:
    view, title = _one(studio, run)
    each = view.train_seconds / view.epochs if view.train_seconds and view.epochs else None
    takes = f" An epoch took about {approximate_duration(each)} before." if each else ""
    rest = f"A run of its own goes on from its last state; this one and its model stay as they are.{takes}"
    go = Button("yes-further", "Train further", code=run, primary=True)
    return Question(
        f"Train {_quoted([title])} for more epochs.",
        rest,
        (go, Button("leave", "Not now")),
        Field("More epochs", "1", _MOST_EPOCHS, "number"),
    )


def _delete(studio: Studio, ids: str) -> Question:
    views, titles = selected_runs(studio, ids)
    live = [titles[view.id] for view in views if view.live]
    if live:
        raise UserError(f"{_quoted(live)} cannot be deleted while training or waiting. Stop it first, or untick it.", code="run_is_live")
    if not views:
        raise UserError("These runs are no longer here.", code="no_run_chosen")
    freed = file_size(sum(studio.disk_bytes(owner(), view.id) for view in views))
    models = "model, its " if any(view.has_model for view in views) else ""
    rest = (
        f"{'Its' if len(views) == 1 else 'Of each run its'} {models}curves, scores and copy of the data are lost for good. "
        f"This frees {freed} of disk space. {_of_copies(studio, views, titles)}Your own files stay as they are."
    )
    yes = "Delete it for good" if len(views) == 1 else f"Delete {len(views)} runs for good"
    named = _quoted([titles[view.id] for view in views])
    return Question(f"Delete {named}?", rest, (_harmful("yes-delete", yes, ids), Button("leave", "Keep")))


def _of_copies(studio: Studio, views: Sequence[RunView], titles: Mapping[str, str]) -> str:
    """What else goes with these runs, and where their files stay, in sentences."""
    copies, its = studio.copies(owner(), [view.id for view in views]), "its" if len(views) == 1 else "their"
    said = []
    if copies.going:
        count = len(copies.going)
        said.append(f"{pluralize(count, 'file')} opened before with the same content {'goes' if count == 1 else 'go'} too.")
    if copies.open is not None:
        said.append(f"{copies.open.main.name} is open on tab Data and stays there until you remove it.")
    if copies.runs:
        named = _quoted([titles[run] for run in copies.runs if run in titles])
        said.append(f"{named} learnt from the same file and {'keeps' if len(copies.runs) == 1 else 'keep'} a copy of {its} data.")
    return "".join(f"{sentence} " for sentence in said)


def _free(studio: Studio, run: str) -> Question:
    _, title = _one(studio, run)
    freed = next((found.checkpoints for found in studio.storage(owner()).runs if found.id == run), 0)
    rest = f"It can then not be trained further; its model, its scores and its curves stay. This frees {file_size(freed)} of disk space."
    yes = _harmful("yes-free", "Delete checkpoints", run)
    return Question(f"Delete the checkpoints of {_quoted([title])}?", rest, (yes, Button("leave", "Keep them")))


def _forget(studio: Studio, draft: str) -> Question:
    found = next((draft_ for draft_ in studio.drafts(owner()) if draft_.id == draft), None)
    if found is None:
        raise UserError("This file is no longer here. Open it again.", code="unknown_draft")
    rest = (
        "What was chosen for it (columns, repairs, names of classes) is forgotten, and the page's copies of its upload go too. Runs that were "
        f"trained on it, and your own file, stay as they are. This frees up to {file_size(found.bytes)} of disk space."
    )
    return Question(f"Remove {_quoted([found.name])}?", rest, (_harmful("yes-forget", "Remove it", draft), Button("leave", "Keep")))


def _clear(studio: Studio, _: str) -> Question:
    freed = file_size(studio.storage(owner()).uploads)
    rest = (
        "They came with files that were opened more than an hour ago, and are not needed any more: what was opened and what was trained keeps "
        f"a copy of its own. This frees up to {freed} of disk space."
    )
    return Question("Clear old copies of uploads?", rest, (_harmful("yes-clear", "Clear them", ""), Button("leave", "Keep")))


def _more(studio: Studio, ids: str) -> Question:
    """All that can be done with what is ticked, for a screen that has no room for it in the foot."""
    views, titles = selected_runs(studio, ids)
    if not views:
        raise UserError("These runs are no longer here.", code="no_run_chosen")
    presses = (*reversed(runs_footer.other_buttons(views)), Button("untick", "Untick"), Button("leave", "Close"))
    return Question(runs_footer.selection_message(views, titles), presses=presses)


def _one(studio: Studio, run: str) -> tuple[RunView, str]:
    views, titles = selected_runs(studio, run)
    if len(views) != 1:
        raise UserError("This run is no longer here.", code="no_run_chosen")
    return views[0], titles[views[0].id]


def _quoted(names: Sequence[str]) -> str:
    """Names in a sentence: whole, as what tells two runs apart stands at their ends."""
    shown = ", ".join(f"“{name}”" for name in names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES:,} more"


def _harmful(action: str, title: str, code: str) -> Button:
    return Button(action, title, code=code, elem_id="harmful")


_QUESTIONS: Mapping[str, Callable[[Studio, str], Question]] = {
    "rename": _name,
    "further": _further,
    "delete": _delete,
    "free": _free,
    "forget": _forget,
    "clear": _clear,
    "more": _more,
}
