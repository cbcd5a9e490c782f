"""Holds what the tests share: pictures, libraries of fakes, photos where there are some, a real Milvus server."""

import gc
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from library.image_library import ImageLibrary
from library.images import ContentId, content_id
from library.ingest.runs import Worker
from testing.accessibility import Audit
from testing.app_server import ForkedServer, Server
from testing.apps import Apps
from testing.browser import CHROMIUM, PHONE, Browser, Contexts, SharedChromium, sync_playwright
from testing.fakes import COLOURS, ColourEncoder, MemoryDatabase, MemoryStore, ready
from testing.libraries import Libraries
from testing.milvus_server import MilvusServer, SharedMilvus
from testing.pictures import item
from testing.properties import EXAMPLES as EXAMPLES  # whose module stops Hypothesis from timing tests
from testing.skipping import skip_or_fail
from ui.quick_import import leave_out_stubs

NEEDS = {
    "server": {"milvus_server", "server of a parameter"},
    "browser": {"chromium"},
    "process": {"apps", "serve"},
}
SHARED_CHROMIUM = pytest.StashKey[SharedChromium]()
SHARED_MILVUS = pytest.StashKey[SharedMilvus]()


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()  # until all is imported, nearly all of which stays
    # The workers share the cores: threads of OpenMP that spin while they wait cost a fifth of all processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("DECODE_APART", "false")  # a process to decode in would be started for every library
    leave_out_stubs()
    config.stash[SHARED_CHROMIUM] = SharedChromium()
    config.add_cleanup(config.stash[SHARED_CHROMIUM].stop)
    config.stash[SHARED_MILVUS] = SharedMilvus()
    config.add_cleanup(config.stash[SHARED_MILVUS].stop)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not item.get_closest_marker("browser"):
        item.config.stash[SHARED_CHROMIUM].stop()
    if not item.get_closest_marker("server"):
        item.config.stash[SHARED_MILVUS].stop()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Returns one more than there are cores, and two more for tests of servers, which mostly wait for them."""
    waits = "not server" not in config.option.markexpr
    return (os.cpu_count() or 1) + 1 + waits


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests by their folder and by what they start, groups what shares it, and puts the longest first."""
    for test in items:
        for marker in NEEDS:
            if is_in(test, marker):
                test.add_marker(marker)
        test.add_marker(pytest.mark.xdist_group(group_of(test)))
    items.sort(key=lambda test: [not test.get_closest_marker(marker) for marker in (*NEEDS, "waits")])
    items.sort(key=lambda test: test.get_closest_marker("kills_server") is not None)  # what they cut off stays so


def pytest_collection_finish() -> None:
    # Each look through all that was imported takes half a second, and a tenth of the time went into looking.
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 50, 50)


def is_in(test: pytest.Item, marker: str) -> bool:
    """Returns whether a test has a marker by its folder, its fixtures, or a parameter that names a fixture."""
    parameters = test.callspec.params.values() if hasattr(test, "callspec") else ()
    named = {f"{each} of a parameter" for each in parameters if isinstance(each, str)}
    return test.path.parent.name == marker or bool(NEEDS[marker] & {*getattr(test, "fixturenames", ()), *named})


def group_of(test: pytest.Item) -> str:
    """Returns the group of a file, which shares its module's fixtures; two groups share a Milvus server each.

    One has the tests that kill theirs, and of the others the later half of the files, so that both take as long.
    """
    if test.get_closest_marker("server"):
        killed = test.get_closest_marker("kills_server")
        return "killed server" if killed or test.path.stem > "test_moves" else "server"
    return test.path.stem


