"""A log of decisions is applied to a file in the terminal, which is written in its own form."""

from pathlib import Path

from tests.cli.commands import InProcessCommand

ROWS = [
    ("I am so happy today", "joy"),
    ("this makes me cry", "joy"),
    ("what a rage I feel", "anger"),
    ("buy now; cheap", "anger"),
    ("so glad to see you all", "joy"),
    ("I hate this so much", "anger"),
    ("a wonderful evening", "joy"),
    ("it drives me mad", "anger"),
]
LOG = """row,file,column,before,after,action,reason,time,text
1,main,label,joy,sadness,relabel,9 of 10,2026-01-01T00:00:00+00:00,this makes me cry
3,main,label,anger,,drop,spam,2026-01-01T00:00:00+00:00,buy now; cheap
5,main,label,anger,joy,relabel,x,2026-01-01T00:00:00+00:00,a text that is gone
"""


def written(rows: list[tuple[str, str]]) -> bytes:
    return "\r\n".join(f'"{text}";{label}' for text, label in [("text", "label"), *rows]).encode("utf-16")


def test_a_log_is_applied_to_a_file_with_further_rows(run_command: InProcessCommand, tmp_path: Path) -> None:
    source, log, to = tmp_path / "moods.csv", tmp_path / "log.csv", tmp_path / "corrected.csv"
    newer = [("a new row is here", "joy"), *reversed(ROWS)]
    source.write_bytes(written(newer))
    log.write_text(LOG)
    result = run_command("audit", source, "--apply", log, "--to", to, "--json")
    assert result.status == 0, result.err
    expected = [(text, "sadness" if text == "this makes me cry" else label) for text, label in newer if text != "buy now; cheap"]
    assert to.read_bytes() == written(expected)
    assert (result.last["applied"], result.last["already"], result.last["n_missing"]) == (2, 0, 1)
    assert result.last["missing"] == [{"line": 4, "text": "a text that is gone"}]
    assert "never overwritten" in run_command("audit", source, "--apply", log, "--to", source).err
    assert "Give both" in run_command("audit", source, "--to", to).err
    assert "no log of decisions" in run_command("audit", source, "--apply", source, "--to", to).err
