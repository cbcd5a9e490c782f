"""Checks the compose file for Milvus: pinned, watched, kept, closed to the network, and without a secret of its own."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from testing.app_server import ROOT

FILE = ROOT / "docker-compose.milvus.yml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")

DATA = {
    "etcd": "/etcd",
    "minio": "/minio_data",
    "milvus": "/var/lib/milvus",
    "volume-init": "/var/lib/milvus",
    "app": "/data",
}
WAITS = {"etcd": "service_healthy", "minio": "service_healthy", "volume-init": "service_completed_successfully"}
PORTS = {"milvus": "127.0.0.1:19530:19530", "app": "127.0.0.1:7860:7860"}
LOGINS = {"MINIO_ACCESS_KEY_ID": "MINIO_ROOT_USER", "MINIO_SECRET_ACCESS_KEY": "MINIO_ROOT_PASSWORD"}
SECRET = re.compile("KEY|SECRET|PASSWORD|USER|TOKEN")
REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<how>:?[-?+])[^{}]*)?\}")

Compose = dict[str, Any]
Faults = Iterator[str]


def missing_services(compose: Compose) -> Faults:
    yield from DATA.keys() ^ compose["services"].keys()


def loose_images(compose: Compose) -> Faults:
    """Yields images that may mean another one tomorrow, under the same name."""
    for service in compose["services"].values():
        name, _, tag = service["image"].rpartition(":")
        if not name or "/" in tag or "latest" in tag:
            yield service["image"]


def other_milvus(compose: Compose) -> Faults:
    images = {compose["services"][name]["image"] for name in ("milvus", "volume-init")}
    if len(images) > 1 or not all(re.fullmatch(r"milvusdb/milvus:v3\.0\.\d+", image) for image in images):
        yield from images


def unwatched_services(compose: Compose) -> Faults:
    for name in compose["services"].keys() - {"volume-init"}:
        check = compose["services"][name].get("healthcheck", {})
        if check.get("disable") or not {"test", "interval", "timeout", "retries"} <= check.keys():
            yield name


def services_that_stay_down(compose: Compose) -> Faults:
    for name in compose["services"].keys() - {"volume-init"}:
        if compose["services"][name].get("restart") not in ("always", "unless-stopped"):
            yield name


def endless_init(compose: Compose) -> Faults:
    """Yields the initial service where it restarts: one that never ends is never completed."""
    if compose["services"]["volume-init"].get("restart", "no") != "no":
        yield "volume-init"


def missing_waits(compose: Compose) -> Faults:
    waits = compose["services"]["milvus"].get("depends_on", {})
    for name, condition in WAITS.items():
        if not isinstance(waits, dict) or waits.get(name, {}).get("condition") != condition:
            yield name


def lost_data(compose: Compose) -> Faults:
    for name, path in DATA.items():
        service = compose["services"][name]
        volume = dict(mounts(service)).get(path)
        if volume not in compose.get("volumes", {}):
            yield f"{name}: {path}"
        if name in ("etcd", "minio") and path not in re.split(r"[\s=]", service["command"]):
            yield f"{name}: {service['command']}"


def mounts(service: Compose) -> Iterator[tuple[str, str | None]]:
    """Returns where each volume lies in the container, and its name; None is a folder or a volume without one."""
    for mount in service.get("volumes", []):
        if isinstance(mount, dict):
            yield mount["target"], mount.get("source") if mount["type"] == "volume" else None
        else:
            source, target = mount.split(":")[:2] if ":" in mount else ("", mount)
            yield target, source if re.match(r"\w", source) else None


def open_ports(compose: Compose) -> Faults:
    for name, service in compose["services"].items():
        if "network_mode" in service:
            yield f"{name}: network_mode"
        for port in service.get("ports", []):
            if name not in PORTS or address(port) != "127.0.0.1":
                yield f"{name}: {port}"


def address(port: object) -> str | None:
    """Returns the address that a port is published on; None is every address of the machine."""
    if isinstance(port, dict):
        return port.get("host_ip")
    parts = str(port).rsplit(":", 2)
    return parts[0] if len(parts) == 3 else None


def unreachable_services(compose: Compose) -> Faults:
    for name, wanted in PORTS.items():
        if wanted not in compose["services"][name].get("ports", []):
            yield f"{name}: {wanted}"


def unasked_app(compose: Compose) -> Faults:
    """Yields what keeps the app from starting only with `--profile app`, and from waiting for Milvus and finding it."""
    app = compose["services"]["app"]
    if app.get("profiles") != ["app"]:
        yield "profiles"
    if app.get("depends_on", {}).get("milvus", {}).get("condition") != "service_healthy":
        yield "depends_on"
    if ("app", "MILVUS_URI", "http://milvus:19530") not in list(variables(compose)):
        yield "MILVUS_URI"


def baked_in_secrets(compose: Compose) -> Faults:
    """Yields whatever is not `${NAME:?…}`: a value, a default, or a reference that may be empty."""
    for service, name, value in variables(compose):
        reference = REFERENCE.fullmatch(value)
        if SECRET.search(name) and not (reference and reference["how"] == ":?"):
            yield f"{service}: {name}"


def unexplained_variables(compose: Compose) -> Faults:
    for reference in REFERENCE.finditer(yaml.safe_dump(compose, width=1000)):
        if not re.search(rf"^(# )?{reference['name']}=", EXAMPLE, flags=re.MULTILINE):
            yield reference["name"]


def refused_logins(compose: Compose) -> Faults:
    """Yields logins that are missing, without which Milvus tries the one that every MinIO is delivered with."""
    given = {(service, name): value for service, name, value in variables(compose)}
    for ours, theirs in LOGINS.items():
        if ("milvus", ours) not in given or given["milvus", ours] != given.get(("minio", theirs)):
            yield ours


def variables(compose: Compose) -> Iterator[tuple[str, str, str]]:
    for service, content in compose["services"].items():
        environment = content.get("environment", {})
        if isinstance(environment, list):
            environment = dict(entry.partition("=")[::2] for entry in environment)
        for name, value in environment.items():
            yield service, name, str(value)


def hurried_stops(compose: Compose) -> Faults:
    """Yields Milvus where Docker kills it after ten seconds: it takes longer to write out what it holds."""
    if compose["services"]["milvus"].get("stop_grace_period", "10s") == "10s":
        yield "milvus"


CHECKS = [
    missing_services,
    loose_images,
    other_milvus,
    unwatched_services,
    services_that_stay_down,
    endless_init,
    missing_waits,
    lost_data,
    open_ports,
    unreachable_services,
    unasked_app,
    baked_in_secrets,
    unexplained_variables,
    refused_logins,
    hurried_stops,
]
GONE = object()
SPOILT = [
    (missing_services, "etcd", GONE),
    (missing_services, "attu", {"image": "zilliz/attu:v2.6"}),
    (loose_images, "etcd.image", "quay.io/coreos/etcd"),
    (loose_images, "etcd.image", "localhost:5000/etcd"),
    (loose_images, "minio.image", "minio/minio:latest"),
    (other_milvus, "milvus.image", "milvusdb/milvus:v2.6.0"),
    (other_milvus, "volume-init.image", "milvusdb/milvus:v3.0.2"),
    (unwatched_services, "etcd.healthcheck", GONE),
    (unwatched_services, "minio.healthcheck.interval", GONE),
    (unwatched_services, "minio.healthcheck.timeout", GONE),
    (unwatched_services, "milvus.healthcheck.retries", GONE),
    (unwatched_services, "milvus.healthcheck.disable", True),
    (services_that_stay_down, "etcd.restart", GONE),
    (services_that_stay_down, "milvus.restart", "no"),
    (endless_init, "volume-init.restart", "always"),
    (missing_waits, "milvus.depends_on", ["etcd", "minio", "volume-init"]),
    (missing_waits, "milvus.depends_on.etcd.condition", "service_started"),
    (missing_waits, "milvus.depends_on.minio", GONE),
    (missing_waits, "milvus.depends_on.volume-init.condition", "service_started"),
    (lost_data, "etcd.volumes", GONE),
    (lost_data, "etcd.command", "etcd --data-dir=/elsewhere"),
    (lost_data, "minio.command", "minio server /minio_data2"),
    (lost_data, "minio.volumes", ["unknown:/minio_data"]),
    (lost_data, "minio.volumes", ["/minio_data"]),
    (lost_data, "milvus.volumes", ["./milvus:/var/lib/milvus"]),
    (lost_data, "milvus.volumes", ["milvus:/var/lib/elsewhere:rw"]),
    (lost_data, "milvus.volumes", [{"type": "bind", "source": "milvus", "target": "/var/lib/milvus"}]),
    (open_ports, "milvus.ports", ["19530:19530"]),
    (open_ports, "milvus.ports", [19530]),
    (open_ports, "milvus.ports", ["0.0.0.0:19530:19530"]),
    (open_ports, "milvus.ports", [{"target": 19530, "published": "19530"}]),
    (open_ports, "milvus.ports", [{"target": 19530, "published": "19530", "host_ip": "0.0.0.0"}]),
    (open_ports, "minio.ports", ["127.0.0.1:9001:9001"]),
    (open_ports, "etcd.network_mode", "host"),
    (unreachable_services, "milvus.ports", GONE),
    (unreachable_services, "milvus.ports", ["127.0.0.1:9091:9091"]),
    (unreachable_services, "app.ports", GONE),
    (unasked_app, "app.profiles", GONE),
    (unasked_app, "app.depends_on.milvus.condition", "service_started"),
    (unasked_app, "app.environment.MILVUS_URI", "http://127.0.0.1:19530"),
    (lost_data, "app.volumes", ["app:/app/data"]),
    (open_ports, "app.ports", ["7860:7860"]),
    (baked_in_secrets, "minio.environment.MINIO_ROOT_PASSWORD", "a password"),
    (baked_in_secrets, "minio.environment.MINIO_ROOT_PASSWORD", None),
    (baked_in_secrets, "minio.environment.MINIO_ROOT_USER", "${MINIO_ROOT_USER}"),
    (baked_in_secrets, "minio.environment.MINIO_ROOT_USER", "${MINIO_ROOT_USER:-somebody}"),
    (baked_in_secrets, "minio.environment.MINIO_ROOT_USER", "${MINIO_ROOT_USER?may be empty}"),
    (baked_in_secrets, "milvus.environment.MINIO_ACCESS_KEY_ID", "a${MINIO_ROOT_USER:?}"),
    (baked_in_secrets, "milvus.environment", ["MINIO_SECRET_ACCESS_KEY=a password"]),
    (baked_in_secrets, "milvus.environment", ["MINIO_SECRET_ACCESS_KEY"]),
    (unexplained_variables, "minio.environment.MINIO_ROOT_USER", "${MINIO_ROOT:?set it}"),
    (unexplained_variables, "etcd.environment.ETCD_SNAPSHOT_COUNT", "${SNAPSHOTS:-50000}"),
    (unexplained_variables, "etcd.image", "quay.io/coreos/etcd:${ETCD_TAG}"),
    (refused_logins, "milvus.environment.MINIO_ACCESS_KEY_ID", GONE),
    (refused_logins, "milvus.environment.MINIO_SECRET_ACCESS_KEY", "${MINIO_ROOT_USER:?}"),
    (hurried_stops, "milvus.stop_grace_period", GONE),
]
AS_WELL = [
    (lost_data, "milvus.volumes", [{"type": "volume", "source": "milvus", "target": "/var/lib/milvus"}]),
    (lost_data, "milvus.volumes", ["milvus:/var/lib/milvus:rw"]),
    (open_ports, "milvus.ports", [{"target": 19530, "published": "19530", "host_ip": "127.0.0.1"}]),
    (open_ports, "milvus.ports", ["127.0.0.1::19530/tcp"]),
    (loose_images, "etcd.image", "localhost:5000/etcd:v3.5.25"),
    (baked_in_secrets, "minio.environment", ["MINIO_ROOT_USER=${MINIO_ROOT_USER:?set it in .env}"]),
]


def changed(path: str, value: object) -> Compose:
    compose = deepcopy(COMPOSE)
    *parents, last = path.split(".")
    part = compose["services"]
    for name in parents:
        part = part[name]
    if value is GONE:
        del part[last]
    else:
        part[last] = value
    return compose


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_file_is_sound(check: Callable[[Compose], Faults]):
    assert list(check(COMPOSE)) == []


@pytest.mark.parametrize(("check", "path", "value"), SPOILT)
def test_a_fault_is_seen(check: Callable[[Compose], Faults], path: str, value: object):
    assert list(check(changed(path, value)))


@pytest.mark.parametrize(("check", "path", "value"), AS_WELL)
def test_another_way_of_writing_it_is_no_fault(check: Callable[[Compose], Faults], path: str, value: object):
    assert list(check(changed(path, value))) == []


def test_every_check_is_shown_to_fail():
    assert {check for check, _, _ in SPOILT} == set(CHECKS)


def test_the_login_that_every_minio_is_delivered_with_is_nowhere():
    assert "minioadmin" not in TEXT


def follows_the_specification(file: Path) -> bool:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.process
def test_the_file_follows_the_compose_specification():
    assert follows_the_specification(FILE)


@pytest.mark.process
@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("    restart: unless-stopped", "    restarts: unless-stopped"),
        ("      start_period: 90s", "      start-period: 90s"),
        ("condition: service_healthy", "condition: healthy"),
    ],
)
def test_what_compose_would_refuse_is_seen(written: str, instead: str, tmp_path: Path):
    assert written in TEXT
    file = tmp_path / FILE.name
    file.write_text(TEXT.replace(written, instead), encoding="utf-8")
    assert not follows_the_specification(file)
