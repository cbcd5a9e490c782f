"""Breaks the program in the middle, a little of what `python -m benchmarks.faults` does at length."""

import random
import time

import pytest

from benchmarks.faults.backups import Repair, Restore
from benchmarks.faults.buckets import troubled
from benchmarks.faults.commands import Delete, EmptyTrash, Import, Ingest, Rebuild, Reindex
from benchmarks.faults.crowds import on_one_folder
from benchmarks.faults.kills import tried
from benchmarks.faults.outages import during_ingest
from benchmarks.faults.place import Place
from benchmarks.faults.uploads import upload_kills
from benchmarks.faults.watches import Watch

pytestmark = [pytest.mark.faults, pytest.mark.process, pytest.mark.filterwarnings("ignore")]

KILLS = 2
SEED = 9  # kills both times before the recovery
SECONDS = 0.3  # of an operation: one that takes less is killed at an earlier moment


@pytest.fixture
def on_lite(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize("kind", [Ingest, Import, Reindex, Rebuild, Delete, EmptyTrash, Watch, Restore, Repair])
def test_a_kill_on_lite_loses_and_doubles_nothing(on_lite, kind):
    assert tried(kind(on_lite, random.Random(SEED)), KILLS, SECONDS).details == []


def test_a_kill_of_the_app_during_uploads_loses_and_doubles_nothing(on_lite):
    assert upload_kills(on_lite, random.Random(0), 1, SECONDS).details == []


@pytest.mark.server
def test_a_kill_on_a_server_loses_and_doubles_nothing(tmp_path, milvus_server):
    place = Place(tmp_path, milvus_server)
    assert tried(Delete(place, random.Random(SEED)), KILLS, SECONDS).details == []


def frozen(server, chance):
    server.freeze()
    time.sleep(1)
    server.thaw()


@pytest.mark.server
@pytest.mark.kills_server
def test_a_server_that_freezes_during_an_import_costs_nothing(tmp_path, milvus_server):
    assert during_ingest(frozen, Place(tmp_path, milvus_server), random.Random(0), 1).details == []


def test_a_bucket_that_cuts_connections_costs_nothing(on_lite):
    assert troubled("cut", on_lite, random.Random(0), 1).details == []


def test_of_two_imports_into_one_folder_of_lite_a_kill_takes_nothing(on_lite):
    assert on_one_folder(on_lite, random.Random(0), 1).details == []
