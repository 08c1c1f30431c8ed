"""How many zips of models are on their way at once, that each makes room for the next, and that one visitor leaves room for others."""

from pathlib import Path

import pytest
from starlette.applications import Starlette

from tests.security.client import ask
from trainer.download_places import DownloadPlaces
from trainer.errors import UserError
from trainer.studio import Studio
from trainer.ui import downloads


def test_a_refused_download_makes_room_for_the_next(studio: Studio) -> None:
    app = Starlette(routes=downloads.download_routes(studio))
    assert {ask(app, path="/download/unknown").status_code for _ in range(25)} == {404}


def test_more_downloads_at_once_are_refused_in_a_sentence(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    take = studio.for_owner("local").take_download_place
    frees = [take() for _ in range(20)]
    monkeypatch.setattr(downloads.tempfile, "tempdir", str(tmp_path))
    app = Starlette(routes=downloads.download_routes(studio))
    answer = ask(app, path="/download/unknown")
    assert answer.status_code == 503
    assert answer.text == "Many models are downloaded from this server at the moment. Try again in a minute."
    assert list(tmp_path.iterdir()) == []
    frees[0]()
    assert ask(app, path="/download/unknown").status_code == 404


def test_one_visitor_leaves_room_for_others() -> None:
    places = DownloadPlaces(of_owner=2, in_all=3)
    free, _ = places.take("visitor-1"), places.take("visitor-1")
    with pytest.raises(UserError, match=r"^2 models are on their way to you already") as refused:
        places.take("visitor-1")
    assert refused.value.code == "too_many_downloads"
    places.take("visitor-2")
    with pytest.raises(UserError, match=r"^Many models are downloaded"):
        places.take("visitor-3")
    free()
    places.take("visitor-3")
