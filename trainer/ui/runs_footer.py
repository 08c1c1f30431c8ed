"""The foot of the Runs tab: what is ticked, and what can be done with it."""

from collections.abc import Mapping, Sequence

from trainer.library import MOST_COMPARED
from trainer.runs.resume import can_resume
from trainer.runs.view import RunView
from trainer.ui import shell
from trainer.ui.buttons import Button


def footer(chosen: Sequence[RunView], titles: Mapping[str, str], *, any_runs: bool, near: str = "") -> str:
    """``chosen`` are the runs that are ticked, ``titles`` by id; ``near`` says which limit is near. A narrow screen shows the first button and leads to the others by "More"."""
    if not any_runs:
        return shell.footer_html("First a table, then a run.", Button("to-data", "Open a file", primary=True))
    if not chosen:
        may = f"Press a run's name to open it. Tick runs to rename, train further or delete them, 2 to {MOST_COMPARED} to compare."
        return shell.footer_html(f"{near} {may}".strip())
    more = Button("more", "More …", code=_ids(chosen)).html
    others = "".join(press.html for press in other_buttons(chosen))
    first = main_button(chosen)
    return (
        shell.footer_html(selection_message(chosen, titles))
        + f'<span class="em-acts">{Button("untick", "Untick", link=True).html}{others}</span><span class="em-runs-more">{more}</span>'
        + (first.html if first else "")
    )


def selection_message(chosen: Sequence[RunView], titles: Mapping[str, str]) -> str:
    """What is ticked, in a sentence."""
    if len(chosen) == 1:
        damaged = " It is damaged, as its line says." if chosen[0].damage else ""
        return f"{titles[chosen[0].id]} is ticked.{damaged}"
    many = f" At most {MOST_COMPARED} can be compared." if len(chosen) > MOST_COMPARED else ""
    return f"{len(chosen)} runs are ticked.{many}"


def main_button(chosen: Sequence[RunView]) -> Button | None:
    """What one most likely wants to do with these runs."""
    if len(chosen) == 1:
        return Button("open", "Open", code=chosen[0].id, primary=True, elem_id="open-run")
    if 2 <= len(chosen) <= MOST_COMPARED:
        return Button("compare", "Compare", code=_ids(chosen), primary=True, elem_id="compare-runs")
    return None


def other_buttons(chosen: Sequence[RunView]) -> list[Button]:
    """What else can be done with these runs, the least wanted first."""
    delete = Button("delete", "Delete", code=_ids(chosen))
    if len(chosen) != 1:
        return [delete]
    view = chosen[0]
    onward = []
    if view.status == "finished":
        onward = [Button("further", "More epochs", code=view.id)]
    elif can_resume(view):
        onward = [Button("go-on", "Resume", code=view.id)]
    again = [] if view.status == "damaged" else [Button("again", "Train again with changes", code=view.id)]
    return [delete, Button("rename", "Rename", code=view.id), *onward, *again]


def _ids(views: Sequence[RunView]) -> str:
    return " ".join(view.id for view in views)
