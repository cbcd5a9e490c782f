"""Adds and deletes pictures in a bucket whose service answers 500, answers slowly, or breaks off."""

import logging
import os
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from benchmarks.faults.commands import Ingest
from benchmarks.faults.kills import begun, recovered
from benchmarks.faults.ledger import Verdict
from benchmarks.faults.place import ENDED_WITHIN, Place
from benchmarks.faults.relay import Relay, Trouble
from benchmarks.faults.results import Results
from db.images.object import ObjectStore

SHARE = 0.5  # of the connections
ENDS = (0, 1, 3)  # done, some files rejected, the bucket out of reach


def troubled(trouble: Trouble, place: Place, chance: random.Random, trials: int) -> Results:
    """Breaks connections to the bucket during an import and a delete, which are then repeated."""
    results = Results(f"S3 {dict(zip(('500', 'slow', 'cut'), NAMES, strict=True))[trouble]}")
    with _bucket(place, chance) as relay:
        operation = Ingest(place, chance)
        operation.set_up()
        for _ in range(trials):
            operation.trial += 1
            operation.prepare()
            if not operation.before:
                place.settings["IMAGE_STORE"] = f"{place.settings['IMAGE_STORE'].rpartition('/')[0]}/{operation.trial}"
            relay.trouble, relay.share = trouble, 1.0 if chance.random() < 0.3 else SHARE
            running = begun(operation)
            if relay.share == 1.0:
                time.sleep(chance.uniform(0, 2))
                relay.share = 0.0
            code = running.wait(ENDED_WITHIN)
            relay.share = 0.0
            results.add(*recovered(operation, _ended(operation, code)))
    return results


NAMES = ("answering 500", "slow", "cutting connections")


@contextmanager
def _bucket(place: Place, chance: random.Random) -> Iterator[Relay]:
    """Starts an S3 service behind a relay, and keeps the pictures of a place in a bucket of it."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    service = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    service.start()
    host, port = service.get_host_and_port()
    name = f"pictures-{uuid.uuid4().hex}"
    urlopen(Request(f"http://{host}:{port}/{name}", method="PUT")).close()
    relay = Relay((host, port), chance)
    keys = {f"AWS_{key}": "key" for key in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    own = {"AWS_ENDPOINT_URL": relay.url, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true", **keys}
    place.settings |= {**own, "IMAGE_STORE": f"s3://{name}/0"}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    place.open_store = lambda: ObjectStore(place.settings["IMAGE_STORE"])
    try:
        yield relay
    finally:
        for setting, value in before.items():
            os.environ.pop(setting)
            if value is not None:
                os.environ[setting] = value
        relay.close()
        service.stop()


def _ended(operation: Ingest, code: int) -> Verdict:
    told = operation.out.read_text(errors="replace")
    wrong = [] if code in ENDS else [f"the command ended with {code}: {told[-200:]!r}"]
    wrong += [f"a traceback was printed: {told[-200:]!r}"] if "Traceback" in told else []
    return Verdict(wrong=wrong) + operation.promised()
