"""Reads the project's pages in Markdown: their code blocks, headings and links."""

import re
from pathlib import Path

from testing.app_server import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(language: str, page: Path | None = None) -> list[str]:
    """Returns the code blocks of a language, of one page or of all."""
    text = "\n".join(each.read_text(encoding="utf-8") for each in ([page] if page else PAGES))
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [block for its_language, block in found if its_language == language]


def shell_commands() -> str:
    """Returns the commands of the shell blocks and those within sentences."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    within_sentences = re.findall(r"`((?:cp|docker|pip|python) [^`]+)`", text)
    return "\n".join([*blocks("sh"), *blocks(""), *within_sentences])


def anchors(page: Path) -> set[str]:
    """Returns the names that links can have after the #, made from the headings as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """Returns where a page leads within the project."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(((?!https?:)[^)]+)\)", text)
