"""How many zips of models are written at once, and that each makes room for the next."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from tests.security.client import ask
from trainer.data.reader.file_reader import FileReader
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import downloads


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Studio]:
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("downloads") / "runs"), encoders=[tiny_encoder], reader=reader)
    yield studio
    studio.close()


def test_a_refused_download_makes_room_for_the_next(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_MAX_ZIPS", 2)
    app = Starlette(routes=downloads.download_routes(studio))
    assert [ask(app, path="/download/unknown").status_code for _ in range(4)] == [404] * 4


def test_more_downloads_at_once_are_refused_in_a_sentence(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(downloads, "_MAX_ZIPS", 0)
    monkeypatch.setattr(downloads.tempfile, "tempdir", str(tmp_path))
    answer = ask(Starlette(routes=downloads.download_routes(studio)), path="/download/unknown")
    assert answer.status_code == 503
    assert answer.text == "Many models are downloaded from this server at the moment. Try again in a minute."
    assert list(tmp_path.iterdir()) == []
