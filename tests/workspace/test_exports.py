"""A trained model is exported: measured, told, taken away in every form, and it answers through ONNX Runtime."""

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.addresses import patient
from tests.conftest import FILLERS, MOODS
from tests.exports import convert_in_this_process
from tests.workspace.steps import ME, OTHER, TIMEOUT_SECONDS, start_run
from trainer.__main__ import main
from trainer.errors import UnavailableError, UserError
from trainer.jobs.export.export_job import EXPORT
from trainer.runs.run_files import EXPORTS
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.training.export.exported import Exported, OnnxEngine
from trainer.training.export.web_zip import description, index_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TEXTS = ["so happy and glad today", "we cry and miss them", "", "unknown wörds", "🫠", "rage " * 60, *(f"{word} at home" for word in "tears hate smile".split())]  # fmt: skip
ASSETS = Path(__file__).resolve().parents[2] / "assets"
Exports = tuple[Studio, str, Exported]


@pytest.fixture(scope="module")
def exports(trained: tuple[Studio, RunView, dict[str, int]]) -> Exports:
    """The model of the finished run, exported once; a process does it, which takes seconds."""
    studio, view, _ = trained
    workspace = studio.for_owner(ME)
    assert workspace.exports.get(view.id) is None
    assert workspace.models.engine(view.id) == "torch"
    with pytest.raises(UserError, match="not exported"):
        workspace.models.predict(view.id, ["happy"], engine="onnx-int8")
    job = workspace.exports.start(view.id)
    assert workspace.exports.start(view.id).id == job.id
    ended = workspace.jobs.wait(job.id, TIMEOUT_SECONDS)
    assert ended.status == "finished", ended.message
    exported = workspace.exports.get(view.id)
    assert exported is not None
    assert workspace.jobs.result(job.id) == exported.to_dict()
    return studio, view.id, exported


def test_what_an_export_changes_is_measured_on_the_validation_rows(exports: Exports) -> None:
    studio, run_id, exported = exports
    saved = studio.for_owner(ME).library.reports(run_id).validation
    assert exported.rows == saved.rows
    assert exported.saved.accuracy == pytest.approx(saved.accuracy.value)
    assert (exported.onnx.agreement, exported.onnx.is_exact) == (1.0, True)
    assert 0 < exported.onnx.max_change < 1e-4
    assert exported.int8.agreement >= 0.97
    assert exported.int8.mean_change > exported.onnx.mean_change
    assert exported.int8.size < exported.onnx.size
    assert min(measured.ms_per_text for measured in (exported.saved, exported.onnx, exported.int8)) > 0


def test_it_says_what_the_saved_model_says(exports: Exports) -> None:
    studio, run_id, _ = exports
    models = studio.for_owner(ME).models
    names, saved = models.predict(run_id, TEXTS, engine="torch")
    for engine, difference in (("onnx", 1e-4), ("onnx-int8", 0.2)):
        assert models.predict(run_id, TEXTS, engine=engine)[0] == names
        for text, expected, found in zip(TEXTS, saved, models.predict(run_id, TEXTS, engine=engine)[1], strict=True):
            assert (found.tokens, found.tokens_read, found.cut, found.problem) == (expected.tokens, expected.tokens_read, expected.cut, expected.problem), text  # fmt: skip
            if expected.probabilities is None:
                assert found.probabilities is None
            else:
                assert found.probabilities == pytest.approx(expected.probabilities, abs=difference), text
    assert models.engine(run_id) == "onnx"
    with pytest.raises(UserError, match="no engine"):
        models.predict(run_id, TEXTS, engine="other")


def test_the_card_tells_it(exports: Exports) -> None:
    studio, run_id, exported = exports
    workspace = studio.for_owner(ME)
    card = (workspace.library.folder(run_id) / "model" / "README.md").read_text(encoding="utf-8")
    assert exported.difference("onnx-int8") in card
    assert workspace.library.damage(run_id) == ()


RUN_WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers"):
    sys.modules[name] = None
