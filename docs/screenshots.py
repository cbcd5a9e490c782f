"""Makes the README's screenshots, or a picture of every state of the page for review.

    python -m docs.screenshots                   docs/screenshot.png of the sample pictures, one for each language, and
                                                 those of the trash, the check and the demo
    python -m docs.screenshots --photos FOLDER   the same of the photos in that folder
    python -m docs.screenshots --states FOLDER   FOLDER/<state>-<width>-<light or dark>.png

With --locale ko-KR or zh-TW, every state as visitors with such a browser see it.

Needs Chromium and requirements-dev.txt.
"""

import argparse
import tempfile
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from testing import states
from testing.apps import Apps
from testing.browser import PHONE, WIDE, Browser, Contexts, start_chromium
from testing.libraries import Libraries

HERE = Path(__file__).parent
SHOWN = {  # the browser's language, what is searched for among the samples, and among photos
    "screenshot.png": ("en-US", "a sunset over the sea", "a sailing boat"),
    "screenshot.ko.png": ("ko-KR", "바다 위 석양", "돛단배"),
    "screenshot.zh-TW.png": ("zh-TW", "海上的日落", "帆船"),
}
OF_PAGES = {
    "trash.png": (states.trash, WIDE),
    "doctor.png": (states.check_of_the_library, WIDE),
    "demo.png": (states.demo, PHONE),
}
COLOURS = 256  # of a screenshot with photos, which is three times as large with all of them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photos to show instead of the samples")
    parser.add_argument("--states", type=Path, metavar="FOLDER", help="where a picture of every state goes")
    parser.add_argument("--only", nargs="+", metavar="STATE", help="some states, by name")
    parser.add_argument(
        "--locale", default="en-US", help="the language of the browser, for states that no English words lead to"
    )
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    apps = Apps(folder, Libraries(folder / "libraries"))
    try:
        with sync_playwright() as playwright:
            chromium = start_chromium(playwright)
            contexts = Contexts(chromium)
            if given.states:
                photograph_states(contexts, apps, given.states, given.only, given.locale)
            else:
                photograph_results(contexts, apps, given.photos)
            chromium.close()
    finally:
        apps.stop()


def photograph_results(contexts: Contexts, apps: Apps, photos: Path | None) -> None:
    for name, (locale, query, photo_query) in SHOWN.items():
        state: states.State = partial(states.results, query=query)
        if photos:
            state = partial(found_photos, photos=photos, query=photo_query)
        photograph(contexts, state, apps, HERE / name, locale=locale)
        if photos:
            reduce_colours(HERE / name)
    for name, (state, size) in OF_PAGES.items():
        photograph(contexts, state, apps, HERE / name, size)
        reduce_colours(HERE / name)


def found_photos(visitor: Browser, apps: Apps, photos: Path, query: str) -> Page:
    address = f"{apps.of_photos(photos).url}/?{urlencode({'q': query})}"
    visitor.open(address).locator("#results .lk-card").first.wait_for()  # the first query after a start takes longer
    page = visitor.open(address)
    page.locator("#results .lk-card").first.wait_for()
    return page


def reduce_colours(path: Path) -> None:
    with Image.open(path) as image:
        whole = image.convert("RGB")
    palette = whole.quantize(COLOURS)
    whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def photograph_states(contexts: Contexts, apps: Apps, folder: Path, only: list[str] | None, locale: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [state for state in states.STATES if not only or state.__name__ in only]
    for state, size, scheme in product(chosen, (WIDE, PHONE), ("light", "dark")):
        path = folder / f"{state.__name__}-{size[0]}-{scheme}.png"
        photograph(contexts, state, apps, path, size, scheme, locale)
        print(path)


def photograph(
    contexts: Contexts,
    state: states.State,
    apps: Apps,
    path: Path,
    size: tuple[int, int] = WIDE,
    scheme: str = "light",
    locale: str = "en-US",
) -> None:
    visitor = Browser(contexts, size, scheme, locale)
    page = state(visitor, apps)
    wait_for_pictures(page)
    page.screenshot(path=path)
    visitor.close()


def wait_for_pictures(page: Page) -> None:
    """Waits until the pictures on the screen and the status strip are loaded."""
    page.wait_for_function(
        "[...document.querySelectorAll('.lk-body img')].slice(0, 8).every(each => each.naturalWidth)"
    )
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main()
