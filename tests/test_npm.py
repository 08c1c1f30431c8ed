"""Files of npm packages: fetched once from the registry that is named, checked, kept; refused in words."""

import base64
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.npm import NpmPackage, read_files


def tarball(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}.js")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


TARBALL = tarball(one=b"first", two=b"second")
PACKAGE = NpmPackage("@some/thing", "1.2.3", f"sha512-{base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()}")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that a registry on this computer is asked for; it knows one package."""
    paths: list[str] = []

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            known = self.path == "/npm/@some/thing/-/thing-1.2.3.tgz"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(TARBALL if known else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_address[1]}/npm/")
    yield paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_are_fetched_once_and_kept(asked: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        assert read_files(PACKAGE, ["two.js", "one.js"], tmp_path / "npm") == {"one.js": b"first", "two.js": b"second"}
    assert asked == ["/npm/@some/thing/-/thing-1.2.3.tgz"]
    (kept,) = (tmp_path / "npm").iterdir()
    kept.write_bytes(TARBALL[:-1])
    assert read_files(PACKAGE, ["one.js"], tmp_path / "npm") == {"one.js": b"first"}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("package", "names", "message"),
    [
        (NpmPackage("@some/thing", "1.2.4", PACKAGE.integrity), ["one.js"], "cannot be reached .status 404."),
        (NpmPackage("@some/thing", "1.2.3", "sha512-AAAA"), ["one.js"], "another checksum"),
        (PACKAGE, ["three.js"], "it has no file three.js"),
    ],
)
def test_what_is_not_to_be_had_is_told(asked: list[str], tmp_path: Path, package: NpmPackage, names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        read_files(package, names, tmp_path)
    assert refused.value.code == "no_npm_package"
    assert refused.value.status == 503


def test_without_a_registry_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="Connect this computer to the internet once, or name another registry"):
        read_files(PACKAGE, ["one.js"], tmp_path)
    assert not list(tmp_path.iterdir())
