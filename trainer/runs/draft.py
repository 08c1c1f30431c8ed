"""Draft: a file being prepared (its columns, its class names), kept on disk so that it survives a reload of the page."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from trainer.errors import UserError
from trainer.runs.run import is_id, new_id, write_json


@dataclass(frozen=True)
class SourceFile:
    """One file as handed in, and what a person said of its columns; None where the guess stands."""

    name: str
    """As the person knows it; never a path."""
    file: str
    """Its name in the folder."""
    text: str | None = None
    label: str | None = None
    """A column's name, or its position counted from 0."""


@dataclass(frozen=True)
class Draft:
    """What is prepared: the file to learn from and, where given, files that are the validation and the test split."""

    id: str
    owner: str
    main: SourceFile
    validation: SourceFile | None = None
    test: SourceFile | None = None
    split_column: str | None = None
    """A column that says train, validation or test."""
    class_names: Mapping[str, str] = field(default_factory=dict)
    """Given names by label as written: {"0": "sadness"}."""

    @property
    def version(self) -> str:
        """Changes whenever a choice in the draft does."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode("utf-8", "replace")).hexdigest()[:32]


class DraftStore:
    """The drafts of one runs folder, each a folder of its own with the files byte for byte."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, bytes]],
        *,
        text: str | None = None,
        label: str | None = None,
        split_column: str | None = None,
    ) -> Draft:
        """Keep the files as they are. ``sources`` maps "main", "validation", "test" to (name, content)."""
        folder = self.root / new_id()
        folder.mkdir(parents=True, mode=0o700)
        files: dict[str, SourceFile] = {}
        try:
            for role, (name, content) in sources.items():
                file = "source" if role == "main" else f"source-{role}"
                (folder / file).write_bytes(content)
                files[role] = SourceFile(_shown_name(name), file, text, label)
            draft = Draft(folder.name, owner, files["main"], files.get("validation"), files.get("test"), split_column)
            self._write(draft)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return draft

    def change(self, draft: Draft, *, text: str | None, label: str | None, class_names: Mapping[str, str]) -> Draft:
        """The draft with another choice of columns and class names, saved."""
        changed = replace(draft, main=replace(draft.main, text=text, label=label), class_names=dict(class_names))
        self._write(changed)
        return changed

    def get(self, draft_id: object, owner: str) -> Draft:
        """The owner's draft of this id; unknown and foreign ids get the same answer."""
        if is_id(draft_id):
            try:
                draft = _from_dict(json.loads((self.root / str(draft_id) / "draft.json").read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError, KeyError):
                draft = None
            if draft is not None and draft.owner == owner:
                return draft
        raise UserError("This file is no longer here. Open it again.", code="unknown_draft")

    def latest(self, owner: str) -> Draft | None:
        """The draft the owner worked on last, for a page that was just opened."""
        if not self.root.is_dir():
            return None
        files = sorted(self.root.glob("*/draft.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for file in files:
            try:
                return self.get(file.parent.name, owner)
            except UserError:
                continue
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
        files = sorted(self.root.glob("*/draft.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        mine = [f for f in files if _owner(f) == owner]
        for file in mine[keep:]:
            shutil.rmtree(file.parent, ignore_errors=True)

    def _write(self, draft: Draft) -> None:
        write_json(self.root / draft.id / "draft.json", asdict(draft))


def _shown_name(name: str) -> str:
    """The last part of a file's name, without controls, for people to read."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or "file"


def _from_dict(values: dict) -> Draft:
    files = {role: SourceFile(**values[role]) if values.get(role) else None for role in ("main", "validation", "test")}
    return Draft(
        values["id"], values["owner"], files["main"], files["validation"], files["test"], values["split_column"], values["class_names"]
    )


def _owner(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["owner"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
