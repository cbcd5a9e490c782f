"""Checks the spaces of the demo's visitors: what they see, how spaces begin and end, and what a restart finds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from db.images.spaces import LocalSpaces
from db.milvus.database import Milvus
from db.milvus.own_rows import OwnRows
from library.errors import NotAllowed, StoreUnavailable, UnknownPicture
from library.image_library import ImageLibrary
from library.search.query import Query
from library.visitors.bounds import DemoRules
from library.visitors.spaces import Spaces
from public_demo import is_demo
from settings import SettingsError, load_settings
from testing.fakes import ColourEncoder, MemoryStore, ready
from testing.pictures import item


@pytest.fixture(scope="module")
def shared(tmp_path_factory, picture):
    """Returns a library of three pictures that all see."""
    shared = ImageLibrary(
        MemoryStore(), ready(ColourEncoder()), Milvus(tmp_path_factory.mktemp("spaces") / "milvus.db")
    )
    assert len(list(shared.add([item(f"{colour}.png", picture(colour)) for colour in ("red", "blue", "white")]))) == 3
    yield shared
    shared.close()


@pytest.fixture
def place(shared, tmp_path):
    return Place(shared, tmp_path / "visitors")


class Place:
    """Opens spaces with a clock of its own, and visitors of its own."""

    def __init__(self, shared, folder):
        self.folder = folder
        self.shared = shared
        self.now = datetime.now(UTC)
        self.rows = OwnRows(shared.database)
        self.spaces = self.open()

    def open(self, **bounds):
        return Spaces(self.shared, LocalSpaces(self.folder), self.rows, DemoRules(2, 24, **bounds), lambda: self.now)

    def visited_by(self, visitor, spaces=None, address=""):
        return (spaces or self.spaces).visited_by(f"{visitor} {self.folder}" if visitor else "", address)

    def add(self, visitor, name, data, address=""):
        with self.visited_by(visitor, address=address):
            [receipt] = self.spaces.begin().library.add([item(name, data)])
            return receipt

    def names(self, visitor, spaces=None):
        spaces = spaces or self.spaces
        with self.visited_by(visitor, spaces):
            library = spaces.visit().library
            found = [hit.record.name for hit in library.search(Query.of("green")).hits]
            assert sorted(found) == sorted(each.name for each in library.browse(0, 9))
            assert library.status().pictures == library.status().index.rows == library.count_rows() == len(found)
            return found


def test_a_visitor_finds_their_own_among_what_all_see(place, picture):
    place.add("ann", "green.png", picture("green"))
    place.add("bob", "same.png", picture("green"))
    assert place.names("ann")[0] == "green.png" and len(place.names("ann")) == 4
    assert place.names("bob")[0] == "same.png" and len(place.names("bob")) == 4
    assert len(place.names("carl")) == len(place.names("")) == 3
    assert place.shared.status().pictures == place.shared.count_rows() == 3
    # Already there for all: no row of one's own is needed.
    assert place.add("ann", "red again.png", picture("red")).status == "duplicate"


def test_pages_of_a_search_share_no_picture_and_miss_none(place, picture):
    for colour in ("green", "black"):
        place.add("ann", f"{colour}.png", picture(colour))
    with place.visited_by("ann"):
        library = place.spaces.visit().library
        pages = [library.search(Query.of("green", limit=2, offset=offset)).hits for offset in (0, 2, 4)]
        whole = library.search(Query.of("green", limit=9)).hits
        assert [hit.record.name for page in pages for hit in page] == [hit.record.name for hit in whole]
        [own] = [hit for hit in whole if hit.record.name == "green.png"]
        like = library.search(Query.of(similar_to=own.record.content_id)).hits
        assert len(like) == 4 and own.record.content_id not in {hit.record.content_id for hit in like}


def test_a_space_ends_with_its_time_and_the_sweep_removes_files_and_rows(place, picture):
    place.add("ann", "green.png", picture("green"))
    place.now += timedelta(hours=23)
    place.add("bob", "green.png", picture("green"))
    assert place.spaces.sweep() == 0 and len(place.names("ann")) == 4
    place.now += timedelta(hours=2)
    assert len(place.names("ann")) == 3  # before any sweep
    assert place.spaces.sweep() == 1
    assert len(list(place.folder.iterdir())) == 1 and len(place.names("bob")) == 4
    place.now += timedelta(hours=25)
    assert place.open().sweep() == 1 and list(place.folder.iterdir()) == []  # after a restart
    [name] = place.rows.names()
    client = place.shared.database.connection.client()
    assert not client.query(f"visitors_of_{name}", filter="expires > 0", output_fields=["visitor"])


def test_after_a_restart_a_visitor_finds_their_space_and_a_reset_one_is_gone(place, picture):
    place.add("ann", "green.png", picture("green"))
    place.add("bob", "green.png", picture("green"))
    with place.visited_by("bob"):
        place.spaces.reset()
        assert place.spaces.visit().own_ids() == []
    assert len(place.names("bob")) == 3
    again = place.open()
    assert (len(place.names("ann", again)), len(place.names("bob", again))) == (4, 3)
    assert len(list(place.folder.iterdir())) == 1


def test_what_is_on_its_way_when_a_space_ends_is_not_kept(place, picture):
    place.add("ann", "green.png", picture("green"))
    with place.visited_by("ann"):
        library = place.spaces.begin().library
        place.spaces.reset()
    with pytest.raises(StoreUnavailable, match="removed meanwhile"):
        list(library.add([item("late.png", picture("black"))]))
    assert list(place.folder.iterdir()) == []


def test_nobody_changes_what_all_see_and_nothing_is_kept_for_nobody(place, picture):
    place.add("ann", "green.png", picture("green"))
    shared = place.shared.browse(0, 9)[0].content_id
    with place.visited_by("ann"), pytest.raises(UnknownPicture, match="All visitors see"):
        place.spaces.visit().library.delete([shared])
    with place.visited_by("bob"), pytest.raises(NotAllowed):
        place.spaces.visit().library.delete([shared])
    with place.visited_by(""), pytest.raises(NotAllowed, match="cookie"):
        place.spaces.begin()
    with place.visited_by("ann"), pytest.raises(NotAllowed):
        place.spaces.visit().library.tuner.choose_nprobe(1)
    assert len(place.shared.browse(0, 9)) == place.shared.count_rows() == 3


def test_who_drops_the_cookie_stays_within_the_quota_of_their_address(place, picture):
    place.spaces = place.open(address_quota=2)
    full = "Visitors from your network address may have 2 pictures"

    def added(visitor, address="192.0.2.1"):
        return place.add(visitor, "green.png", picture("green"), address)

    assert [added(visitor).status for visitor in ("ann", "bob")] == ["new", "new"]
    with pytest.raises(StoreUnavailable, match=full):
        place.add("ann", "black.png", picture("black"), "192.0.2.1")
    with pytest.raises(StoreUnavailable, match=full):  # a space of nothing counts as well
        added("carl")
    assert added("carl", "192.0.2.2").status == "new"
    with place.visited_by("bob"):
        place.spaces.reset()
    assert added("dora").status == "new"


def test_pictures_of_all_visitors_have_a_total_on_the_disk(place, picture):
    place.spaces = place.open(megabytes=1)
    assert place.add("ann", "green.png", picture("green")).status == "new"
    (place.folder / "large").write_bytes(bytes(1 << 20))
    assert place.add("ann", "black.png", picture("black")).status == "new"  # measured every few seconds
    place.spaces = place.open(megabytes=1)
    with pytest.raises(StoreUnavailable, match="Visitors have filled the 1 MB"):
        place.add("bob", "green.png", picture("green"))
    (place.folder / "large").unlink()
    with place.visited_by("ann"):
        place.spaces.reset()  # what is removed makes room at once
    assert place.add("bob", "green.png", picture("green")).status == "new"


def test_names_and_rows_do_not_tell_the_cookie(place, picture):
    place.add("secret-of-ann", "green.png", picture("green"))
    [folder] = place.folder.iterdir()
    assert "secret" not in folder.name
    assert np.all([character in "0123456789abcdef-" for character in folder.name])


def test_a_space_is_the_demo_unless_somebody_said_who_may_change_what(tmp_path, monkeypatch):
    def demo(**given):
        return is_demo(load_settings(data_dir=tmp_path, **given))

    assert not demo() and demo(demo=True)
    monkeypatch.setenv("SPACE_ID", "me/likeness")
    assert demo() and load_settings(data_dir=tmp_path).allowed_edits == "own"
    assert not any((demo(demo=False), demo(edits="all"), demo(edits="none"), demo(auth="ann:secret")))
    assert demo(demo=True, auth="ann:secret")


def test_settings_that_leave_it_unclear_are_refused(tmp_path):
    for given, said in {
        ("demo", "edits"): "contradict each other",
        ("demo_quota",): "DEMO_QUOTA has an effect only in the demo",
        ("demo_ttl",): "DEMO_TTL has an effect only in the demo",
        ("demo_address_quota",): "DEMO_ADDRESS_QUOTA has an effect only in the demo",
        ("demo_disk",): "DEMO_DISK has an effect only in the demo",
    }.items():
        values = {"demo": True, "edits": "add", "demo_quota": 5, "demo_ttl": 2, "demo_disk": 9, "demo_address_quota": 9}
        with pytest.raises(SettingsError, match=said):
            load_settings(data_dir=tmp_path, **{name: values[name] for name in given})
    for value in (0, 1001, "many"):
        with pytest.raises(SettingsError, match="DEMO_QUOTA"):
            load_settings(data_dir=tmp_path, demo=True, demo_quota=value)


def test_other_users_of_the_machine_do_not_reach_the_pictures_of_visitors(place, picture):
    place.folder.mkdir(mode=0o755)  # as earlier versions made it
    assert place.add("ann", "green.png", picture("green")).status == "new"
    assert place.folder.stat().st_mode & 0o777 == 0o700


def test_one_visitor_at_a_time_searches_for_near_duplicates(place, picture):
    place.add("ann", "green.png", picture("green"))
    with place.visited_by("ann"), place.spaces._comparing:  # as while another searches
        waiting = place.spaces.visit().duplicates.start()
        assert not waiting.over.wait(0.01)
        waiting.stop.set()
        assert waiting.over.wait(20) and waiting.state == "stopped"
    with place.visited_by("ann"):
        done = place.spaces.visit().duplicates.start()
        assert done.over.wait(20) and done.state == "done"
