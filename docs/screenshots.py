"""Makes the README's screenshot: python -m docs.screenshots (needs Chromium and requirements-dev.txt)."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.app_server import Server
from tests.test_browser import FLAGS

HERE = Path(__file__).parent
PATIENCE = 60_000


def main() -> None:
    server = Server(Path(tempfile.mkdtemp())).wait()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 900}, device_scale_factor=1)
            page.set_default_timeout(PATIENCE)
            add_samples(page, server.url)
            search(page, server.url, "a sunset over the sea")
            page.screenshot(path=HERE / "screenshot.png")
            browser.close()
    finally:
        server.process.terminate()
        server.process.wait(30)


def add_samples(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_text("Add sample pictures").click()
    page.locator(".lk-run[data-state=done]").wait_for()


def search(page: Page, url: str, words: str) -> None:
    page.goto(f"{url}/?q={words}")
    page.locator(".lk-timing").wait_for()
    page.wait_for_function("[...document.querySelectorAll('#results img')].slice(0, 8).every(i => i.naturalWidth)")
    page.wait_for_timeout(1000)  # the status strip follows a moment later


if __name__ == "__main__":
    main()