sys.argv = ["predict.py", *sys.argv[2:]]
import runpy
runpy.run_path("predict.py", run_name="__main__")
"""


@pytest.mark.parametrize("engine", ["onnx", "onnx-int8"])
def test_a_folder_that_needs_neither_torch_nor_transformers(exports: Exports, tmp_path: Path, engine: OnnxEngine) -> None:
    studio, run_id, exported = exports
    workspace = studio.for_owner(ME)
    name = workspace.models.write_zip(run_id, tmp_path / "model.zip", engine)
    assert name.endswith(f"-{engine}.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert {file.name for file in folder.iterdir()} == {"model.onnx", "tokenizer.json", "config.json", "labels.json", "predict.py", "README.md", "MODEL_CARD.md"}  # fmt: skip
    assert exported.limit_note(engine) in (folder / "README.md").read_text(encoding="utf-8")
    without_texts, done = (
        subprocess.run(
            [sys.executable, "-c", RUN_WITHOUT_TORCH, "--", *texts], cwd=folder, capture_output=True, check=False, encoding="utf-8"
        )
        for texts in ([], [f" {text}" for text in TEXTS])
    )
    assert without_texts.stderr.startswith("Usage: ")
    names, predictions = workspace.models.predict(run_id, TEXTS, engine=engine)
    assert any(prediction.probabilities is None and prediction.text for prediction in predictions)
    for line, prediction in zip(done.stdout.splitlines(), predictions, strict=True):
        label, probability, text = line.split("\t")
        assert text == prediction.text
        if prediction.probabilities is None:
            assert (label, probability) == ("nothing to read", "")
            continue
        assert label == prediction.decided_name(names)
        assert float(probability) == pytest.approx(float(np.max(prediction.probabilities)), abs=1e-3)


def test_the_terminal_writes_every_form(exports: Exports, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    studio, run_id, exported = exports
    folder = studio.for_owner(ME).library.folder(run_id)
    for form in ("zip", "onnx", "onnx-int8"):
        out = tmp_path / f"{form}.zip"
        assert main(["export", str(folder), "--format", form, "--out", str(out), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["file"], told["format"], told["file_size"]) == (str(out), form, out.stat().st_size)
        assert ("onnx-int8" in told) == (form != "zip")
    assert main(["export", str(folder), "--format", "onnx", "--out", str(tmp_path / "again.zip")]) == 0
    assert exported.difference("onnx-int8") in capsys.readouterr().out
    assert main(["predict", str(folder), "so happy", "--engine", "onnx-int8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["label"] == "joy"
    assert main(["export", str(folder / "model" / "nothing"), "--out", str(tmp_path / "no.zip")]) == 2
    assert not (tmp_path / "no.zip").exists()


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A page that cannot reach any other host than this computer."""
    context = browser.new_context()
    context.route(lambda address: not address.startswith(("http://127.0.0.1:", "data:")), lambda route: route.abort())
    yield patient(context.new_page())
    context.close()


def test_a_web_page_that_needs_no_server_of_ours(exports: Exports, tmp_path: Path, page: "Page") -> None:
    studio, run_id, _ = exports
    workspace = studio.for_owner(ME)
    try:
        name = workspace.models.write_zip(run_id, tmp_path / "web.zip", "web")
    except UnavailableError as error:
        pytest.skip(error.message)
    assert name.endswith("-web.zip")
    with zipfile.ZipFile(tmp_path / "web.zip") as archive:
        archive.extractall(tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    texts = [f"{filler} {word} {'and then ' * (n % 9)}" for n, (filler, word) in enumerate(product(FILLERS, " ".join(MOODS.values()).split()))][:99]  # fmt: skip
    names, expected = workspace.models.predict(run_id, [*texts, "🫠"], engine="onnx-int8")
    about = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    about["answer_from"] = sorted(float(np.max(each.probabilities)) for each in expected[:-1])[10]
    (folder / "labels.json").write_text(json.dumps(about), encoding="utf-8")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: requests.append(message.text) if message.type == "error" else None)
    with served(folder) as address:
        page.goto(address)
        page.get_by_role("status").filter(has_text="Ready.").wait_for()
        page.get_by_label("Texts, one a line").fill("\n\n".join([*texts, "🫠"]))
        page.get_by_role("button", name="Classify").click()
        page.get_by_role("status").filter(has_text="100 texts classified.").wait_for()
        answers = page.locator("#answers li").evaluate_all(
            "items => items.map((item) => [item.dataset.label, Number(item.dataset.probability)])"
        )
    assert {urlsplit(request).netloc for request in requests} <= {urlsplit(address).netloc, ""}, requests
    assert answers[-1][0] == ""
    for (label, probability), prediction in zip(answers[:-1], expected[:-1], strict=True):
        assert probability == pytest.approx(float(np.max(prediction.probabilities)), abs=2e-3)
        assert label == ("unsure" if probability < about["answer_from"] else prediction.decided_name(names))
    assert 5 <= sum(label == "unsure" for label, _ in answers) <= 15


STUB_OF_TRANSFORMERS = """
export const env = { backends: { onnx: { wasm: {} } } };
const tokenizer = async ([text]) => text;
tokenizer.encode = () => [5];
window.calls = [];
export const AutoTokenizer = { from_pretrained: async () => tokenizer };
export const AutoModelForSequenceClassification = {
  from_pretrained: async () => async (text) => {
    window.calls.push(text);
    await new Promise((resolve) => { window.goOn = resolve; document.body.dataset.calls = window.calls.length; });
    if (text === "break") throw new Error("out of memory");
    return { logits: { data: [2, 1] } };
  },
};
"""


