"""Questions before an action on runs, drafts and uploads, with the disk space that it frees and a button to cancel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from trainer.errors import NotFoundError, RunError
from trainer.run_library import MAX_NAME_CHARS
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import approximate_duration, file_size, pluralize
from trainer.ui import run_names, runs_footer
from trainer.ui.buttons import Button
from trainer.ui.event_handling import current_workspace
from trainer.ui.runs_dialog import Field, Question

_MAX_EPOCHS = 50
_MAX_NAMES = 8


def build_question(studio: Studio, action: str, code: str, *, error: str = "") -> Question | None:
    """The question before ``action`` on what ``code`` names; None if there is none. UserError if the action is impossible.

    ``error`` says what was wrong with the previous answer; the typed text stays in its field.
    """
    if action not in _QUESTIONS:
        return None
    question = _QUESTIONS[action](studio, code)
    return replace(question, error=error) if error else question


def selected_runs(studio: Studio, ids: str) -> tuple[list[RunView], dict[str, str]]:
    """The runs of these ids that still exist, newest first, and the titles of all runs by id."""
    views = current_workspace(studio).library.runs()
    titles = run_names.titles_by_id(views)
    id_set = set(ids.split())
    return [view for view in views if view.id in id_set], titles


def _rename(studio: Studio, run: str) -> Question:
    view, title = _single_run(studio, run)
    save = Button("confirm-rename", "Save", code=run, primary=True)
    name = run_names.title(view)[:MAX_NAME_CHARS]
    return Question(
        f"Rename {_quoted([title])}.", buttons=(save, Button("cancel", "Cancel")), field=Field("New name", name, MAX_NAME_CHARS)
    )


def _more_epochs(studio: Studio, run: str) -> Question:
    view, title = _single_run(studio, run)
    seconds_per_epoch = view.train_seconds / view.epochs if view.train_seconds and view.epochs else None
    time = f" So far an epoch took about {approximate_duration(seconds_per_epoch)}." if seconds_per_epoch else ""
    details = f"A new run continues from its last checkpoint; this run and its model stay as they are.{time}"
    if view.folds:
        details += (
            f" Its {view.folds} folds are trained from the beginning, each for all epochs, since the score is of models trained alike."
        )
    train = Button("confirm-more-epochs", "Train", code=run, primary=True)
    return Question(
        f"Train {_quoted([title])} for more epochs.",
        details,
        (train, Button("cancel", "Cancel")),
        Field("More epochs", "1", _MAX_EPOCHS, "number"),
    )


def _delete(studio: Studio, ids: str) -> Question:
    views, titles = selected_runs(studio, ids)
    live = [titles[view.id] for view in views if view.live]
    if live:
        raise RunError(f"{_quoted(live)} cannot be deleted while training or waiting. Stop or deselect it first.", code="run_is_live")
    if not views:
        raise NotFoundError("These runs no longer exist.", code="no_run_chosen")
    freed = file_size(sum(current_workspace(studio).storage.run_bytes(view.id) for view in views))
    models = "model, " if any(view.has_model for view in views) else ""
    details = (
        f"{'Its' if len(views) == 1 else 'Their'} {models}curves, scores and {'copy' if len(views) == 1 else 'copies'} of the data are lost for good. "
        f"This frees {freed} of disk space. {_copies_sentences(studio, views, titles)}Your own files stay as they are."
    )
    label = "Delete it for good" if len(views) == 1 else f"Delete {len(views)} runs for good"
    names = _quoted([titles[view.id] for view in views])
    return Question(f"Delete {names}?", details, (_harmful("confirm-delete", label, ids), Button("cancel", "Keep")))


def _copies_sentences(studio: Studio, views: Sequence[RunView], titles: Mapping[str, str]) -> str:
    """What else is deleted with these runs, and where copies of their files stay, in sentences."""
    copies, possessive = current_workspace(studio).storage.find_copies([view.id for view in views]), "its" if len(views) == 1 else "their"
    sentences = []
    if copies.drafts_to_delete:
        n_files = len(copies.drafts_to_delete)
        sentences.append(f"{pluralize(n_files, 'file')} opened before with the same content {'is' if n_files == 1 else 'are'} deleted too.")
    if n_labelled := sum(len(current_workspace(studio).files.of_run(view.id)) for view in views):
        models = "it" if len(views) == 1 else "they"
        sentences.append(f"{pluralize(n_labelled, 'file')} that {models} labelled {'is' if n_labelled == 1 else 'are'} deleted too.")
    if copies.open_draft is not None:
        sentences.append(f"{copies.open_draft.main.name} is open on the Data tab and stays there until you remove it.")
    if copies.other_runs:
        names = _quoted([titles[run] for run in copies.other_runs if run in titles])
        sentences.append(
            f"{names} {'was' if len(copies.other_runs) == 1 else 'were'} trained on the same file and {'keeps' if len(copies.other_runs) == 1 else 'keep'} a copy of {possessive} data."
        )
    return "".join(f"{sentence} " for sentence in sentences)


def _free(studio: Studio, run: str) -> Question:
    _, title = _single_run(studio, run)
    freed = next((usage.checkpoints for usage in current_workspace(studio).storage.usage().runs if usage.id == run), 0)
    details = (
        f"The training cannot be continued afterwards; its model, scores and curves stay. This frees {file_size(freed)} of disk space."
    )
    delete = _harmful("confirm-free", "Delete checkpoints", run)
    return Question(f"Delete the checkpoints of {_quoted([title])}?", details, (delete, Button("cancel", "Keep them")))


def _remove_draft(studio: Studio, draft_id: str) -> Question:
    draft = next((summary for summary in current_workspace(studio).drafts.summaries() if summary.id == draft_id), None)
    if draft is None:
        raise NotFoundError("This file no longer exists. Open it again.", code="unknown_draft")
    details = (
        "Its columns, repairs and class names are lost, and the page's copies of its upload are deleted too. Runs that were "
        f"trained on it, and your own file, stay as they are. This frees up to {file_size(draft.bytes)} of disk space."
    )
    return Question(
        f"Remove {_quoted([draft.name])}?", details, (_harmful("confirm-remove-draft", "Remove it", draft_id), Button("cancel", "Keep"))
    )


def _clear(studio: Studio, _: str) -> Question:
    freed = file_size(current_workspace(studio).storage.usage().uploads)
    details = (
        "They belong to files that were opened more than an hour ago and are no longer needed: opened files and runs have copies of their own. "
        f"This frees up to {freed} of disk space."
    )
    return Question("Clear old copies of uploads?", details, (_harmful("confirm-clear", "Clear them", ""), Button("cancel", "Keep")))


def _more(studio: Studio, ids: str) -> Question:
    """All actions for the selected runs, for a screen whose footer has no space for them."""
    views, titles = selected_runs(studio, ids)
    if not views:
        raise NotFoundError("These runs no longer exist.", code="no_run_chosen")
    buttons = (*reversed(runs_footer.other_buttons(views)), Button("deselect", "Deselect"), Button("cancel", "Close"))
    return Question(runs_footer.selection_message(views, titles), buttons=buttons)


def _single_run(studio: Studio, run: str) -> tuple[RunView, str]:
    views, titles = selected_runs(studio, run)
    if len(views) != 1:
        raise NotFoundError("This run no longer exists.", code="no_run_chosen")
    return views[0], titles[views[0].id]


def _quoted(names: Sequence[str]) -> str:
    """Names for a sentence, in full: what distinguishes two runs is at the end of their names."""
    shown = ", ".join(f"“{name}”" for name in names[:_MAX_NAMES])
    return shown if len(names) <= _MAX_NAMES else f"{shown} and {len(names) - _MAX_NAMES:,} more"


def _delete_everything(studio: Studio, _: str) -> Question:
    workspace = current_workspace(studio)
    n_runs, n_files = len(workspace.library.runs()), len(workspace.drafts.summaries())
    return Question(
        "Delete everything of yours?",
        f"{pluralize(n_runs, 'run')} with models, curves and scores, {pluralize(n_files, 'opened file')} with your decisions on labels, and all "
        "results are lost for good. What is training now stops first.",
        (_harmful("confirm-delete-everything", "Delete everything", ""), Button("cancel", "Cancel")),
    )


def _harmful(action: str, title: str, code: str) -> Button:
    return Button(action, title, code=code, elem_id="harmful")


_QUESTIONS: Mapping[str, Callable[[Studio, str], Question]] = {
    "rename": _rename,
    "more-epochs": _more_epochs,
    "delete": _delete,
    "free": _free,
    "remove-draft": _remove_draft,
    "clear": _clear,
    "delete-everything": _delete_everything,
    "more": _more,
}