@pytest.fixture(autouse=True)
def no_process_without_the_mark(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("This test starts a process: mark it with process.")

    if not any(request.node.get_closest_marker(marker) for marker in NEEDS):
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture(scope="session")
def photos() -> Path:
    folder = os.environ.get("PHOTOS_DIR")
    if not folder or not Path(folder).is_dir():
        skip_or_fail("PHOTOS_DIR names no folder of photos")
    return Path(folder)


@pytest.fixture(scope="module")
def milvus_server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> MilvusServer:
    """Returns a real Milvus server, empty for each module."""
    if reason := MilvusServer.unavailable():
        skip_or_fail(reason)
    return pytestconfig.stash[SHARED_MILVUS].running(tmp_path_factory.mktemp("milvus-server"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Returns the endpoint of an S3 service of our own, spoken to over HTTP."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


# The page in a real browser


@pytest.fixture(scope="session")
def folder_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder that all processes of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def libraries(folder_of_run: Path) -> Libraries:
    return Libraries(folder_of_run / "libraries")


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory, libraries: Libraries) -> Iterator[Apps]:
    """Starts the apps that the tests of a module share, which change nothing that another test reads."""
    if sync_playwright is None or CHROMIUM is None:
        skip_or_fail("playwright or Chromium is not installed")
    apps = Apps(tmp_path_factory.mktemp("apps"), libraries)
    yield apps
    apps.stop()


@pytest.fixture
def server(apps: Apps) -> Server:
    """Holds the sample pictures; for tests that change nothing."""
    return apps.filled()


@pytest.fixture
def serve(apps: Apps, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Returns a function: serve(EDITS="none") starts a server of one's own over an empty library."""
    servers: list[Server] = []

    def start(*program: str, **environment: str) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(ForkedServer(folder, program or ("app.py",), **environment))
        return servers[-1].wait()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def fresh(serve: Callable[..., Server]) -> Server:
    return serve()


@pytest.fixture
def chromium(pytestconfig: pytest.Config) -> Contexts:
    if sync_playwright is None or CHROMIUM is None:
        skip_or_fail("playwright or Chromium is not installed")
    return pytestconfig.stash[SHARED_CHROMIUM].contexts()


@pytest.fixture
def visit(chromium: Contexts) -> Iterator[Callable[..., Browser]]:
    """Returns a function: visit(PHONE, "dark") brings a visitor, who in the end must have met no problem."""
    visitors: list[Browser] = []

    def come(*args: object) -> Browser:
        visitors.append(Browser(chromium, *args))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.close()
    assert [problem for visitor in visitors for problem in visitor.problems] == []


@pytest.fixture
def browser(visit: Callable[..., Browser]) -> Browser:
    return visit()


@pytest.fixture
def phone(visit: Callable[..., Browser]) -> Browser:
    return visit(PHONE)


@pytest.fixture
def s3_environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(endpoint: str) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    return use


@pytest.fixture
def bucket(s3_server: str, s3_environment: Callable[[str], None]) -> str:
    """Returns the URL of a folder in a new bucket."""
    s3_environment(s3_server)
    name = f"pictures-{uuid.uuid4().hex}"
    urlopen(Request(f"{s3_server}/{name}", method="PUT")).close()
    return f"s3://{name}/of us"


Drawn = Callable[..., bytes]


@pytest.fixture(scope="session")
def picture() -> Drawn:
    """Returns a function: picture("red") gives the bytes of a small PNG of that colour."""

    def draw(colour: str, size: tuple[int, int] = (40, 30), format: str = "PNG", **options: object) -> bytes:
        buffer = BytesIO()
        Image.new("RGB", size, COLOURS.get(colour, colour)).save(buffer, format, **options)
        return buffer.getvalue()

    return draw


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def library(store: MemoryStore, database: MemoryDatabase) -> ImageLibrary:
    return ImageLibrary(store, ready(ColourEncoder()), database)


@pytest.fixture
def worker(library: ImageLibrary) -> Iterator[Worker]:
    worker = Worker(library)
    yield worker
    worker.close()


@pytest.fixture
def filled(library: ImageLibrary, picture: Drawn) -> dict[str, ContentId]:
    """Fills the library with a red, a green and a blue picture and returns their IDs by colour."""
    pictures = {colour: picture(colour) for colour in ("red", "green", "blue")}
    list(library.add([item(f"{colour}.png", data) for colour, data in pictures.items()]))
    return {colour: content_id(data) for colour, data in pictures.items()}


@pytest.fixture(scope="session")
def audit(folder_of_run) -> Audit:
    """Returns a function: audit(page, state) looks at a page with axe, and twice at no part that stays the same."""
    return Audit(folder_of_run / "audited")
