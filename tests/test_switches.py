"""Switches: files that are read each time they matter."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.security.client import ask
from tests.security.test_visitors import TOKEN, say_owner
from tests.workspace.steps import RECIPE
from trainer.errors import UserError
from trainer.security.health import HealthMiddleware
from trainer.security.upload_limit import UploadLimitMiddleware
from trainer.security.visitors import HEADER, VisitorMiddleware, owner_of_token
from trainer.studio import Studio
from trainer.switches import SWITCHES, Switches, blocked


def test_a_switch_is_on_until_it_is_turned_off(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    assert switches.on() == ()
    switches.turn("no-uploads", on=True)
    assert Switches(tmp_path).on() == ("no-uploads",)
    assert not switches.uploads_allowed()
    switches.turn("no-uploads", on=False)
    switches.turn("no-uploads", on=False)
    assert switches.uploads_allowed()


@pytest.mark.parametrize("name", ["no-trainings", "read-only", "stop-all"])
def test_no_training_begins_while_one_of_these_is_on(studio: Studio, small_csv: Path, name: str) -> None:
    workspace, switches = studio.for_owner("local"), Switches(studio.settings.runs_dir)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    switches.turn(name, on=True)
    with pytest.raises(UserError, match="switched off on this server") as refused:
        workspace.start(draft.id, replace(RECIPE, epochs=1))
    assert refused.value.code == "switched_off"
    assert workspace.library.runs() == []


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_uploads_are_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    switches = Switches(tmp_path)
    app = UploadLimitMiddleware(
        say_owner,
        path="/upload",
        folder=tmp_path,
        max_files=1,
        max_bytes=1000,
        max_request_bytes=1000,
        is_allowed=switches.uploads_allowed,
    )
    switches.turn(name, on=True)
    if name in ("no-uploads", "read-only"):
        response = ask(app, "POST", "/upload", content=b"x")
        assert (response.status_code, response.text) == (503, "Uploads are switched off on this server at the moment. Try again later.")
    else:
        assert switches.uploads_allowed()


def test_a_blocked_visitor_is_refused_and_no_other(tmp_path: Path) -> None:
    switches = Switches(tmp_path)
    app = VisitorMiddleware(say_owner, runs_dir=tmp_path, framed=False, is_blocked=switches.blocks)
    switches.turn(blocked(owner_of_token(TOKEN)), on=True)
    refused = ask(app, headers={HEADER: TOKEN})
    assert (refused.status_code, refused.json()["code"]) == (403, "blocked")
    assert ask(app, headers={HEADER: "B" * 22}).status_code == 200


def test_what_runs_is_stopped_within_a_round(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = []
    monkeypatch.setattr("trainer.jobs.owner_jobs.OwnerJobs.stop", lambda self, job_id: stopped.append(job_id))
    monkeypatch.setattr(studio._job_store, "list_live", lambda: [type("Job", (), {"id": "a", "owner": "visitor-1"})])
    studio._look_after()
    assert stopped == []
    Switches(studio.settings.runs_dir).turn("stop-all", on=True)
    studio._look_after()
    assert stopped == ["a"]


def test_the_sign_of_life_needs_no_name_and_tells_nothing() -> None:
    app = HealthMiddleware(say_owner)  # which fails without an owner
    response = ask(app, path="/healthz", host="anything.example")
    assert (response.status_code, response.text) == (200, "ok")
    with pytest.raises(LookupError):
        ask(app, "POST", "/healthz")
