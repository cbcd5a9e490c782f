"""Tells which route of the app a request is for, wherever a proxy puts the app."""

from starlette.types import Scope


def route_of(scope: Scope) -> str:
    """Returns the decoded path as the router sees it, without GRADIO_ROOT_PATH where a proxy leaves that in."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return (path[len(root) :] or "/") if path == root or path.startswith(f"{root}/") else path
