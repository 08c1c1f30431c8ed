"""How long after it is opened the web page of a model answers, in Chromium, and whether its labels are those of ONNX Runtime with 8 bits.

    python -m tests.bench.web_page RUN

Used by ``exports`` too. Other hosts are out of reach of the page: the browser is told to block them.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.addresses import free_port
from trainer.jobs.export.answering import load_export
from trainer.jobs.export.export_run import exports_of
from trainer.jobs.export.forms import write_form
from trainer.runs.run import Run
from trainer.settings import prepare_environment

_ALLOWED_SECONDS = 6.0
_POLL_SECONDS = 0.02
_OPENINGS = 3
"""Of which the fastest counts: another program slows down the others."""
_FIRST = "I can't believe it!"


def measure(web_zip: Path, texts: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    """Seconds from opening the page to its first answer, the share of its labels that are the ``expected`` ones, and requests to other hosts.

    Empty without Chromium.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name:
        with zipfile.ZipFile(web_zip) as archive:
            archive.extractall(name)
        (folder,) = Path(name).iterdir()
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page, outside = browser.new_page(), []
                page.route(
                    "**/*", lambda route: route.continue_() if _is_inside(route.request.url, port) else (outside.append(1), route.abort())
                )
                _wait_until_served(page, port)
                seconds = min(_seconds_to_answer(page, port) for _ in range(_OPENINGS))
                labels = _answers(page, texts)
                browser.close()
        finally:
            server.kill()
            server.wait()
    same = sum(label == other for label, other in zip(labels, expected, strict=True))
    return {
        "web_page_seconds": round(seconds, 2),
        "web_page_texts": len(texts),
        "web_page_agreement": round(same / len(texts), 4),
        "web_page_outside_requests": len(outside),
    }


def show(results: dict[str, float]) -> None:
    print(
        f"The web page of a model: seconds from opening it to its first answer (allowed: {_ALLOWED_SECONDS}), and its labels beside 8 bits"
    )
    for name, value in results.items():
        print(f"  {name.removeprefix('web_page_'):<40} {value:8.2f}")


def is_good(results: dict[str, float]) -> bool:
    """Whether the page answers in time, as 8 bits do, and asks nobody else."""
    return (
        results["web_page_seconds"] <= _ALLOWED_SECONDS and results["web_page_agreement"] == 1 and not results["web_page_outside_requests"]
    )


def _is_inside(url: str, port: int) -> bool:
    return urlsplit(url).netloc == f"127.0.0.1:{port}" or urlsplit(url).scheme in ("blob", "data")


def _wait_until_served(page: object, port: int) -> None:
    for _ in range(1000):
        try:
            if page.request.get(f"http://127.0.0.1:{port}/README.txt").ok:
                return
        except Exception:
            time.sleep(_POLL_SECONDS)
    raise TimeoutError("the web server does not answer")


def _seconds_to_answer(page: object, port: int) -> float:
    started = time.monotonic()
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_role("status").filter(has_text="Ready.").wait_for(timeout=120_000)
    _answers(page, [_FIRST])
    return time.monotonic() - started


def _answers(page: object, texts: Sequence[str]) -> list[str]:
    page.get_by_label("Texts, one a line").fill("\n\n".join(texts))
    page.get_by_role("button", name="Classify").click()
    said = "1 text classified." if len(texts) == 1 else f"{len(texts)} texts classified."
    page.get_by_role("status").filter(has_text=said).wait_for(timeout=120_000)
    return page.locator("#answers li").evaluate_all("items => items.map((item) => item.dataset.label)")


def measure_run(run: Run, texts: Sequence[str]) -> dict[str, float]:
    """The same of a run whose model is exported. ONNX Runtime reads the texts one by one, as the page does: 8 bits are scaled for a whole batch."""
    exported = exports_of(run)
    if exported is None:
        raise ValueError("the model of this run is not exported")
    predictor = load_export(run.model, exported, "onnx-int8")
    said = [predictor.task.decided_name(predictor.probabilities([text])[0], predictor.label_names) for text in texts]
    with tempfile.TemporaryDirectory() as name:
        write_form(run, "web", Path(name) / "web.zip")
        return measure(Path(name) / "web.zip", texts, said)


if __name__ == "__main__":
    prepare_environment()
    from tests.bench.whole_file import _texts
    from trainer.cli.predict import model_folder

    measured = measure_run(Run(model_folder(sys.argv[1]).parent), [" ".join(text.split()) for text in _texts(100)])
    show(measured)
    print(json.dumps(measured))
    sys.exit(0 if is_good(measured) else 1)
