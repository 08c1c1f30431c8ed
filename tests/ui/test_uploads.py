"""A request may write any path where an upload is expected; only what was really uploaded is read."""

from pathlib import Path

import gradio as gr
import pytest

from trainer.errors import UserError
from trainer.ui.uploads import uploaded_path


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    (folder / "ab12").mkdir(parents=True)
    (folder / "ab12" / "moods.csv").write_text("text,label\nhi,joy\n")
    (tmp_path / "secret.csv").write_text("text,label\nsecret,joy\n")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_an_upload_is_found(uploads: Path) -> None:
    file = uploads / "ab12" / "moods.csv"
    assert uploaded_path({"path": str(file)}) == file.resolve()
    assert uploaded_path(gr.FileData(path=str(file))) == file.resolve()


def test_everything_else_gets_one_answer(uploads: Path) -> None:
    answers = set()
    for named in (
        "/etc/passwd",
        str(uploads.parent / "secret.csv"),
        str(uploads / ".." / "secret.csv"),
        str(uploads / "link.csv"),
        str(uploads / "missing.csv"),
        str(uploads),
        "moods.csv",
        "",
        "a\0b",
        None,
        7,
    ):
        for file in ({"path": named}, {"path": named, "meta": {"_type": "gradio.FileData"}}):
            with pytest.raises(UserError) as refused:
                uploaded_path(file)
            answers.add(refused.value.message)
    for file in (None, [], "moods.csv", {}):
        with pytest.raises(UserError) as refused:
            uploaded_path(file)
        answers.add(refused.value.message)
    assert len(answers) == 1
