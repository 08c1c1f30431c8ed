"""Settings from the environment: who is served, and limits."""

from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.settings import Settings


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
