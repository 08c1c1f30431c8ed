"""Public mode: budgets, and what happens to the work of a visitor who does not come back."""

import json
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workspace.steps import RECIPE, TIMEOUT_SECONDS, FakeTrainings, Hold
from trainer.errors import UserError
from trainer.jobs import queue_limits
from trainer.jobs.execution import time_limit
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, PUBLIC, TEAM, Settings
from trainer.studio import Studio
from trainer.switches import Switches
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.visits import Visits

ONE, TWO = "visitor-1", "visitor-2"
DAY = 24 * 3600


@pytest.fixture
def public(studio: Studio) -> Studio:
    """A studio in public mode, whose budgets the tests set."""
    studio.settings = replace(studio.settings, mode=PUBLIC, keep_seconds=DAY)
    return studio


def test_settings_of_public_mode_are_tight_and_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "EMOTUNE_MODE", "EMOTUNE_ROWS"):
        monkeypatch.delenv(name, raising=False)
    local, public = Settings.from_environment(), Settings.from_environment(public=True)
    assert (local.mode.name, local.max_rows, local.max_starts_per_hour) == ("local", 1_000_000, 0)
    assert (public.mode.name, public.max_rows, public.max_starts_per_hour, public.max_drafts) == ("public", 20_000, 5, 3)
    assert public.file_limits["max_bytes"] == 30 * 1024 * 1024
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    monkeypatch.setenv("EMOTUNE_ROWS", "500")
    assert (Settings.from_environment().mode, Settings.from_environment().max_rows) == (PUBLIC, 500)
    monkeypatch.setenv("EMOTUNE_MODE", "local")
    assert Settings.from_environment().mode.name == "local"
    monkeypatch.setenv("EMOTUNE_MODE", "open")
    with pytest.raises(UserError, match="EMOTUNE_MODE must be one of local, team, public"):
        Settings.from_environment()


def test_a_team_has_the_limits_of_one_person_and_its_users_work_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUNE_MODE", "team")
    team = Settings.from_environment()
    assert (team.mode, team.max_rows, team.keep_seconds, team.max_starts_per_hour) == (TEAM, 1_000_000, 0, 0)
    assert team.mode.separate_visitors
    assert not team.mode.anonymous


