"""Measures a checkout: its files, functions and classes, what imports what, and circles among files."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOMS = ("library", "db", "encoders", "ui", "commands", "python_api")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """Holds one Python file of a checkout."""

    root: Path
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(self.root))

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> dict[str, int]:
        """Returns the lines of each function, by the file and its name."""
        nodes = (node for node in ast.walk(self.tree) if isinstance(node, Function))
        return {f"{self.name}:{node.lineno} {node.name}": _lines(node) for node in nodes}

    def classes(self) -> dict[str, int]:
        """Returns the lines of each class, by the file and its name."""
        return {f"{self.name} {node.name}": _lines(node) for node in self._classes()}

    def public_methods(self) -> dict[str, int]:
        """Returns how many public methods and properties each class has, by the file and its name."""
        return {f"{self.name} {node.name}": sum(map(_is_public, node.body)) for node in self._classes()}

    def imports(self, modules: Iterable[str]) -> set[str]:
        """Returns those of the modules that this one imports, however deep within its functions."""
        known, found = set(modules), set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= names & known or {node.module}
        return found & known - {self.module}

    def _classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def product(root: Path) -> list[Source]:
    """Returns the files that run when the app or a command does."""
    paths = [*root.glob("*.py"), *(path for room in ROOMS for path in (root / room).rglob("*.py"))]
    return [Source(root, path) for path in sorted(paths)]


def circles(sources: Iterable[Source]) -> list[set[str]]:
    """Returns the groups of modules that import each other in a circle.

    Tarjan's algorithm of strongly connected components (SIAM J. Comput. 1, 1972).
    """
    by_module = {source.module: source for source in sources}
    arrows = {module: source.imports(by_module) for module, source in by_module.items()}
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[set[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in arrows[module]:
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            circle = set(path[path.index(module) :])
            del path[path.index(module) :]
            if len(circle) > 1:
                found.append(circle)

    for module in arrows:
        if module not in number:
            visit(module)
    return found


def _lines(node: Function | ast.ClassDef) -> int:
    assert node.end_lineno
    return node.end_lineno - node.lineno + 1


def _is_public(node: ast.stmt) -> bool:
    return isinstance(node, Function) and not node.name.startswith("_")
