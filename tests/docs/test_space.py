"""The front matter of README.md, which a Space of the Hugging Face Hub reads."""

import re
from pathlib import Path

import yaml

from trainer.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def front_matter() -> dict:
    _, block, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(block)


def test_a_space_serves_the_app_with_the_pinned_gradio() -> None:
    values = front_matter()
    pinned = re.search(r"^gradio==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert (values["sdk"], values["sdk_version"]) == ("gradio", pinned)
    assert (ROOT / values["app_file"]).is_file()
    # The one on which a Space with ZeroGPU runs, and every other one too.
    assert values["python_version"] == "3.12"
    assert values["license"] == "apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    # The limits of the Hub.
    assert len(values["short_description"]) <= 60


def test_a_space_is_public_unless_it_says_otherwise(monkeypatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/emotune")
    monkeypatch.delenv("EMOTUNE_MODE", raising=False)
    settings = Settings.from_environment()
    assert settings.mode.name == "public"
    assert settings.space
