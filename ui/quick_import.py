"""Lets Gradio be imported without what it does for editors, which takes a third of its import."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

PACKAGE, COMPONENTS = "gradio", "component_meta"


class _WithoutStubs(MetaPathFinder):
    """Keeps Gradio's components from writing .pyi files, for which each parses its source twice."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != f"{PACKAGE}.{COMPONENTS}":
            return None
        found = PathFinder.find_spec(fullname, path)
        if found and found.loader:
            execute = found.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                module.__dict__["create_or_modify_pyi"] = _write_nothing

            vars(found.loader)["exec_module"] = exec_module
        return found


def _write_nothing(*_: object) -> None:
    return None


def leave_out_stubs() -> None:
    """Has Gradio write no stubs when it is imported, which it is not yet."""
    if not any(isinstance(each, _WithoutStubs) for each in sys.meta_path):
        sys.meta_path.insert(0, _WithoutStubs())
