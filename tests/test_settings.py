"""Settings from the environment: who is served, and limits."""

from pathlib import Path

import pytest

from trainer import settings
from trainer.errors import UserError
from trainer.settings import Settings
from trainer.ui.launch import storage_notice
from trainer.ui.take_away_view import FORGETS, take_away_html


def test_who_is_served_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("EMOTUNE_PASSWORD", "EMOTUNE_HOSTS", "SPACE_ID", "SPACE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path))
    unshared = Settings.from_environment()
    assert (unshared.password, unshared.hosts, unshared.space) == ("", (), False)
    monkeypatch.setenv("EMOTUNE_PASSWORD", "open sesame")
    monkeypatch.setenv("EMOTUNE_HOSTS", " emotune.example.org ,, *.example.net")
    monkeypatch.setenv("SPACE_ID", "me/emotune")
    monkeypatch.setenv("SPACE_HOST", "me-emotune.hf.space")
    shared = Settings.from_environment()
    assert (shared.password, shared.space) == ("open sesame", True)
    assert shared.hosts == ("emotune.example.org", "*.example.net", "me-emotune.hf.space")
    assert "sesame" not in repr(shared)


@pytest.mark.parametrize(("name", "field"), [("EMOTUNE_FREE_GB", "min_free_bytes"), ("EMOTUNE_UPLOADS_GB", "max_uploads_bytes")])
def test_limits_come_from_the_environment(name: str, field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path))
    assert getattr(Settings.from_environment(), field) == 1000**3
    monkeypatch.setenv(name, "0.5")
    assert getattr(Settings.from_environment(), field) == 500_000_000
    monkeypatch.setenv(name, "much")
    with pytest.raises(UserError, match=name):
        Settings.from_environment()


def test_a_space_without_a_bucket_says_that_it_forgets_and_one_with_a_bucket_keeps_its_runs_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("EMOTUNE_RUNS", "EMOTUNE_MODE", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    mounted: set[Path] = {Path("/")}
    monkeypatch.setattr(settings, "SPACE_BUCKET", tmp_path)
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path) in mounted)
    assert not Settings.from_environment().forgets
    monkeypatch.setenv("SPACE_ID", "me/emotune")
    asleep = Settings.from_environment()
    assert asleep.forgets
    assert not asleep.runs_dir.is_relative_to(tmp_path)
    assert FORGETS in storage_notice(asleep, "0.0.0.0")
    assert FORGETS in take_away_html("a", None, None, None, forgets=asleep.forgets)
    mounted.add(tmp_path)
    kept = Settings.from_environment()
    assert not kept.forgets
    assert kept.runs_dir.is_relative_to(tmp_path)
    assert FORGETS not in storage_notice(kept, "0.0.0.0")
    assert FORGETS not in take_away_html("a", None, None, None, forgets=kept.forgets)
    # A folder that somebody names may be on another mounted disk, or on none.
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    assert not Settings.from_environment().forgets
    monkeypatch.setenv("EMOTUNE_RUNS", "/elsewhere/runs")
    assert Settings.from_environment().forgets
