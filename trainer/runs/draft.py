"""Draft: a file being prepared (its columns, its class names, its repairs), kept on disk so that it survives a reload of the page."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.runs.checksums import read_json, write_json
from trainer.runs.run import is_id, new_id


@dataclass(frozen=True)
class SourceFile:
    """One file as handed in, and what a person said of its columns; nothing where the guess stands."""

    name: str
    """As the person knows it; never a path."""
    file: str
    """Its name in the folder."""
    texts: tuple[str | int, ...] = ()
    """The text column and those joined to it."""
    label: str | int | None = None
    """What a person typed (a column's name, or its position from 0), or for certain a position, as a number."""


@dataclass(frozen=True)
class Draft:
    """What is prepared: the file to learn from and, where given, files that are the validation and the test split."""

    id: str
    owner: str
    main: SourceFile
    validation: SourceFile | None = None
    test: SourceFile | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)
    """Given names by label as written: {"0": "sadness"}."""
    repairs: tuple[str, ...] = ()
    """What is repaired before training, in any order."""
    accepted: tuple[str, ...] = ()
    """Findings that a person wants to leave as they are, though they should be fixed."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """What the form of a training last held (split, encoder, settings), by name of the page's choosing."""

    @property
    def version(self) -> str:
        """Changes whenever a choice does that concerns the rows."""
        facts = {name: value for name, value in asdict(self).items() if name != "form"}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:32]


class DraftStore:
    """The drafts of one runs folder, each a folder of its own with the files byte for byte."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, bytes]],
        *,
        texts: tuple[str, ...] = (),
        label: str | None = None,
        repairs: tuple[str, ...] = (),
    ) -> Draft:
        """Keep the files as they are. ``sources`` maps "main", "validation", "test" to (name, content)."""
        folder = self.root / new_id()
        folder.mkdir(parents=True, mode=0o700)
        files: dict[str, SourceFile] = {}
        try:
            for role, (name, content) in sources.items():
                file = "source" if role == "main" else f"source-{role}"
                (folder / file).write_bytes(content)
                files[role] = SourceFile(_shown_name(name), file, texts, label)
            draft = Draft(folder.name, owner, files["main"], files.get("validation"), files.get("test"), repairs=repairs)
            self.save(draft)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return draft

    def save(self, draft: Draft) -> None:
        """Keep a draft that was changed."""
        write_json(self.root / draft.id / "draft.json", asdict(draft))

    def remove(self, draft: Draft) -> None:
        """Forget a draft; what was trained from it is in the run."""
        shutil.rmtree(self.root / draft.id, ignore_errors=True)

    def get(self, draft_id: object, owner: str) -> Draft:
        """The owner's draft of this id; unknown and foreign ids get the same answer."""
        if is_id(draft_id):
            try:
                draft = _from_dict(read_json(self.root / str(draft_id) / "draft.json"))
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                draft = None
            if draft is not None and draft.owner == owner:
                return draft
        raise UserError("This file is no longer here. Open it again.", code="unknown_draft")

    def latest(self, owner: str) -> Draft | None:
        """The draft the owner worked on last, for a page that was just opened."""
        if not self.root.is_dir():
            return None
        for file in _newest_first(self.root):
            with suppress(UserError):
                return self.get(file.parent.name, owner)
        return None

    def path(self, draft: Draft, source: SourceFile) -> Path:
        return self.root / draft.id / source.file

    def copy_sources(self, draft: Draft, folder: Path) -> None:
        """The files as handed in, into a run's folder. Linked where the disk allows: nobody writes to them again."""
        for source in (draft.main, draft.validation, draft.test):
            if source is not None:
                try:
                    os.link(self.path(draft, source), folder / source.file)
                except OSError:
                    shutil.copyfile(self.path(draft, source), folder / source.file)

    def tidy(self, owner: str, *, keep: int = 5) -> None:
        """Remove the owner's drafts but the newest few; what was trained on lives in the runs."""
        mine = [f for f in _newest_first(self.root) if _owner(f) == owner]
        for file in mine[keep:]:
            shutil.rmtree(file.parent, ignore_errors=True)


def _shown_name(name: str) -> str:
    """The last part of a file's name, without controls, for people to read."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or "file"


def _from_dict(values: dict) -> Draft:
    files = {role: _source(values[role]) if values.get(role) else None for role in ("main", "validation", "test")}
    lists = {name: tuple(values[name]) for name in ("repairs", "accepted")}
    return Draft(**{**values, **files, **lists})


def _source(values: dict) -> SourceFile:
    return SourceFile(**{**values, "texts": tuple(values["texts"])})


def _newest_first(root: Path) -> list[Path]:
    """The drafts' files by time; one that another process removes meanwhile is no longer among them."""
    times = []
    for file in root.glob("*/draft.json"):
        with suppress(OSError):
            times.append((file.stat().st_mtime, file))
    return [file for _, file in sorted(times, reverse=True)]


def _owner(file: Path) -> str:
    try:
        return str(read_json(file)["owner"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
