"""Style sheets and scripts of the page: where they are, which the page fetches as files, and which are part of it."""

import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_STYLES = _ASSETS / "styles"
_UNSCOPED = "unscoped.css"
_MODULES = (
    "chart.js",
    "chart_cells.js",
    "chart_table.js",
    "live_chart.js",
    "buttons.js",
    "table.js",
    "check_labels.js",
    "label_dialogs.js",
    "label_picker.js",
    "label_store.js",
    "label_tasks.js",
)
"""Fetched once for all components that use them, and only when the first of them is shown."""
_MOUNT = 'import(new URL("{url}", document.baseURI)).then(({{ mount }}) => mount({{ element, props, trigger, watch }}));'

_LINE_COMMENT = re.compile(r"^ *//.*\n|^ +", re.MULTILINE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_LINE_BREAK = re.compile(r"(?<=[{};,])\s*\n\s*")


def plotly_file() -> Path:
    """plotly.js from its package, found without importing it."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


def served_files() -> list[str]:
    """The files that the page fetches, for ``gr.set_static_paths``."""
    return [str(path) for path in (plotly_file(), *(_ASSETS / name for name in _MODULES))]


def file_url(path: Path) -> str:
    """The address of a served file, relative to the page."""
    return f"gradio_api/file={quote(path.as_posix(), safe='/:')}"


def mount_script(name: str) -> str:
    """A ``js_on_load`` that fetches one of our modules and hands the component to its ``mount``."""
    return _MOUNT.format(url=file_url(_ASSETS / name))


def inline_script(name: str) -> str:
    """A ``js_on_load`` that is the script itself."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def page_script(*, framed: bool = False) -> str:
    """The scripts of the whole page, without comments and indentation; ``framed``: another site shows it in a frame."""
    # First, so that all others use its fetch.
    names = (*(("visitor_token.js",) if framed else ()), "queue_stream.js", "page_frame.js", "saving_lists.js")
    return "".join(_LINE_COMMENT.sub("", inline_script(name)) for name in names)


def page_styles() -> str:
    """The styles that the page needs before gradio's are there."""
    return _minified(_STYLES / _UNSCOPED)


def component_styles() -> str:
    """All other style sheets as one."""
    return "".join(_minified(sheet) for sheet in sorted(_STYLES.glob("*.css")) if sheet.name != _UNSCOPED)


def _minified(sheet: Path) -> str:
    """A style sheet without comments and without the blanks between its lines."""
    return _CSS_LINE_BREAK.sub("", _CSS_COMMENT.sub("", sheet.read_text(encoding="utf-8")))