def test_the_web_page_classifies_once_at_a_time_and_tells_a_failure(tmp_path: Path, page: "Page") -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("page.js", "page.css", "needs_server.js"):
        shutil.copy(ASSETS / "web_page" / name, tmp_path)
    (tmp_path / "index.html").write_text(index_html(), encoding="utf-8")
    (tmp_path / "scripts" / "transformers.web.min.js").write_text(STUB_OF_TRANSFORMERS, encoding="utf-8")
    about = {"title": "t", "description": "d", "note": "", "labels": ["a", "b"], "answer_from": None, "max_length": 9, "unknown": 1}
    (tmp_path / "labels.json").write_text(json.dumps(about), encoding="utf-8")
    with served(tmp_path) as address:
        page.goto(address)
        status = page.get_by_role("status")
        status.filter(has_text="Ready.").wait_for()
        texts = page.get_by_label("Texts, one a line")
        texts.fill("one")
        texts.press("Control+Enter")
        page.locator("[data-calls='1']").wait_for()
        texts.press("Control+Enter")
        assert page.evaluate("new Promise((resolve) => setTimeout(() => resolve(window.calls)))") == ["one"]
        page.evaluate("window.goOn()")
        status.filter(has_text="1 text classified.").wait_for()
        assert page.locator("#answers li").count() == 1
        texts.fill("break")
        texts.press("Control+Enter")
        page.locator("[data-calls='2']").wait_for()
        page.evaluate("window.goOn()")
        status.filter(has_text="The texts could not be classified (out of memory).").wait_for()
        assert page.get_by_role("button", name="Classify").is_enabled()


def test_the_page_says_where_its_limit_is_from(exports: Exports, tmp_path: Path) -> None:
    _, _, exported = exports
    told = []
    for abstain_below in (None, 0.875):
        (tmp_path / "config.json").write_text(json.dumps({"abstain_below": abstain_below}), encoding="utf-8")
        told.append(exported.limit_note("onnx-int8") in description(tmp_path, exported))
    assert told == [False, True]
    assert f"8 bits move by {exported.int8.mean_change:.4f}" in exported.limit_note("onnx-int8")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on a web server that knows nothing of Emotune: the one of ``python -m http.server``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_damage_is_found_and_others_see_nothing(exports: Exports, tmp_path: Path) -> None:
    studio, run_id, exported = exports
    workspace = studio.for_owner(ME)
    with pytest.raises(UserError, match="no such form"):
        workspace.models.write_zip(run_id, tmp_path / "x.zip", "other")
    for act in (studio.for_owner(OTHER).exports.start, studio.for_owner(OTHER).exports.get, studio.for_owner(OTHER).exports.is_damaged):
        with pytest.raises(UserError):
            act(run_id)
    file = exported.file("onnx")
    content = file.read_bytes()
    try:
        file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(UserError, match="Export it again"):
            workspace.models.predict(run_id, ["happy"], engine="onnx")
        with pytest.raises(UserError, match="Export it again"):
            workspace.models.write_zip(run_id, tmp_path / "x.zip", "onnx")
        assert workspace.exports.is_damaged(run_id)
        assert workspace.models.engine(run_id) == "torch"
        assert workspace.models.predict(run_id, ["happy"])[1][0].probabilities is not None
        assert main(["predict", str(workspace.library.folder(run_id)), "happy"]) == 0
        file.write_bytes(content[:-1])
        assert workspace.models.engine(run_id) == "torch"
    finally:
        file.write_bytes(content)
    record = exported.folder / "exports.json"
    whole = record.read_bytes()
    try:
        record.write_bytes(whole.replace(json.dumps(exported.rows).encode(), b"7", 1))
        assert workspace.exports.get(run_id) is None
    finally:
        record.write_bytes(whole)
    assert workspace.exports.get(run_id) == exported
    assert not workspace.exports.is_damaged(run_id)
    assert exported.folder == workspace.library.folder(run_id) / EXPORTS


def test_a_damaged_export_is_made_again_and_a_failure_leaves_nothing(
    exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, run_id, exported = exports
    workspace = studio.for_owner(ME)
    exported.file("onnx-int8").write_bytes(b"damaged")

    def run_conversion(model: Path, work: Path, *_: object) -> None:
        assert (work / "texts.json").exists()
        (work / "model.onnx").write_bytes(b"weights")
        raise ValueError("broken")

    monkeypatch.setattr("trainer.jobs.export.export_run.run_conversion", run_conversion)
    failed = workspace.jobs.wait(workspace.exports.start(run_id).id, TIMEOUT_SECONDS)
    assert (failed.status, failed.name) == ("failed", "export")
    assert [file.name for file in failed.folder.rglob("*") if file.name in ("work", "texts.json", "model.onnx")] == []
    convert_in_this_process(monkeypatch)
    out = tmp_path / "again.zip"
    assert main(["export", str(workspace.library.folder(run_id)), "--format", "onnx-int8", "--out", str(out)]) == 0
    assert not workspace.exports.is_damaged(run_id)


def test_deleting_a_run_stops_and_removes_its_exports(idle: Studio, small_csv: Path) -> None:
    workspace = idle.for_owner(ME)
    view = start_run(idle, small_csv)
    workspace.stop(view.id)
    jobs = [workspace.jobs.start(EXPORT.name, name="export", parameters={"run": run_id}) for run_id in (view.id, "another")]
    workspace.delete(view.id)
    assert [job.folder.exists() for job in jobs] == [False, True]
