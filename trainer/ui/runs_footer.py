"""The footer of the Runs tab: the selected runs and the actions for them."""

from collections.abc import Mapping, Sequence

from trainer.run_library import MAX_COMPARED_RUNS
from trainer.runs.resume_rules import has_epochs, is_worth_resuming
from trainer.runs.view import RunView
from trainer.ui import page_frame
from trainer.ui.buttons import Button


def footer(selected: Sequence[RunView], titles: Mapping[str, str], *, any_runs: bool, limit_notice: str = "") -> str:
    """The footer for the ``selected`` runs; ``titles`` are by id, ``limit_notice`` says which limit is close.

    A narrow screen shows the main button and a "More" button for the others.
    """
    if not any_runs:
        return page_frame.footer_html("Open a table first, then train a model.", Button("to-data", "Open a file", primary=True))
    if not selected:
        hint = f"Press a run's name to open it. Select runs to rename, continue or delete them, 2 to {MAX_COMPARED_RUNS} to compare."
        return page_frame.footer_html(f"{limit_notice} {hint}".strip())
    more_button = Button("more", "More …", code=_ids(selected)).html
    others = "".join(button.html for button in other_buttons(selected))
    primary = main_button(selected)
    return (
        page_frame.footer_html(selection_message(selected, titles))
        + f'<span class="em-run-buttons">{Button("deselect", "Deselect", link=True).html}{others}</span><span class="em-runs-more">{more_button}</span>'
        + (primary.html if primary else "")
    )


def selection_message(selected: Sequence[RunView], titles: Mapping[str, str]) -> str:
    """The selected runs, in a sentence."""
    if len(selected) == 1:
        damaged = " It is damaged: see its row." if selected[0].damage else ""
        return f"{titles[selected[0].id]} is selected.{damaged}"
    limit = f" At most {MAX_COMPARED_RUNS} can be compared." if len(selected) > MAX_COMPARED_RUNS else ""
    return f"{len(selected)} runs are selected.{limit}"


def main_button(selected: Sequence[RunView]) -> Button | None:
    """The most likely action for these runs."""
    if len(selected) == 1:
        return Button("open", "Open", code=selected[0].id, primary=True, elem_id="open-run")
    if 2 <= len(selected) <= MAX_COMPARED_RUNS:
        return Button("compare", "Compare", code=_ids(selected), primary=True, elem_id="compare-runs")
    return None


def other_buttons(selected: Sequence[RunView]) -> list[Button]:
    """The other actions for these runs, the least likely first."""
    delete = Button("delete", "Delete", code=_ids(selected))
    if len(selected) != 1:
        return [delete]
    view = selected[0]
    continue_buttons = []
    if view.status == "finished" and has_epochs(view):
        continue_buttons = [Button("more-epochs", "More epochs", code=view.id)]
    elif is_worth_resuming(view):
        continue_buttons = [Button("resume", "Resume", code=view.id)]
    train_again = [] if view.status == "damaged" else [Button("again", "Train again with changes", code=view.id)]
    return [delete, Button("rename", "Rename", code=view.id), *continue_buttons, *train_again]


def _ids(views: Sequence[RunView]) -> str:
    return " ".join(view.id for view in views)
