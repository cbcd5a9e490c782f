"""Calls every function of the page and the API, hidden ones too, and looks what EDITS let them change."""

from inspect import signature
from itertools import zip_longest

import httpx
import pytest

from db.files.backup_folder import backups_in
from library.image_library import ImageLibrary
from library.images import content_id
from library.ingest.runs import Worker
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.pictures import item
from ui.page import build_page, launch_options

pytestmark = pytest.mark.filterwarnings("ignore")


class Site:
    """Serves the page of a library with three pictures, and one in the trash, for some EDITS."""

    def __init__(self, folder, edits, picture):
        self.folder = folder
        self.store, self.database = MemoryStore(), MemoryDatabase()
        self.library = library = ImageLibrary(self.store, ready(ColourEncoder()), self.database)
        self.worker = Worker(library)
        white = picture("white")
        list(library.add([item(f"{name}.png", picture(name)) for name in ("red", "green", "blue", "white")]))
        library.delete([content_id(white)])
        [collection] = self.database.stored()
        self.ids = list(self.store.ids())
        self.event = {"id": self.ids[0], "ids": [*self.ids, content_id(white)], "key": self.ids[0], "nprobe": 8}
        self.event |= {"collection": collection.name, "decision": "best", "kept": self.ids[0], "paths": ["/tmp"]}
        self.page = build_page(library, self.worker, edits, new_backup=backups_in(folder / "backups", []))
        _, url, _ = self.page.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(library, edits=edits)
        )
        self.http = httpx.Client(base_url=url, timeout=60)

    def state(self):
        """Returns all that somebody could change."""
        stored = {each.name: each.rows for each in self.database.stored()}
        trash = (sorted(self.store.trashed()), len(self.library.trash.collections()))
        return sorted(self.store.ids()), trash, stored, len(self.worker._runs), self._backups()

    def call_all(self):
        """Calls each function with every picture, and returns what those answered that failed beyond a sentence."""
        given = {"content_ids": self.ids, "text": "green", "limit": 5, "match": "all", "sort": "score", "offset": 0}
        failed = {}
        for each in [each for each in self.page.fns.values() if each.fn]:
            names = [name for name in signature(each.fn).parameters if name not in ("request", "event")]
            pairs = zip_longest(names[: len(each.inputs)], each.inputs, fillvalue="")
            data = [given.get(name) if type(block).__name__ == "Api" else None for name, block in pairs]
            body = {"data": data, "fn_index": each._id, "event_data": self.event}
            answer = self.http.post("/gradio_api/run/predict", json=body)
            if answer.status_code >= 500:
                failed[each.name] = answer.text
        return failed

    def close(self):
        self.page.close()
        self.worker.close()

    def _backups(self):
        return len(list((self.folder / "backups").glob("*")))


@pytest.fixture
def serve(picture, tmp_path, monkeypatch):
    """Returns a function: serve("none") serves the page for these EDITS."""
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    sites = []

    def served(edits):
        sites.append(Site(tmp_path, edits, picture))
        return sites[-1]

    yield served
    for site in sites:
        site.close()


def test_where_nothing_may_be_changed_no_function_changes_anything(serve):
    site = serve("none")
    before = site.state()
    assert site.call_all() == {}
    assert site.state() == before


def test_who_may_add_can_neither_delete_nor_restore_nor_copy_away(serve):
    site = serve("add")
    ids, trash, _, _, backups = site.state()
    assert site.call_all() == {}
    then = site.state()
    assert set(ids) <= set(then[0]) and (then[1], then[4]) == (trash, backups)


def test_the_same_calls_change_all_of_it_where_that_is_allowed(serve):
    site = serve("all")
    ids, trash, _, runs, backups = site.state()
    site.call_all()
    then = site.state()
    assert not set(ids) <= set(then[0]) and then[1] != trash and then[3] > runs and then[4] > backups
