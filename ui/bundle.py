"""Joins the page's modules into one, so that a browser asks once where it would ask some fifty times."""

import re
from collections.abc import Mapping
from posixpath import dirname, join, normpath

IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)';\n", re.MULTILINE)
PASSED_ON = re.compile(r"^export \{([^}]*)\} from '([^']+)';\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|class|function|async function) (\w+))", re.MULTILINE)
LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def joined(modules: Mapping[str, str], entry: str) -> str:
    """Returns one module that does what `entry` does: each other one as a function that runs before whoever needs it.

    `modules` are the sources by path. They import and export by name alone, and in no circle. Raises ValueError for
    what is written in another way, KeyError for a module that is not there.
    """
    order: dict[str, None] = {}
    _add_needed(entry, modules, order, ())
    wrapped = (_wrapped(path, modules[path]) for path in order)
    names = ", ".join(_exported(modules[entry]))
    return "".join(wrapped) + f"export const {{ {names} }} = {_variable(entry)};\n"


def _add_needed(path: str, modules: Mapping[str, str], order: dict[str, None], above: tuple[str, ...]) -> None:
    """Adds all that a module imports, each before who imports it, and itself last."""
    if path in above:
        raise ValueError(f"modules import each other in a circle: {', '.join(above)}")
    if path not in order:
        for statement in (IMPORT, PASSED_ON):
            for _, name in statement.findall(modules[path]):
                _add_needed(_resolved(path, name), modules, order, (*above, path))
        order[path] = None


def _wrapped(path: str, source: str) -> str:
    imports = [
        f"const {{ {_renamed(names)} }} = {_variable(_resolved(path, name))};\n"
        for statement in (IMPORT, PASSED_ON)
        for names, name in statement.findall(source)
    ]
    body = EXPORT.sub("", PASSED_ON.sub("", IMPORT.sub("", source)))
    if found := LEFT_OVER.search(body):
        raise ValueError(f"{path} imports or exports in a way that cannot be joined: {found[0]}")
    returned = f"return {{ {', '.join(_exported(source))} }};\n"
    return f"const {_variable(path)} = await (async () => {{\n{''.join(imports)}{body}{returned}}})();\n"


def _exported(source: str) -> list[str]:
    passed_on = (name.strip() for names, _ in PASSED_ON.findall(source) for name in names.split(","))
    return [*EXPORT.findall(source), *filter(None, passed_on)]


def _renamed(names: str) -> str:
    return ", ".join(name.strip().replace(" as ", ": ") for name in names.split(",") if name.strip())


def _resolved(path: str, name: str) -> str:
    return normpath(join(dirname(path), name))


def _variable(path: str) -> str:
    return "_" + re.sub(r"\W", "_", path)