def test_a_visitor_who_stays_away_is_forgotten_and_nobody_else(public: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (ONE, TWO, LOCAL_OWNER):
        public.for_owner(owner).drafts.open_files({"main": (small_csv.name, small_csv)})
    public.visits.record(ONE)
    public.visits.record(TWO)
    later = time.time() + DAY + 1
    monkeypatch.setattr(time, "time", lambda: later)
    public.visits.record(TWO)
    # Who is here without having anything yet may be sending it.
    public.visits.record("visitor-3")
    public.forget_visitors()
    left = {owner: len(public.for_owner(owner).drafts.summaries()) for owner in (ONE, TWO, LOCAL_OWNER)}
    assert left == {ONE: 0, TWO: 1, LOCAL_OWNER: 1}
    assert set(json.loads(public.settings.visits_file.read_text())) == {TWO, "visitor-3"}


def test_visits_survive_a_restart_and_an_unknown_visitor_counts_from_it(tmp_path: Path) -> None:
    visits = Visits(tmp_path / "visits.json")
    visits.record(ONE)
    seen = visits.last(ONE)
    visits.save({ONE}, 0.0)
    again = Visits(tmp_path / "visits.json")
    assert again.last(ONE) == seen
    # One that is not known counts as here when it is first asked about, not later and later.
    assert again.last(TWO) == again.last(TWO) >= seen
    (tmp_path / "visits.json").write_text("[")
    assert Visits(tmp_path / "visits.json").last(ONE) >= seen


def test_visitors_that_somebody_invents_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.visits._MAX_OWNERS", 3)
    visits = Visits(tmp_path / "visits.json")
    for owner in ("a", "b", "c", "a", "d", "e"):
        visits.record(owner)
    visits.save(["c", "a"], 3600)
    assert json.loads((tmp_path / "visits.json").read_text(encoding="utf-8")).keys() == {"a", "d", "e"}


def test_a_visitor_s_predictions_in_a_minute_are_counted(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    models = studio.for_owner(LOCAL_OWNER).models
    models._settings = replace(studio.settings, max_predictions_per_minute=2)
    for _ in range(2):
        models.predict(view.id, ["fine"])
    with pytest.raises(UserError, match="more than 2 predictions in a minute") as refused:
        models.predict(view.id, ["fine"])
    assert refused.value.code == "too_many_predictions"


def test_starts_in_an_hour_are_counted_and_what_is_prepared_stays(public: Studio, small_csv: Path, trainings: FakeTrainings) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = replace(public.settings, max_starts_per_hour=1)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    first = workspace.start(draft.id, RECIPE)
    # Pressed twice, it is the same one and counts once.
    assert workspace.start(draft.id, RECIPE).id == first.id
    with pytest.raises(UserError, match="started 1 training in the last hour") as refused:
        workspace.start(draft.id, replace(RECIPE, seed=99))
    assert refused.value.code == "too_many_starts"
    assert [summary.id for summary in workspace.drafts.summaries()] == [draft.id]
    trainings.release()
    workspace.wait(first.id, TIMEOUT_SECONDS)
    assert workspace.delete_everything()
    assert workspace.library.runs() == []
    assert workspace.drafts.summaries() == ()


def test_a_visitor_keeps_only_so_many_bytes(public: Studio, small_csv: Path) -> None:
    workspace = public.for_owner(ONE)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    workspace._settings = replace(public.settings, max_owner_bytes=1000)
    with pytest.raises(UserError, match="this server keeps at most") as refused:
        workspace.start(draft.id, RECIPE)
    assert refused.value.code == "too_much_kept"
    assert workspace.library.runs() == []


def test_a_training_ends_after_its_time_with_its_best_model_and_says_so(public: Studio, small_csv: Path, hold: Hold) -> None:
    workspace = public.for_owner(ONE)
    view = workspace.start(workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft.id, RECIPE)
    hold.wait_until_started()
    run = Run(public.settings.runs_dir / view.id)
    with time_limit(run, 0.001):
        while not run.is_stop_requested():
            time.sleep(0.01)
    hold.release()
    view = workspace.wait(view.id, TIMEOUT_SECONDS)
    assert view.status == "stopped"
    assert view.has_model
    assert view.message.startswith("It ended after")


def test_what_a_gone_visitor_still_trains_is_stopped_first(public: Studio, small_csv: Path, hold: Hold) -> None:
    workspace = public.for_owner(ONE)
    view = workspace.start(workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft.id, RECIPE)
    hold.wait_until_started()
    assert not workspace.delete_everything()
    hold.release()
    workspace.wait(view.id, TIMEOUT_SECONDS)
    assert workspace.delete_everything()
    assert not (public.settings.runs_dir / view.id).exists()


def test_a_visitor_may_open_nothing_more_once_the_space_is_used(public: Studio, small_csv: Path) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = replace(public.settings, max_owner_bytes=1000)
    workspace.drafts.open_files({"main": (small_csv.name, small_csv)})
    with pytest.raises(UserError, match="this server keeps at most") as refused:
        workspace.drafts.open_files({"main": (small_csv.name, small_csv)})
    assert refused.value.code == "too_much_kept"
    with pytest.raises(UserError, match="this server keeps at most"):
        workspace.jobs.start("audit", name="audit", parameters={})


def test_an_upload_that_another_visitor_has_sent_too_stays(public: Studio, small_csv: Path) -> None:
    upload = public.settings.uploads_dir / "f00d" / small_csv.name
    upload.parent.mkdir(parents=True)
    upload.write_bytes(small_csv.read_bytes())
    drafts = {}
    for owner in (ONE, TWO):
        public.uploads.add(owner, [str(upload)])
        drafts[owner] = public.for_owner(owner).drafts.open_files({"main": (upload.name, upload)}).draft.id
    public.for_owner(ONE).drafts.remove(drafts[ONE])
    assert upload.exists()
    assert not public.uploads.owns(ONE, upload)
    public.for_owner(TWO).drafts.remove(drafts[TWO])
    assert not upload.exists()


def test_when_everything_is_deleted_so_are_files_that_were_sent_and_not_opened(public: Studio) -> None:
    mine, shared = (public.settings.uploads_dir / folder / "secret.csv" for folder in ("f00d", "cafe"))
    for file in (mine, shared):
        file.parent.mkdir(parents=True)
        file.write_text("no table")
    public.uploads.add(ONE, [str(mine), str(shared)])
    public.uploads.add(TWO, [str(shared)])
    assert public.for_owner(ONE).delete_everything()
    assert not mine.parent.exists()
    assert shared.exists()
    assert not public.uploads.owns(ONE, shared)
    assert public.uploads.owns(TWO, shared)
    assert public.for_owner(TWO).delete_everything()
    assert not shared.exists()


def test_no_file_is_opened_when_the_disk_is_nearly_full(public: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = public.settings
    monkeypatch.setattr(queue_limits, "_free_bytes", lambda settings: settings.min_free_bytes - 1)
    with pytest.raises(UserError, match="opening a file needs at least") as refused:
        workspace.drafts.open_files({"main": (small_csv.name, small_csv)})
    assert refused.value.code == "disk_full"
    assert not list(public.settings.runs_dir.glob("drafts/*"))


def test_without_uploads_no_file_of_a_run_is_opened_anew(public: Studio, small_csv: Path, trainings: FakeTrainings) -> None:
    workspace = public.for_owner(ONE)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    view = workspace.start(draft.id, RECIPE)
    switches = Switches(public.settings.runs_dir)
    switches.turn("no-uploads", on=True)
    # What is there can be looked at.
    assert workspace.prepare_again(view.id)[0].draft.id == draft.id
    workspace.drafts.remove(draft.id)
    with pytest.raises(UserError) as refused:
        workspace.prepare_again(view.id)
    assert refused.value.code == "switched_off"
    assert workspace.drafts.summaries() == ()


def test_with_full_memory_nothing_is_read_and_what_is_there_stays(public: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = replace(public.settings, max_memory_percent=85)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    monkeypatch.setattr("trainer.workspace.used_memory_share", lambda: 0.86)
    for read in (
        lambda: workspace.drafts.open_files({"main": (small_csv.name, small_csv)}),
        lambda: workspace.inspect(small_csv),
        lambda: workspace.jobs.start("audit", name="audit", parameters={}),
    ):
        with pytest.raises(UserError) as refused:
            read()
        assert refused.value.code == "memory_full"
    assert [summary.id for summary in workspace.drafts.summaries()] == [draft.id]
    # Without a limit nobody asks.
    workspace._settings = replace(public.settings, max_memory_percent=0)
    assert workspace.inspect(small_csv)


def test_pages_of_one_visitor_are_counted_apart_from_those_of_others(public: Studio) -> None:
    for owner in (ONE, TWO):
        pages = replace(public.for_owner(owner).pages, of_owner=1)
        pages.admit("a")
        with pytest.raises(UserError) as refused:
            pages.admit("b")
        assert refused.value.code == "too_many_pages"
        pages.close("a")
        pages.admit("b")


def test_a_resume_counts_as_a_start(public: Studio, small_csv: Path, trainings: FakeTrainings) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = replace(public.settings, max_starts_per_hour=2)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    workspace.start(draft.id, RECIPE)
    waiting = workspace.start(draft.id, replace(RECIPE, seed=99))
    workspace.stop(waiting.id)
    with pytest.raises(UserError, match="started 2 trainings in the last hour"):
        workspace.resume(waiting.id)


def test_a_resume_that_is_refused_or_pressed_twice_is_not_counted(public: Studio, small_csv: Path, trainings: FakeTrainings) -> None:
    workspace = public.for_owner(ONE)
    workspace._settings = replace(public.settings, max_starts_per_hour=2)
    draft = workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft
    view = workspace.start(draft.id, RECIPE)
    for run_id in ("0" * 32, view.id, view.id):  # unknown, and one that is waiting or training
        with suppress(UserError):
            workspace.resume(run_id)
    trainings.wait_until_started(view)
    workspace.stop(view.id)
    trainings.release()
    workspace.wait(view.id, TIMEOUT_SECONDS)
    for _ in range(3):
        with pytest.raises(UserError) as refused:
            workspace.resume(view.id)
        assert refused.value.code != "too_many_starts"
    workspace.start(draft.id, replace(RECIPE, seed=99))


def test_visitors_choose_among_the_encoders_on_offer(tiny_encoder: Encoder) -> None:
    assert EncoderCatalogue([tiny_encoder]).get("someone/another").repository == "someone/another"
    with pytest.raises(UserError, match="This server offers no others") as refused:
        EncoderCatalogue([tiny_encoder], others=False).get("someone/another")
    assert refused.value.code == "unknown_encoder"
