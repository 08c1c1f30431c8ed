"""Lawful CSV files of many dialects that are read exactly as written, compared with CleverCSV's and DuckDB's detection.

The rivals are compared if the Python of ``RIVALS_PYTHON`` (or this one) has them: ``pip install clevercsv duckdb``.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.data.files.lawful_csv import make_lawful_file
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

N_FILES = 1_500
_RIVAL = r"""
import csv, io, json, sys, time
from pathlib import Path

name, folder = sys.argv[1:]
if name == "clevercsv":
    import clevercsv

    def read(path):
        with open(path, encoding="utf-8-sig", newline="") as file:
            text = file.read()
        dialect = clevercsv.Sniffer().sniff(text)
        return list(clevercsv.reader(io.StringIO(text, newline=""), dialect))
else:
    import duckdb

    def read(path):
        result = duckdb.sql(f"SELECT * FROM read_csv('{path}', all_varchar=true)")
        rows = [["" if cell is None else cell for cell in row] for row in result.fetchall()]
        return [list(result.columns), *rows]

read_as = {}
started = time.process_time()
for path in sorted(Path(folder).glob("*.csv")):
    try:
        read_as[path.stem] = read(path)
    except Exception as error:
        read_as[path.stem] = str(error)[:100]
print(json.dumps({"seconds": time.process_time() - started, "read": read_as}))
"""


def measure(*, n_files: int = N_FILES) -> dict[str, float]:
    """The share of files read right by Emotune and by each rival that is installed, and CPU milliseconds for a file."""
    files = [make_lawful_file(seed) for seed in range(n_files)]
    started, right = time.process_time(), 0
    for file in files:
        with suppress(UserError):  # a refusal is not right
            table = read_table(file.data)
            right += (table.columns, table.rows) == (file.columns, file.rows)
    results = {"dialects_right": right / n_files, "dialects_ms": 1_000 * (time.process_time() - started) / n_files}
    with tempfile.TemporaryDirectory() as folder:
        for seed, file in enumerate(files):
            (Path(folder) / f"{seed}.csv").write_bytes(file.data)
        for rival in ("clevercsv", "duckdb"):
            read = _read_by(rival, folder)
            if read is None:
                continue
            right = 0
            for seed, file in enumerate(files):
                # Their first row is the header, or a row if there is none: only the cells are compared.
                rows = [tuple(row) for row in read["read"][str(seed)] if isinstance(row, list)]
                body = [tuple(cell.replace("\r\n", "\n") for cell in row) for row in rows]
                right += body[-len(file.rows) :] == file.rows
            results |= {f"dialects_right_{rival}": right / n_files, f"dialects_ms_{rival}": 1_000 * read["seconds"] / n_files}
    return {name: round(value, 4) for name, value in results.items()}


def _read_by(rival: str, folder: str) -> dict | None:
    """What a rival reads in each file; None if it is not installed."""
    command = [os.environ.get("RIVALS_PYTHON", sys.executable), "-c", _RIVAL, rival, folder]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(process.stdout) if process.returncode == 0 else None


def show(measured: dict[str, float]) -> None:
    """Print the shares side by side."""
    for name, value in measured.items():
        if name.startswith("dialects_right"):
            rival = name.removeprefix("dialects_right").strip("_")
            milliseconds = measured[f"dialects_ms{'_' + rival if rival else ''}"]
            print(f"lawful CSV files read as written, {rival or 'Emotune'}: {value:.1%}, {milliseconds:.1f} ms of CPU time each")


if __name__ == "__main__":
    measured = measure()
    show(measured)
    print(json.dumps(measured))
