"""Every state of the page, and how a visitor comes to it: checked by the tests, photographed by docs/screenshots.py."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PIL import Image

from library.samples.pictures import sample_pictures
from testing.app_server import ForkedServer, Server
from testing.blocked_model import BlockedModel
from testing.browser import Browser, choose, loaded, run, search_with_file, upload, wait_for_cards
from testing.tiny_clip import save_tiny_clip

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = "${alert(1)}{{value}}<img src=x onerror=alert(1)>.png"
RIGHT_TO_LEFT = "\u202egnp.exe صورة.png"
LONGEST = "é" * 125 + "x.png"  # 255 bytes, all that a file system takes
NOWHERE = "http://127.0.0.1:9"  # the port of a service that nobody runs
NO_PICTURE = "0" * 64
KINDS = (
    *("house", "flower", "balloons", "tree", "stripes", "checks"),
    *("dots", "fading", "hexagon", "oval", "circle", "square"),
)
NONSENSE = "qwpoeiru"
COPIED = 6
WITHOUT_MODEL = """
import app
from encoders.sources import ModelLoader
from library.errors import ModelUnavailable
def fail(*_):
    raise ModelUnavailable("The memory of the graphics card is full. Stop what else runs on it, then start again.")
ModelLoader._load = fail
app.main()
"""
REBUILDING = """
from dataclasses import replace
import app
from db.milvus.collection import MilvusCollection
status = MilvusCollection.status
def rebuilding(self, expected_rows=None):
    return replace(status(self, expected_rows), state="rebuilding", nlist=512, seconds_until_release=None)
