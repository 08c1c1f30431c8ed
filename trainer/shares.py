"""Shares: which runs are shared by a link, each a file whose name is the secret in the link.

Who may share what, and what a link shows: ``shared_runs.py``.
"""

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.atomic import make_folder, remove_file, write_file

_TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class Share:
    """One link: 128 random bits, the run that it shows, and whether it shows texts of rows too."""

    token: str
    run: str
    with_texts: bool


class Shares:
    """The shares of one runs folder."""

    def __init__(self, runs_dir: Path) -> None:
        self._folder = runs_dir / "shares"

    def find(self, token: str) -> Share | None:
        """The share of a link; None if there is none, or not any more."""
        if _TOKEN.fullmatch(token):
            with suppress(OSError, ValueError, KeyError, TypeError):
                content = json.loads((self._folder / token).read_text(encoding="utf-8"))
                return Share(token, str(content["run"]), content["with_texts"] is True)
        return None

    def of_run(self, run_id: str) -> Share | None:
        """The share of a run; None if it is not shared."""
        return next((share for share in self._all() if share.run == run_id), None)

    def share(self, run_id: str, *, with_texts: bool) -> Share:
        """Share a run, or change what its link shows. Raises OSError."""
        known = self.of_run(run_id)
        share = Share(known.token if known else secrets.token_urlsafe(_TOKEN_BYTES), run_id, with_texts)
        make_folder(self._folder)
        write_file(self._folder / share.token, json.dumps({"run": run_id, "with_texts": with_texts}).encode())
        return share

    def end(self, run_id: str) -> None:
        """Share a run no more: its link leads nowhere from now on, and another share has another one. Raises OSError."""
        for share in self._all():
            if share.run == run_id:
                remove_file(self._folder / share.token)

    def _all(self) -> Iterator[Share]:
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            if (share := self.find(path.name)) is not None:
                yield share
