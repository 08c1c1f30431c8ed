"""The peak memory of labelling a whole file, of the process and its children together, for more and more short rows. Linux only.

    python -m tests.bench.whole_file_memory [ROWS ...] [FORM ...]

As CSV, CSV of another encoding and delimiter, JSON lines, Parquet and a workbook.
The model is tiny: the measurement is about the rows. What processes share, they share: memory is counted as PSS.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.million_rows import _LABELS, _tiny_bert, _write_rows
from tests.data.files.samples import make_workbook
from tests.data.files.test_plain_workbook import with_shared_texts
from trainer.settings import prepare_environment

ROOT = Path(__file__).resolve().parents[2]
_ROWS = (10_000, 100_000, 1_000_000)
_FORMS = ("csv", "cp1252", "jsonl", "parquet", "xlsx")
_ALLOWED_MB = 1_300
_POLL_SECONDS = 0.1


def measure(*rows: int, forms: Sequence[str] = _FORMS) -> dict[str, int]:
    """Peak megabytes and seconds of ``python -m trainer predict`` for files of so many rows."""
    results: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _save_classifier(folder)
        for count in rows or _ROWS:
            written = _write_rows(folder / f"{count}.csv", count)
            for form in forms:
                source = _in_form(written, form)
                peak, seconds = _peak(["predict", str(model), "--file", str(source), "--out", str(folder / f"out.{form}")])
                results[f"whole_file_{count}_rows_{form}_peak_mb"] = peak
                results[f"whole_file_{count}_rows_{form}_seconds"] = seconds
    return results


def show(results: dict[str, int]) -> None:
    print(f"Memory while a whole file is labelled, process and children, MB at the peak (allowed: {_ALLOWED_MB:,}, the same for all sizes)")
    for name, value in results.items():
        print(f"  {name.removeprefix('whole_file_'):<40} {value:6,}")


def _in_form(file: Path, form: str) -> Path:
    """The rows of a CSV file in another form, beside it."""
    import pyarrow.csv
    import pyarrow.parquet

    target = file.with_suffix(f".{form}")
    if form == "jsonl":
        with open(file, encoding="utf-8", newline="") as lines, open(target, "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in csv.DictReader(lines))
    elif form == "parquet":
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(file), target)
    elif form == "cp1252":
        with open(file, encoding="utf-8", newline="") as lines, open(target, "w", encoding="cp1252", newline="") as out:
            csv.writer(out, delimiter=";").writerows([*row, "café"] for row in csv.reader(lines))
    elif form == "xlsx":
        with open(file, encoding="utf-8", newline="") as lines:
            target.write_bytes(with_shared_texts(make_workbook({"Rows": list(csv.reader(lines))})))
    return target


def _save_classifier(folder: Path) -> Path:
    from transformers import BertForSequenceClassification, BertTokenizer

    encoder, model = _tiny_bert(folder / "tiny"), folder / "model"
    names = dict(enumerate(_LABELS))
    classifier = BertForSequenceClassification.from_pretrained(encoder, id2label=names, label2id={name: i for i, name in names.items()})
    classifier.config.problem_type = "single_label_classification"
    classifier.save_pretrained(model)
    BertTokenizer.from_pretrained(encoder, model_max_length=64).save_pretrained(model)
    return model


def _peak(arguments: list[str]) -> tuple[int, int]:
    """Megabytes and seconds of a command."""
    started, peak = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, "-m", "trainer", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None:
        peak = max(peak, sum(map(_pss_bytes, _tree(process.pid))))
        time.sleep(_POLL_SECONDS)
    if process.returncode:
        raise RuntimeError(process.stderr.read().decode())
    return peak >> 20, round(time.monotonic() - started)


def _tree(pid: int) -> list[int]:
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _pss_bytes(pid: int) -> int:
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    prepare_environment()
    measured = measure(
        *(int(word) for word in sys.argv[1:] if word.isdecimal()), forms=[word for word in sys.argv[1:] if word in _FORMS] or _FORMS
    )
    show(measured)
    print(json.dumps(measured))
