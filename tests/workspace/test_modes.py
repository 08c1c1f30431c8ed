"""Expiry, switches and a nearly full disk in each mode: what is refused, and that nothing of anybody who is there is lost. Restarts: ``test_restart.py``."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.workspace.steps import QUICK, TIMEOUT_SECONDS, FakeTrainings, refused, start_run
from trainer.data.reader.file_reader import FileReader
from trainer.jobs import queue_limits
from trainer.runs.view import RunView
from trainer.settings import LOCAL, LOCAL_OWNER, PUBLIC, TEAM, Settings
from trainer.studio import Studio
from trainer.switches import Switches
from trainer.training.encoders import Encoder

DAY = 24 * 3600


@dataclass
class Server:
    """A server on which the first owner trains; the second one's training, if there is one, waits."""

    studio: Studio
    owners: tuple[str, ...]
    views: tuple[RunView, ...]

    def work(self, owner: str) -> tuple[list[tuple[str, str]], list[str]]:
        """An owner's runs with their statuses, and opened files."""
        workspace = self.studio.for_owner(owner)
        return [(view.id, view.status) for view in workspace.library.runs()], [draft.id for draft in workspace.drafts.summaries()]


@pytest.fixture(
    params=[
        (LOCAL, 0, (LOCAL_OWNER,)),
        (TEAM, 0, ("user-ada", "user-bob")),
        # The model of a public server has tests of its own.
        (replace(PUBLIC, offers_model=False), DAY, ("visitor-1", "visitor-2")),
    ],
    ids=["local", "team", "public"],
)
def server(
    request: pytest.FixtureRequest,
    settings: Settings,
    tiny_encoder: Encoder,
    reader: FileReader,
    small_csv: Path,
    trainings: FakeTrainings,
) -> Iterator[Server]:
    mode, keep_seconds, owners = request.param
    studio = Studio(replace(settings, mode=mode, keep_seconds=keep_seconds), encoders=[tiny_encoder], reader=reader)
    views = tuple(start_run(studio, small_csv, owner=owner) for owner in owners)
    trainings.wait_until_started(views[0])
    for owner in owners:
        studio.visits.record(owner)
    yield Server(studio, owners, views)
    trainings.release()
    studio.close()


def test_only_who_stays_away_from_a_public_server_is_forgotten(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {owner: server.work(owner) for owner in server.owners}
    later = time.time() + DAY + 1
    monkeypatch.setattr(time, "time", lambda: later)
    server.studio.visits.record(server.owners[0])
    server.studio._look_after()
    after = {owner: server.work(owner) for owner in server.owners}
    gone = {server.owners[-1]: ([], [])} if server.studio.settings.mode.anonymous else {}
    assert after == before | gone
    assert after[server.owners[0]][0] == [(server.views[0].id, "running")]


def test_switches_and_a_full_disk_refuse_what_is_new_and_take_nothing(
    server: Server, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, switches = server.studio, Switches(server.studio.settings.runs_dir)
    before = {owner: server.work(owner) for owner in server.owners}

    def refused_now(code: str, *, trainings: bool, files: bool) -> None:
        for owner in server.owners:
            workspace = studio.for_owner(owner)
            if trainings:
                with refused(code):
                    workspace.start(workspace.drafts.summaries()[0].id, replace(QUICK, seed=9))
            if files:
                with refused(code):
                    workspace.drafts.open_files({"main": (small_csv.name, small_csv)})
            assert server.work(owner) == before[owner]

    for name, trainings, files in (
        ("no-uploads", False, True),
        ("no-trainings", True, False),
        ("read-only", True, True),
        ("stop-all", True, False),
    ):
        switches.turn(name, on=True)
        refused_now("switched_off", trainings=trainings, files=files)
        switches.turn(name, on=False)
    with monkeypatch.context() as full:
        full.setattr(queue_limits, "_free_bytes", lambda settings: settings.min_free_bytes - 1)
        # Who owns the disk may look at a file to decide what to remove.
        refused_now("disk_full", trainings=True, files=studio.settings.mode.separate_visitors)


def test_what_runs_and_waits_is_stopped_and_stays_with_its_owner(server: Server, trainings: FakeTrainings) -> None:
    files = {owner: server.work(owner)[1] for owner in server.owners}
    Switches(server.studio.settings.runs_dir).turn("stop-all", on=True)
    server.studio._look_after()
    trainings.release()
    for owner, view, status in zip(server.owners, server.views, ("stopped", "cancelled"), strict=False):
        assert server.studio.for_owner(owner).wait(view.id, TIMEOUT_SECONDS).status == status
        assert server.work(owner) == ([(view.id, status)], files[owner])