MilvusCollection.status = rebuilding
app.main()
"""


def quote_filter(field: str, operator: str, value: object) -> str:
    """As the address bar has it."""
    return urlencode({"where": json.dumps([{"field": field, "operator": operator, "value": value}])})


FILTERED = urlencode(
    {
        "where": json.dumps(
            [
                {"field": "name", "operator": "starts with", "value": "night sky"},
                {"field": "width", "operator": "between", "value": [200, 2000]},
            ]
        ),
        "sort": "name",
    }
)


def without_network(hub: Path, model: str = "openai/clip-vit-base-patch32") -> dict[str, str]:
    """The environment of an app whose model cache lies in `hub` and which reaches nothing else."""
    return {"CLIP_MODEL": model, "HF_HOME": str(hub), "HF_HUB_OFFLINE": "1"}


class Apps:
    """The app in one condition each; started when first visited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._servers: dict[str, Server] = {}
        self._numbers = count(1)

    def filled(self) -> Server:
        """Holds the sample pictures, and nobody changes it."""
        if "filled" not in self._servers:
            samples = ForkedServer(self._of("filled"), ("app.py", "samples"))
            assert samples.process.wait(120) == 0, samples.log.read_text()
        return self._server("filled")

    def of_photos(self, photos: Path) -> Server:
        """Holds the photos of a folder."""
        if "photos" not in self._servers:
            ingested = ForkedServer(self._of("photos"), ("app.py", "ingest", str(photos)))
            assert ingested.process.wait(120) == 0, ingested.log.read_text()
        return self._server("photos")

    def empty(self) -> Server:
        return self._server("empty")

    def read_only(self) -> Server:
        return self._server("read_only", EDITS="none")

    def closed(self) -> Server:
        return self._server("closed", AUTH="ann:secret")

    def changing(self) -> Server:
        return self._server("changing")

    def with_sources(self, folder: Path) -> Server:
        return self._server("with_sources", SOURCES_ALLOWED=str(folder))

    def loading(self) -> Server:
        """The model never comes."""
        return self._server("loading", CLIP_MODEL=self._held("loading"), IMAGE_STORE=self.pictures())

    def uploading(self) -> Server:
        """An upload has begun that waits for the model."""
        return self._server("uploading", CLIP_MODEL=self._held("uploading"))

    def without_model(self) -> Server:
        """Not even the small model can be loaded."""
        return self._server("without_model", ("-c", WITHOUT_MODEL), IMAGE_STORE=self.pictures())

    def standing_in(self) -> Server:
        """The chosen model is not in the cache, and there is no network."""
        return self._server("standing_in", **without_network(self._of("standing_in") / "hub"))

    def another_model(self) -> Server:
        """The pictures were added while another model answered."""
        return self._server("another_model", IMAGE_STORE=self.pictures())

    def side_by_side(self) -> Server:
        """The sample pictures, encoded for two of three models; the weights of the third are cut off."""
        folder = self._of("side_by_side")
        models = [folder / name for name in ("other", "cut off")]
        if not models[0].exists():
            for model in models:
                save_tiny_clip(model)
            weights = models[1] / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:1000])
            for program in (("app.py", "samples"), ("app.py", "reindex", "--model", str(models[0]))):
                run = ForkedServer(folder, program)
                assert run.process.wait(120) == 0, run.log.read_text()
        return self._server("side_by_side", CLIP_OTHERS=",".join(map(str, models)))

    def without_milvus(self) -> Server:
        return self._server("without_milvus", MILVUS_URI=NOWHERE, IMAGE_STORE=self.pictures())

    def rebuilding(self) -> Server:
        """The index is always just being rebuilt, with 512 clusters."""
        return self._server("rebuilding", ("-c", REBUILDING))

    def evaluated(self) -> Server:
        """The sample pictures were evaluated by kind and by caption, with the small model and with a random one."""
        if "evaluated" not in self._servers:
            from testing.tiny_clip import save_tiny_clip  # torch takes seconds to import

            folder = self._of("evaluated")
            model = save_tiny_clip(folder / "random")
            wishes = (
                "--label-column",
                "kind",
                "--captions-column",
                "caption",
                "--model",
                "small",
                "--model",
                str(model),
            )
            run = ForkedServer(folder, ("app.py", "evaluate", str(self._samples_as_table()), *wishes))
            assert run.process.wait(120) == 0, run.log.read_text()
        return self._server("evaluated")

    def duplicated(self, **environment: str) -> Server:
        """Some sample pictures are there in several sizes and qualities; nobody decides about them."""
        name = "duplicated" + "".join(environment.values())
        if name not in self._servers:
            self.take_in_copies(self._of(name))
        return self._server(name, **environment)

    def take_in_copies(self, folder: Path) -> Path:
        """Into the library of a server of that folder; where its data lie."""
        taken_in = ForkedServer(folder, ("app.py", "ingest", str(self._copies_of_samples())))
        assert taken_in.process.wait(120) == 0, taken_in.log.read_text()
        return folder / "data"

    def _copies_of_samples(self) -> Path:
        folder = self._of("copies")
        for name, data in list(sample_pictures())[:COPIED]:
            (folder / name).write_bytes(data)
            image = Image.open(io.BytesIO(data)).convert("RGB")
            stem = name.removesuffix(".png")
            image.save(folder / f"{stem} (coarse).jpg", quality=30)
            if len(stem) % 2:
                image.resize((image.width // 2, image.height // 2)).save(folder / f"{stem}, half the size.webp")
        return folder

    def _samples_as_table(self) -> Path:
        folder = self._of("samples")
        lines = ["filepath,kind,caption"]
        for name, data in sample_pictures():
            (folder / name).write_bytes(data)
            caption = name.removesuffix(".png")
            lines.append(f"{name},{next((kind for kind in KINDS if kind in caption), '')},{caption}")
        table = folder / "samples.csv"
        table.write_text("\n".join(lines))
        return table

    def picture(self, name: str | None = None) -> Path:
        """A file that no library has seen."""
        number = next(self._numbers)
        folder = self.folder / "pictures" / str(number)
        folder.mkdir(parents=True)
        path = folder / (name or f"drawn {number}.png")
        Image.new("RGB", (640, 400), (67 * number % 256, number // 256, 150)).save(path)
        return path

    def text_file(self) -> Path:
        path = self.folder / "page.jpg"
        path.write_text("<html>hello</html>")
        return path

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()

    def _server(self, name: str, program: Sequence[str] = ("app.py",), **environment: str) -> Server:
        if name not in self._servers:
            self._servers[name] = ForkedServer(self._of(name), program, **environment)
        return self._servers[name].wait()

    def _of(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _held(self, name: str) -> str:
        folder = self._of(name) / "small"
        return str(folder) if folder.exists() else BlockedModel(folder).folder

    def pictures(self) -> str:
        """The store of the filled library, for those that only look at it."""
        self.filled()
        return str(self._of("filled") / "data" / "images")


# Looking


def empty(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.empty().url)
    page.get_by_text("A library waiting for pictures").wait_for()
    return page


def read_only(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.read_only().url)
    page.get_by_text("The library is empty").wait_for()
    return page


def signed_out(visitor: Browser, apps: Apps) -> Page:
    page = visitor.context.new_page()
    page.goto(apps.closed().url)
    page.get_by_label("username").wait_for()
    return page


def library(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.filled().url)
    wait_for_cards(page, 48)
    return page


def last_page(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    return page


def results(visitor: Browser, apps: Apps, query: str = "a sunset over the sea") -> Page:
    return judged(visitor, f"{apps.filled().url}/?{urlencode({'q': query})}")


def judged(visitor: Browser, url: str) -> Page:
    """Right after a start, results do not say yet how far they stand out."""
    for _ in range(20):
        page = visitor.open(url)
        wait_for_cards(page, 24)
        if page.locator(".lk-mark").count():
            return page
        page.close()
    raise AssertionError("results are never judged")


def picture_results(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    page.get_by_label("Describe a picture").fill("by the sea")
    search_with_file(page, apps.picture())
    page.locator(".lk-part").nth(1).wait_for()
    wait_for_cards(page, 24)
    return page


def unsure(visitor: Browser, apps: Apps) -> Page:
    page = judged(visitor, f"{apps.filled().url}/?q={NONSENSE}")
    page.get_by_text("No confident match").wait_for()
    return page


def explained(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.get_by_role("button", name="Explain").click()
    page.locator(".lk-explain .lk-code").wait_for()
    return page


def similar(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-card").first.get_by_role("button", name="Find pictures similar").click(force=True)
    page.locator(".lk-part-picture").wait_for()
    return page


def several_parts(visitor: Browser, apps: Apps) -> Page:
    """Words, a picture of the library, a part of one that was uploaded, and something to leave out."""
    page = visitor.open(f"{apps.filled().url}/?q=a+sunset+over+the+sea&q=a+moon&w=-0.4")
    wait_for_cards(page, 24)
    page.locator(".lk-card").nth(1).get_by_role("button", name="More like").click(force=True)
    page.locator(".lk-part").nth(2).wait_for()
    page.get_by_label("Pictures to search with").set_input_files(apps.picture())
    page.locator(".lk-part").nth(3).wait_for()
    open_cropper(page)
    page.get_by_label("Width %").fill("50")
    page.get_by_role("button", name="Search with this part").click()
    page.locator(".lk-part canvas").wait_for()
    page.locator("#results .html-container:not(.pending)").wait_for()
    return page


def cropping(visitor: Browser, apps: Apps) -> Page:
    page = similar(visitor, apps)
    open_cropper(page)
    page.get_by_label("Left %").fill("20")
    page.get_by_label("Width %").fill("50")
    page.get_by_label("Height %").fill("60")
    return page


def only_negative(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?q=a+moon&w=-0.4")
    page.get_by_text("only says what to leave out").wait_for()
    return page


def no_match(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    open_settings(page)
    score = page.locator("#minscore input[type=number]")
    score.fill("1")
    score.press("Enter")
    page.get_by_text("Nothing close enough").wait_for()
    return page


def bad_file(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    search_with_file(page, apps.text_file())
    page.get_by_text("This picture cannot be used").wait_for()
    return page


def bad_address(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?like={NO_PICTURE}")
    page.get_by_text("This picture cannot be found").wait_for()
    return page


def settings(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_settings(page)
    page.get_by_label("Manual").check(force=True)
    page.locator("#nprobe").wait_for()
    return page


def filtered(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?{FILTERED}")
    page.get_by_label("Lowest value of condition 2").wait_for(state="attached")
    wait_for_cards(page, 2)
    open_settings(page)
    return page


def nothing_meets_the_filters(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?{quote_filter('name', 'starts with', 'nowhere')}")
    page.get_by_role("heading", name="No picture meets the filters").wait_for()
    return page


def bad_filter(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.filled().url}/?q=a+rainbow&{quote_filter('nowhere', '=', 1)}")
    page.get_by_text("No picture has a field 'nowhere'").wait_for()
    return page


def later_results(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("25–48", exact=True).wait_for()
    return page


def details(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-strip").click()
    page.locator(".lk-panel").wait_for()
    return page


def viewer(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-open").nth(1).click()
    page.wait_for_function("document.querySelector('.lk-large')?.src.includes('/preview/')")
    page.locator(".lk-viewer:not(.loading)").wait_for()
    return page


def downloads(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    page.locator(".lk-line").get_by_role("button", name="Download").click()
    page.locator(".lk-selection", has_text="24 results").wait_for()
    return page


def selected(visitor: Browser, apps: Apps) -> Page:
    page = results(visitor, apps)
    select(page, 0, 2)
    page.locator(".lk-selection", has_text="2 selected").wait_for()
    return page


def selected_on_two_pages(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    select(page, 1)
    page.get_by_role("button", name="Older", exact=True).click()
    page.get_by_text("49–60 of 60").wait_for()
    select(page, 0)
    page.locator(".lk-selection", has_text="2 selected, 1 on other pages").wait_for()
    return page


def asked_before_deleting_several(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    select(page, *range(8))
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep them").wait_for()
    page.wait_for_function("[...document.querySelectorAll('.lk-discarded img')].every(each => each.naturalWidth)")
    return page


def select(page: Page, *places_of_cards: int) -> None:
    for place in places_of_cards:
        page.locator(".lk-pick").nth(place).evaluate("node => node.click()")


def asked_before_deleting(visitor: Browser, apps: Apps) -> Page:
    page = viewer(visitor, apps)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").wait_for()
    return page


# Waiting and failing


def loading(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.loading().url)
    wait_for_cards(page, 48)
    page.locator(".lk-chip.model[data-state=loading]").wait_for()
    return page


def waiting(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.loading().url}/?q=a+rainbow")
    page.get_by_text("Waiting for the model to load").wait_for()
    return page


def no_model(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.without_model().url)
    page.locator(".lk-alert", has_text="The model is not available").wait_for()
    return page


def no_model_for_a_search(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.without_model().url}/?q=a+rainbow")
    page.locator("#results [role=alert]", has_text="The model is not available").wait_for()
    return page


def no_model_for_an_upload(visitor: Browser, apps: Apps) -> Page:
    page = no_model(visitor, apps)
    choose(page, apps.picture())
    run(page, "failed")
    return page


def rebuilding(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.rebuilding().url)
    page.get_by_text("Searches wait a moment").wait_for()
    return page


def fallback(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.standing_in().url)
    page.get_by_text("The model small answers for now").wait_for()
    return page


def not_encoded(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.another_model().url}/?q=a+rainbow")
    page.get_by_text("60 pictures cannot be found with small").wait_for()
    return page


def beside(visitor: Browser, apps: Apps) -> Page:
    """Two models answer the same query."""
    page = visitor.open(f"{apps.side_by_side().url}/?q=a+red+circle&against=other")
    page.locator(".lk-beside .lk-card").first.wait_for()
    return page


def models(visitor: Browser, apps: Apps) -> Page:
    """What each model has made of the pictures."""
    page = visitor.open(apps.side_by_side().url)
    open_settings(page)
    page.get_by_role("button", name="Models…").click()
    page.locator(".lk-model").first.wait_for()
    return page


def no_milvus(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.without_milvus().url)
    page.locator(".lk-alert", has_text="Milvus is not answering").wait_for()
    return page


def no_milvus_for_a_search(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(f"{apps.without_milvus().url}/?q=a+rainbow")
    page.locator("#results [role=alert]", has_text="Milvus is not answering").wait_for()
    return page


# Changing


def sending(visitor: Browser, apps: Apps) -> Page:
    page = empty(visitor, apps)
    open_additions(page)
    page.route("**/gradio_api/upload*", lambda route: None)  # no file ever arrives
    choose(page, [apps.picture(), apps.picture()])
    page.get_by_text("Uploading 0 of 2 files").wait_for()
    return page


def upload_at_work(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.uploading().url)
    begun = apps.folder / "begun"
    if not begun.exists():
        begun.touch()
        choose(page, apps.picture())
    page.get_by_role("heading", name="Waiting for the model to load").wait_for()
    return page


def upload_in_line(visitor: Browser, apps: Apps) -> Page:
    page = upload_at_work(visitor, apps)
    choose(page, apps.picture())
    page.get_by_text("Waiting for another run").wait_for()
    return page


def receipt(visitor: Browser, apps: Apps) -> Page:
    """New, duplicate, rejected and skipped at once: only what comes from a folder is skipped."""
    folder = apps.picture(LONGEST).parent
    apps.picture(HOSTILE).rename(folder / HOSTILE)
    apps.picture(RIGHT_TO_LEFT).rename(folder / RIGHT_TO_LEFT)
    (folder / "copy.png").write_bytes((folder / HOSTILE).read_bytes())
    (folder / "notes.jpg").write_text("not a picture")
    (folder / ".DS_Store").write_bytes(os.urandom(50))
    page = visitor.open(apps.changing().url)
    page.locator("#uploads input[type=file]").nth(1).set_input_files(folder)
    run(page, "done")
    page.locator(".lk-card", has_text=RIGHT_TO_LEFT).first.wait_for()
    return page


def longest_name(visitor: Browser, apps: Apps) -> Page:
    page = receipt(visitor, apps)
    page.locator(".lk-card", has_text=LONGEST).first.locator(".lk-open").click()
    page.locator(".lk-viewer .lk-title").wait_for()
    return page


def receipts(visitor: Browser, apps: Apps) -> Page:
    page = receipt(visitor, apps)
    page.get_by_role("button", name="Details", exact=True).click()
    page.get_by_role("button", name="All 6").click()
    page.locator(".lk-receipts table").wait_for()
    return page


def from_the_server(visitor: Browser, apps: Apps) -> Page:
    folder = apps.picture("on the server.png").parent
    (folder / "broken.png").write_text("not a picture")
    page = visitor.open(apps.with_sources(folder.parent).url)
    open_additions(page)
    page.get_by_label("From the server").fill(str(folder))
    page.get_by_role("button", name="Take in").click()
    run(page, "done")
    return page


def a_table_of_the_server(visitor: Browser, apps: Apps) -> Page:
    folder = apps.picture("in a table.png").parent
    (folder / "photos.csv").write_text("where,class\nin a table.png,rose\n")
    page = visitor.open(apps.with_sources(folder.parent).url)
    open_additions(page)
    page.get_by_label("From the server").fill(str(folder / "photos.csv"))
    page.get_by_label("Column with the pictures").fill("where")
    page.get_by_role("button", name="Take in").click()
    run(page, "done")
    page.locator(".lk-card", has_text="in a table.png").first.wait_for()
    return page


def past_runs(visitor: Browser, apps: Apps) -> Page:
    page = from_the_server(visitor, apps)
    open_additions(page)
    page.get_by_role("button", name="Past runs").click()
    page.locator(".lk-past table").wait_for()
    return page


def original_gone(visitor: Browser, apps: Apps) -> Page:
    picture = apps.picture("moved away.png")
    page = visitor.open(apps.with_sources(picture.parent.parent).url)
    open_additions(page)
    page.get_by_label("From the server").fill(str(picture))
    page.get_by_label("Leave originals where they are").check()
    page.get_by_role("button", name="Take in").click()
    run(page, "done")
    picture.unlink()
    page.locator(".lk-card", has_text="moved away.png").first.locator(".lk-open").click()
    page.locator(".lk-viewer .lk-away", has_text="can no longer be read").wait_for()
    return page


def deleted(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.changing().url)
    upload(page, apps.picture("soon gone.png"))
    page.locator(".lk-card", has_text="soon gone.png").first.locator(".lk-open").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    page.locator(".lk-toast.shown").wait_for()
    return page


def meter(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_settings(page)
    page.get_by_role("button", name="Measure accuracy…").click()
    page.get_by_role("button", name="Measure", exact=True).or_(page.locator(".lk-plots").first).first.wait_for()
    return page


def measured(visitor: Browser, apps: Apps) -> Page:
    page = meter(visitor, apps)
    page.get_by_role("button", name=re.compile("^Measure( again)?$")).click()
    page.locator(".lk-meter-sentence").wait_for()
    return page


def nothing_evaluated(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    open_settings(page)
    page.get_by_role("button", name="Evaluations…").click()
    page.get_by_text("Nothing was evaluated so far").wait_for()
    return page


def evaluation(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.evaluated().url)
    open_settings(page)
    page.get_by_role("button", name="Evaluations…").click()
    page.get_by_role("heading", name="By class name").wait_for()
    return page


def near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.duplicated().url)
    find_near_duplicates(page)
    page.locator(".lk-alikes").first.wait_for()
    loaded(page, ".lk-alike img")
    return page


def keeping_one(visitor: Browser, apps: Apps) -> Page:
    page = near_duplicates(visitor, apps)
    page.get_by_role("button", name="Keep this one…").first.click()
    page.get_by_role("button", name="Delete for good").wait_for()
    return page


def near_duplicates_to_look_at(visitor: Browser, apps: Apps) -> Page:
    page = visitor.open(apps.duplicated(EDITS="none").url)
    find_near_duplicates(page)
    page.locator(".lk-alikes").first.wait_for()
    loaded(page, ".lk-alike img")
    return page


def no_near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = library(visitor, apps)
    find_near_duplicates(page)
    page.get_by_text("No near-duplicates were found.").wait_for()
    return page


def too_few_for_near_duplicates(visitor: Browser, apps: Apps) -> Page:
    page = empty(visitor, apps)
    open_near_duplicates(page)
    page.get_by_text("The library is too small").wait_for()
    return page


def near_duplicates_without_milvus(visitor: Browser, apps: Apps) -> Page:
    page = no_milvus(visitor, apps)
    open_near_duplicates(page)
    page.get_by_role("button", name="Look for them").click()
    page.locator("#duplicates .lk-problem").wait_for()
    return page


def open_near_duplicates(page: Page) -> None:
    open_settings(page)
    page.get_by_role("button", name="Near-duplicates…").click()
    page.locator("#duplicates .lk-meter-decision").wait_for()


def find_near_duplicates(page: Page) -> None:
    """Looks for them unless an earlier visitor has."""
    open_near_duplicates(page)
    look = page.get_by_role("button", name="Look for them")
    if look.count():
        look.click()
        page.locator("#duplicates .lk-meter-sentence").wait_for()


def open_cropper(page: Page) -> None:
    page.get_by_role("button", name="Choose a part of").last.click()
    page.wait_for_function("document.querySelector('.lk-crop img')?.naturalWidth > 0")


def open_settings(page: Page) -> None:
    _unfold(page, "Search settings")


def open_additions(page: Page) -> None:
    _unfold(page, "Add pictures")


def _unfold(page: Page, title: str) -> None:
    """Phones begin with both boxes of the side folded away."""
    heading = page.get_by_role("button", name=title, exact=True)
    if heading.get_attribute("aria-expanded") == "false":
        heading.click()


State = Callable[[Browser, Apps], "Page"]
STATES: tuple[State, ...] = (
    signed_out,
    empty,
    read_only,
    library,
    last_page,
    results,
    picture_results,
    unsure,
    explained,
    similar,
    several_parts,
    cropping,
    only_negative,
    no_match,
    bad_file,
    bad_address,
    settings,
    filtered,
    nothing_meets_the_filters,
    bad_filter,
    later_results,
    details,
    viewer,
    asked_before_deleting,
    downloads,
    selected,
    selected_on_two_pages,
    asked_before_deleting_several,
    loading,
    waiting,
    no_model,
    no_model_for_a_search,
    no_model_for_an_upload,
    rebuilding,
    fallback,
    not_encoded,
    beside,
    models,
    no_milvus,
    no_milvus_for_a_search,
    sending,
    upload_at_work,
    upload_in_line,
    receipt,
    receipts,
    longest_name,
    from_the_server,
    a_table_of_the_server,
    past_runs,
    original_gone,
    deleted,
    meter,
    measured,
    nothing_evaluated,
    evaluation,
    near_duplicates,
    keeping_one,
    near_duplicates_to_look_at,
    no_near_duplicates,
    too_few_for_near_duplicates,
    near_duplicates_without_milvus,
)
