"""The npm registry: files of pinned packages, fetched once, checked by their published SHA-512, and kept in the user's cache folder.

Knows no package; whoever needs one names it with its release and its checksum. Nothing of a package is run here.
"""

import base64
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_dir

from trainer.atomic import make_folder, write_file
from trainer.errors import UnavailableError

_REGISTRY = "https://registry.npmjs.org"
_TIMEOUT = 60.0
_MAX_BYTES = 100_000_000


@dataclass(frozen=True)
class NpmPackage:
    """One release of a package. ``integrity``: "sha512-" and the base64 of its tarball's SHA-512, as npm writes it into lock files."""

    name: str
    version: str
    integrity: str

    @property
    def file_name(self) -> str:
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def read_files(package: NpmPackage, names: Sequence[str], folder: Path | None = None) -> Mapping[str, bytes]:
    """Files of a package by their path in it, from the cache ``folder`` or, the first time, from the registry.

    Raises UserError ``no_npm_package`` if the registry cannot be reached, or gives something else than was published.
    """
    folder = Path(user_cache_dir("emotune", appauthor=False)) / "npm" if folder is None else folder
    tarball, kept = b"", folder / package.file_name
    with suppress(OSError):
        tarball = kept.read_bytes()
    if not _matches(tarball, package.integrity):
        tarball = _fetch(package)
        with suppress(OSError):  # without a cache it is fetched again
            make_folder(folder)
            write_file(kept, tarball)
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        contents = dict(_wanted(archive, {f"package/{name}": name for name in names}))
    if missing := [name for name in names if name not in contents]:
        raise _unavailable(package, f"it has no file {missing[0]}")
    return contents


def _wanted(archive: tarfile.TarFile, names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for entry in archive:
        # Read at once: going back would mean to unpack all again.
        if entry.name in names and entry.isfile() and (file := archive.extractfile(entry)) is not None:
            yield names[entry.name], file.read()


def _fetch(package: NpmPackage) -> bytes:
    import httpx

    registry = (os.environ.get("NPM_CONFIG_REGISTRY", "") or _REGISTRY).rstrip("/")
    address = f"{registry}/{package.name}/-/{package.name.rpartition('/')[2]}-{package.version}.tgz"
    content = bytearray()
    try:
        with httpx.stream("GET", address, timeout=_TIMEOUT, follow_redirects=True) as response:
            response.raise_for_status()
            for part in response.iter_bytes():
                content += part
                if len(content) > _MAX_BYTES:
                    raise _unavailable(package, "the answer is far too long")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"status {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
        raise _unavailable(package, f"the registry cannot be reached ({reason})") from error
    if not _matches(bytes(content), package.integrity):
        raise _unavailable(package, "its content is not what was published (another checksum)")
    return bytes(content)


def _matches(content: bytes, integrity: str) -> bool:
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}" == integrity


def _unavailable(package: NpmPackage, why: str) -> UnavailableError:
    return UnavailableError(
        f"{package.name} {package.version} could not be fetched from the npm registry: {why}. Connect this computer to the internet once, or name "
        f"another registry in the environment variable NPM_CONFIG_REGISTRY, and try again.",
        code="no_npm_package",
    )
