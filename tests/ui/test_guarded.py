"""A page behind a password: of all that gradio and we serve, nothing is handed out without it, and everything works with it."""

import re
from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from tests.addresses import free_port
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui.launch import launch


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Iterator:
    """A page with the password "sesame"."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("guarded") / "runs", password="sesame"), encoders=[tiny_encoder])
    blocks = launch(studio, "127.0.0.1", free_port())
    yield blocks
    blocks.close(verbose=False)
    studio.close()


def test_no_route_of_gradio_s_or_ours_answers_without_the_password(page) -> None:
    served = [inner for route in page.app.routes for inner in getattr(getattr(route, "original_router", None), "routes", [route])]
    routes = [(route.path, method) for route in served for method in (getattr(route, "methods", None) or ["GET"])]
    routes += [("/download/x", "GET"), ("/prepared/x/exact", "GET"), ("/labels/x/corrected", "GET")]
    assert len(routes) > 80
    with httpx.Client(base_url=page.local_url, follow_redirects=False) as http:
        for path, method in routes:
            response = http.request(method, re.sub(r"\{[^}]*\}", "x", path))
            if path.rstrip("/") in ("", "/login"):
                assert response.status_code in (200, 303, 400, 401, 429), (method, path)
                assert "gradio" not in response.text
            else:
                assert response.status_code == 401, (method, path)


def test_a_program_that_knows_the_password_gets_in_and_another_does_not(page) -> None:
    with pytest.raises(AuthenticationError):
        Client(page.local_url, verbose=False)
    with pytest.raises(ValueError, match="Could not login"):
        Client(page.local_url, auth=("me", "guess"), verbose=False)
    client = Client(page.local_url, auth=("me", "sesame"), verbose=False)
    with pytest.raises(Exception, match="There is no such run"):
        client.predict("5eed" * 8, api_name="/progress")
    client.close()


def test_the_page_opens_for_whoever_gave_the_password(page) -> None:
    with httpx.Client(base_url=page.local_url, follow_redirects=True) as http:
        assert "Password" in http.get("/").text
        opened = http.post("/login", data={"password": "sesame"}, headers={"accept": "text/html"})
        assert "gradio_config" in opened.text
        assert http.get("/gradio_api/info").status_code == 200
