"""Two finished runs, one to be damaged: everything that uses a run, and checks of what must keep working."""

import json
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from trainer.charts.curves import accuracy_chart, loss_chart
from trainer.cli import lists
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.evaluation.curves import RunCurves
from trainer.evaluation.diagnostics import check_training
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.ui import endpoints, results_tab, runs_list, train_view
from trainer.ui.run_names import title
from trainer.ui.status_bar import status_bar_html
from trainer.workspace import Workspace

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
TEXTS = ["happy sunny laugh", "lonely tears"]


@dataclass(frozen=True)
class Pair:
    """A runs folder with two finished runs; one is damaged, the other must be unaffected."""

    studio: Studio
    run: str
    other: str

    @property
    def workspace(self) -> Workspace:
        return self.studio.for_owner(LOCAL_OWNER)

    @property
    def folder(self) -> Path:
        return self.studio.settings.runs_dir / self.run

    def reopened(self) -> "Pair":
        """The same files in a new studio that trains nothing."""
        return replace(self, studio=open_studio(self.studio.settings, self.studio.encoders, self.studio.reader))


def open_studio(settings: Settings, encoders: Any, reader: FileReader) -> Studio:
    """A studio that trains nothing."""
    studio = Studio(settings, encoders=encoders, reader=reader)
    studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
    return studio


def render_everywhere(view: RunView) -> str:
    """Everything that the page, the API and the terminal render of a view; this must not raise."""
    pieces = [
        runs_list.table_html([view], {view.id: title(view)}, {}),
        runs_list.version([view]),
        status_bar_html([view], {view.id: title(view)}, None, now=view.queued),
        train_view.head(view, title(view)),
        train_view.details(view, check_training(view, None)),
        train_view.footer(view, None, None),
        str(loss_chart(RunCurves.from_view(view))),
        str(accuracy_chart(RunCurves.from_view(view))),
        json.dumps(endpoints._progress(view), allow_nan=False),
        json.dumps(lists._run_json(view, Path("x")), allow_nan=False),
        *(d.sentence for d in check_training(view, None)),
    ]
    return "".join(pieces).encode("utf-8").decode()


def show_results(pair: Pair) -> Any:
    """The updates of the Results tab, by the names of its components."""
    tab = results_tab.ResultsTab(*(component.name for component in fields(results_tab.ResultsTab)))
    return results_tab.show(tab, pair.studio, pair.run)


def render_results(pair: Pair) -> str:
    return show_results(pair)["headline"]


def read_zip(pair: Pair) -> list[tuple[str, bytes]]:
    target = pair.folder.parent / "model.zip"
    pair.workspace.models.write_zip(pair.run, target)
    with zipfile.ZipFile(target) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def compare_pair(pair: Pair) -> Any:
    comparison = pair.workspace.library.compare([pair.run, pair.other])
    return [(run.recipe, run.scores, run.problem) for run in comparison.runs], [paired.p_value for _, paired in comparison.paired]


USES: dict[str, Callable[[Pair], Any]] = {
    "view": lambda p: replace(p.workspace.library.view(p.run), damage=()),
    "recipe": lambda p: p.workspace.library.recipe(p.run),
    "reports": lambda p: [r.to_dict() for r in vars(p.workspace.library.reports(p.run)).values()],
    "compare": compare_pair,
    "predict": lambda p: [q.probabilities.tolist() for q in p.workspace.models.predict(p.run, TEXTS)[1]],
    "zip": read_zip,
    "rows": lambda p: [pipeline.load_run_rows(Run(p.folder))[0].texts, pipeline.load_run_rows(Run(p.folder))[0].label_ids.tolist()],
    "source": lambda p: (p.folder / "source").read_bytes() if not p.workspace.library.damage(p.run) else None,
    "resume": lambda p: p.workspace.resume(p.run, more_epochs=1).status,
}


def try_all_uses(pair: Pair) -> tuple[dict[str, Any], set[str], list[str]]:
    """The value of each use, the uses refused with a message, and all other errors."""
    values, refused, raised = {}, set(), []
    for name, use in USES.items():
        try:
            values[name] = use(pair)
        except UserError as error:
            refused.add(name)
            if not error.message.endswith("."):
                raised.append(f"{name}: not a sentence: {error.message}")
        except Exception as error:
            raised.append(f"{name}: {type(error).__name__}: {error}"[:200])
    return values, refused, raised


def check_the_rest_works(pair: Pair) -> None:
    """The list of runs, the change token and the recovery of a server work, and the other run is undamaged."""
    workspace = pair.workspace
    views = {view.id: view for view in workspace.library.runs()}
    assert set(views) == {pair.run, pair.other}
    assert not views[pair.other].damage
    assert not workspace.library.damage(pair.other)
    for view in views.values():
        assert render_everywhere(replace(view, damage=workspace.library.damage(view.id)))
    assert workspace.change_token()
    pair.studio.recover()


def check_rename_and_delete(pair: Pair) -> None:
    workspace, view = pair.workspace, pair.workspace.library.view(pair.run)
    assert workspace.library.rename(pair.run, "another name").name == "another name"
    if view.live:
        workspace.stop(pair.run)
    workspace.delete(pair.run)
    # An earlier use may have created a child run.
    for child in [view for view in workspace.library.runs() if view.parent == pair.run]:
        workspace.stop(child.id)
        workspace.delete(child.id)
    assert [view.id for view in workspace.library.runs()] == [pair.other]
    assert not pair.folder.exists()


def line(event: dict[str, Any], *, checksum: bytes | None = None) -> bytes:
    body = json.dumps({**event, "crc": ""}).encode()[:-2]
    return body + (checksum or b"%08x" % zlib.crc32(body)) + b'"}\n'


def log_of(events: list[dict[str, Any]], *, wrong_checksum_at: int | None = None) -> bytes:
    """The chained lines of a log; one line may have a wrong checksum."""
    lines: list[bytes] = []
    for i, event in enumerate(events):
        previous = {"previous": lines[-1][-11:-3].decode()} if lines else {}
        lines.append(line({**event, **previous}, checksum=b"00000000" if i == wrong_checksum_at else None))
    return b"".join(lines)
