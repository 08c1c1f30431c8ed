"""Time and memory of a whole ``inspect`` process, compared with pandas reading the same file."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1], sep=None, engine='python', dtype=str)"
_WORDS = (
    "I you we they it was is felt feels so very really quite not never always happy glad sad angry afraid calm tired today yesterday tomorrow "
    "morning evening work home school friend mother dog film book song rain sun coffee the a my your this that because but and when after before"
).split()
_LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise")


def run(command: list[str]) -> tuple[float, float, int]:
    """Run a process; returns ``(seconds, peak MB, exit status)``."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    scale = 1024 if sys.platform == "darwin" else 1
    return time.monotonic() - started, usage.ru_maxrss / 1024 / scale, process.returncode


def write_rows(path: Path, rows: int, length: int, *, seed: int = 1) -> Path:
    """A CSV of ``rows`` texts of about ``length`` characters with six labels; every third has a comma, a few are equal."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,text,label\n")
        for number in range(rows):
            words = rng.choices(_WORDS, k=max(3, (length - 16) * 10 // 48))
            text = " ".join(words) if number % 3 else f'"{words[0]}, {" ".join(words[1:])}"'
            file.write(f"{number},{text},{_LABELS[rng.randrange(6)]}\n")
    return path


def measure(*, large: bool = True) -> dict[str, float]:
    """Seconds and megabytes of whole processes: 100,000 rows (20 MB), 1,000,000 rows (90 MB), and a header of 20,000 equal names.

    ``large=False`` skips the million. pandas only reads; ours also finds the columns, the labels and problems.
    """
    with tempfile.TemporaryDirectory() as folder:
        small = write_rows(Path(folder) / "small.csv", 100_000, 200)
        wide = Path(folder) / "wide.csv"
        wide.write_bytes(b"a," * 19_999 + b"a\n" + b"x\n")
        empty = Path(folder) / "empty.csv"
        empty.write_bytes(b"\n")
        results = _measure_both("100k", small)
        start_up = min(run(_inspect_command(empty))[0] for _ in range(3))
        results["start_seconds"] = round(start_up, 2)
        results["wide_seconds_beyond_start"] = round(min(run(_inspect_command(wide))[0] for _ in range(3)) - start_up, 2)
        if large:
            results |= _measure_both("1m", write_rows(Path(folder) / "large.csv", 1_000_000, 90))
    return results


def _inspect_command(path: Path) -> list[str]:
    return [sys.executable, "-m", "trainer", "inspect", str(path), "--json"]


def _measure_both(name: str, path: Path) -> dict[str, float]:
    pandas_seconds, pandas_peak, _ = run([sys.executable, "-c", _PANDAS, str(path)])
    seconds, peak, status = run(_inspect_command(path))
    if status:
        raise RuntimeError(f"inspect ended with status {status} on {path.name}")
    return {
        f"inspect_{name}_seconds": round(seconds, 2),
        f"inspect_{name}_peak_mb": round(peak),
        f"inspect_{name}_file_mb": round(path.stat().st_size / 1e6, 1),
        f"pandas_reads_{name}_seconds": round(pandas_seconds, 2),
        f"pandas_reads_{name}_peak_mb": round(pandas_peak),
    }


def show(results: dict[str, float]) -> None:
    print("Inspecting a file, whole processes in turn: pandas only reads it, Emotune also finds columns, labels, duplicates and problems")
    for name, rows, allowed in (("100k", "100,000 rows", "6 s"), ("1m", "1,000,000 rows", "60 s, 3,000 MB")):
        for program, key in (("pandas.read_csv, python engine", f"pandas_reads_{name}"), ("Emotune", f"inspect_{name}")):
            print(f"  {rows:<15} {program:<31} {results[f'{key}_seconds']:6.2f} s  {results[f'{key}_peak_mb']:5,} MB")
        print(f"  {'':<15} allowed: {allowed}")
    print(f"  20,000 equal column names, refused after the start-up in {results['wide_seconds_beyond_start']:.2f} s   (allowed: 0.50)")
