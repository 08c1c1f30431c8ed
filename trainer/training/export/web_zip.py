"""The zip of a web page that classifies in the visitor's browser: any web server that gives out files can serve it, and nothing leaves the computer.

The page is in assets/web_page. It runs the 8-bit model with transformers.js on ONNX Runtime's WebAssembly, both fetched from the npm registry.
"""

import base64
import hashlib
import json
import zipfile
from pathlib import Path
from string import Template

from trainer.data.checks.repairs import REPAIRS
from trainer.npm import NpmPackage, read_files
from trainer.text_format import percent
from trainer.training.export.exported import Exported
from trainer.training.export.onnx_zip import about_labels
from trainer.training.temperature import config_file

TRANSFORMERS_JS = NpmPackage(
    "@huggingface/transformers",
    "4.3.1",
    "sha512-5+voSeUCFK6PCKlY15dPhNOKq3/zOTxDN7oC+Wy9dFb1QZ0TSQomZRRy7URRK8YRuUoE9fGMQTTPC5d/pWBJhA==",
)
"""Apache-2.0."""
ONNXRUNTIME_WEB = NpmPackage(
    "onnxruntime-web",
    "1.31.0-dev.20260914-8d85527a0",
    "sha512-Iy7rtadoBgxS/LLvDr3QW38DB1PNXRnr0GJMcL0TAt7c9qjgVQl83UlGCVyeAnK2InpmW8Uc3PL8XIuqtDeF6g==",
)
"""MIT; the release that this release of transformers.js names."""
_SCRIPTS = {
    TRANSFORMERS_JS: ("dist/transformers.web.min.js",),
    ONNXRUNTIME_WEB: ("dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.mjs", "dist/ort-wasm-simd-threaded.wasm"),
}
_IMPORT_MAP = json.dumps({"imports": dict.fromkeys(("onnxruntime-common", "onnxruntime-web/webgpu"), "./scripts/ort.wasm.bundle.min.mjs")})
"""transformers.js names the build of ONNX Runtime with WebGPU; this one is half as large, and has all that it uses."""
_PAGE = Path(__file__).resolve().parents[3] / "assets" / "web_page"
_LICENCES = """The scripts in this folder are by others:
transformers.js {transformers} (Hugging Face), Apache License 2.0
ONNX Runtime Web {onnxruntime} (Microsoft), MIT License
"""


def write_web_zip(model: Path, exported: Exported, title: str, target: Path, *, cache: Path | None = None) -> None:
    """Write the page of an exported model into the zip ``target``; ``model`` is the folder of the saved model, ``cache`` where fetched scripts are kept.

    Raises UserError ``no_npm_package`` if the scripts are not there and cannot be fetched, and OSError.
    """
    scripts = {name: content for package, names in _SCRIPTS.items() for name, content in read_files(package, names, cache).items()}
    about = about_labels(model, exported) | {"title": title, "description": description(model, exported), "note": _note(model, exported)}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("page.js", "page.css", "needs_server.js"):
            archive.write(_PAGE / name, f"{title}-web/{name}")
        archive.writestr(f"{title}-web/index.html", index_html())
        archive.writestr(f"{title}-web/labels.json", json.dumps(about, ensure_ascii=False))
        archive.writestr(f"{title}-web/README.txt", _readme())
        for name, content in scripts.items():
            archive.writestr(f"{title}-web/scripts/{Path(name).name}", content)
        archive.writestr(
            f"{title}-web/scripts/LICENCES.txt",
            _LICENCES.format(transformers=TRANSFORMERS_JS.version, onnxruntime=ONNXRUNTIME_WEB.version),
        )
        for name in ("tokenizer.json", "tokenizer_config.json"):
            archive.write(model / name, f"{title}-web/model/{name}")
        archive.write(config_file(model), f"{title}-web/model/config.json")
        archive.write(exported.file("onnx-int8"), f"{title}-web/model/onnx/model_quantized.onnx", zipfile.ZIP_STORED)


def index_html() -> str:
    """The page. Its policy allows no other host, and of scripts inside it only the import map, by its checksum."""
    digest = base64.b64encode(hashlib.sha256(_IMPORT_MAP.encode()).digest()).decode()
    template = Template((_PAGE / "index.html").read_text(encoding="utf-8"))
    return template.substitute(importmap=_IMPORT_MAP, importmap_hash=f"sha256-{digest}")


def description(model: Path, exported: Exported) -> str:
    """What the page says of the model of a folder: what was measured of it, and where its limit is from, if it has one."""
    limit = about_labels(model, exported)["answer_from"]
    unsure = "" if limit is None else f" It is unsure below a probability of {percent(limit)}. {exported.limit_note('onnx-int8')}"
    return (
        f"Made with Emotune. The model is kept in 8 bits a number; on {exported.rows:,} texts that it had not learned from, "
        f"{percent(exported.int8.accuracy)} of its answers were right.{unsure}"
    )


def _note(model: Path, exported: Exported) -> str:
    repairs = about_labels(model, exported)["text_repairs"]
    if not repairs:
        return ""
    done = "; ".join(REPAIRS[code].done for code in repairs)
    return f"Before the training the texts were repaired ({done}). This page does not do that, so texts in need of it may get another answer here."


def _readme() -> str:
    return (
        "Put this folder on any web server that gives out files, or run in it:\n\n    python -m http.server\n\nand open http://localhost:8000. "
        "The model then runs in the browser; the texts are sent nowhere.\n"
    )
