"""Keeps gradio from comparing and writing the type stubs of its components each time it is imported: two fifths of the time in which the app starts.

The stubs are for editors; nothing here needs them, and the package's folder may be read-only or that of several servers.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_MODULE = "gradio.component_meta"


class _WithoutStubs(Loader):
    """Loads the module as ``loader`` does, without the function that writes the stubs."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]


class _Finder(MetaPathFinder):
    """Finds that one module, once."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithoutStubs(spec.loader)
        return spec


def write_no_stub_files() -> None:
    """Has an effect only before gradio is imported."""
    if _MODULE not in sys.modules:
        sys.meta_path.insert(0, _Finder())
