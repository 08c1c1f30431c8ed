"""Scripts that the page fetches by themselves: once for all components that use them, and only when the first of them is there."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_MODULES = ("chart.js", "chart_table.js", "live_chart.js", "buttons.js", "table.js")
_MOUNT = 'import(new URL("{address}", document.baseURI)).then(({{ mount }}) => mount({{ element, props, trigger, watch }}));'


def plotly_file() -> Path:
    """plotly.js from its package, found without importing it."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


def served_files() -> list[str]:
    """All of them, for ``gr.set_static_paths``."""
    return [str(path) for path in (plotly_file(), *(_ASSETS / name for name in _MODULES))]


def file_url(path: Path) -> str:
    """Where the page finds a served file, seen from itself."""
    return f"gradio_api/file={quote(path.as_posix(), safe='/:')}"


def mount_script(name: str) -> str:
    """A ``js_on_load`` that fetches one of our modules and hands the component to its ``mount``."""
    return _MOUNT.format(address=file_url(_ASSETS / name))
