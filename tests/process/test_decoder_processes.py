"""Decodes good and hostile files in processes of their own."""

import os
import signal
import struct
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from library.decoders.direct import DirectDecoder
from library.decoders.process import DecoderProcess
from library.decoders.processes import DecoderProcesses
from library.decoders.worker import MARGIN_OF_A_CORE
from library.errors import RejectedImage
from library.running.work import Interrupted, Work, current, enter
from testing.app_server import ROOT
from testing.waiting import until

HOSTILE = """
import os
from library.decoders import direct, worker

plain = direct.decode

def decode(data, *given):
    if data.startswith(b"signal "):
        os.kill(os.getpid(), int(data.split()[1]))
    if data.startswith(b"loop"):
        open(data[5:] or os.devnull, "w").close()
        while True:
            pass
    return plain(data, *given)

direct.decode = decode
worker.main()
"""
ORPHAN = f"""
from library.decoders.process import DecoderProcess
from library.decoders.processes import DecoderProcesses
import sys
DecoderProcesses(command=("-c", {HOSTILE!r})).thumbnail(b"loop " + sys.argv[1].encode())
"""


@pytest.fixture(scope="module")
def decoder():
    decoder = DecoderProcesses(seconds=0.8, command=("-c", HOSTILE))
    yield decoder
    decoder.close()


def encoded(image, format, **options):
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def files():
    noise = Image.effect_noise((600, 400), 90)
    turned = Image.Exif()
    turned[0x0112] = 6
    jpeg = encoded(noise.convert("RGB"), "JPEG", exif=turned)
    yield jpeg
    yield jpeg[: len(jpeg) * 98 // 100]  # which comes with a note
    yield encoded(noise.convert("RGBA"), "PNG")
    yield encoded(Image.new("L", (5000, 3400), 60), "PNG")  # which takes room
    yield encoded(noise, "GIF")
    yield jpeg[: len(jpeg) // 2]
    yield b"no picture"


def decoded(decoder, data):
    try:
        picture, small = decoder.with_thumbnail(data, 224)
    except RejectedImage as error:
        return error.message
    pixels = (picture.image.size, picture.image.tobytes(), decoder.grey(data).tobytes())
    return pixels, picture.format, picture.width, picture.height, picture.note, small


def children(of="self"):
    tasks = Path(f"/proc/{of}/task")
    return [int(each) for task in tasks.iterdir() for each in (task / "children").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_pictures_are_those_that_this_process_decodes(decoder):
    direct, given = DirectDecoder(), list(files())
    for data in given:
        assert decoded(decoder, data) == decoded(direct, data)
    assert decoder.preview(given[0]) == direct.preview(given[0])
    assert decoder.thumbnail(given[0]) == direct.thumbnail(given[0])


def test_what_ends_a_decoder_costs_one_picture(decoder):
    good = encoded(Image.new("RGB", (20, 20), "red"), "PNG")
    hostile = {
        b"signal %d" % signal.SIGSEGV: "decoder_crashed",
        b"signal %d" % signal.SIGKILL: "decoder_killed",
        b"loop": "decoder_too_slow",
    }
    for data, code in hostile.items():
        with pytest.raises(RejectedImage) as rejected:
            decoder.decode(data)
        assert rejected.value.message.code == code
        assert decoder.decode(good).width == 20


def test_a_decoder_has_neither_secrets_nor_files_of_the_app(decoder, monkeypatch, tmp_path):
    monkeypatch.setenv("AUTH", "ann:secret")
    before = set(children())
    own = DecoderProcesses()
    with (tmp_path / "open").open("w") as kept:
        os.set_inheritable(kept.fileno(), True)
        own.thumbnail(encoded(Image.new("RGB", (20, 20)), "PNG"))
        [pid] = set(children()) - before
    links = {os.readlink(each).partition(":")[0] for each in Path(f"/proc/{pid}/fd").iterdir()}
    assert links == {"pipe", "/dev/null"}
    assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    own.close()
    assert not is_running(pid)


def test_a_decoder_that_never_returns_ends_with_a_killed_app(tmp_path):
    begun = tmp_path / "begun"
    with subprocess.Popen([sys.executable, "-c", ORPHAN, str(begun)], cwd=ROOT) as app:
        assert until(begun.exists)
        [pid] = children(app.pid)
        app.kill()
    assert until(lambda: not is_running(pid))


def test_where_no_process_starts_pictures_are_decoded_in_this_one(caplog):
    decoder = DecoderProcesses(command=("-c", ""))
    good = encoded(Image.new("RGB", (20, 20), "red"), "PNG")
    assert [decoder.decode(good).width, decoder.decode(good).width] == [20, 20]
    [line] = caplog.messages
    assert "decoded in this process" in line


def test_stop_ends_the_process_that_decodes_for_a_run():
    patient = DecoderProcesses(command=("-c", HOSTILE))
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    before = current()
    enter(Work(should_stop=stop.is_set))
    try:
        with pytest.raises(Interrupted):
            patient.thumbnail(b"loop")
    finally:
        enter(before)
        patient.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked to return memory")
def test_a_large_picture_leaves_no_memory_behind():
    decoder = DecoderProcesses()
    large = encoded(Image.new("RGB", (5_000, 4_000)), "PNG", compress_level=1)
    decoder.decode(large)
    [process] = decoder._idle
    resident = Path(f"/proc/{process._process.pid}/statm")
    until(lambda: int(resident.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") < 60 << 20)
    decoder.close()


def test_tags_that_share_their_bytes_take_no_more_memory_than_a_picture_may():
    count, shared = 60_000, 1 << 16
    start = 10 + 12 * count
    tags = b"".join(struct.pack("<HHII", 1000 + each, 7, shared, start) for each in range(count))
    data = b"II*\0" + struct.pack("<IH", 8, count) + tags + bytes(shared)
    process = DecoderProcess()
    try:
        before = peak(process)
        with pytest.raises(RejectedImage, match="far more memory than its picture may need"):
            process.ask({"task": "decode", "arguments": (), "room": 0, "seconds": 60, "seconds_at_most": 300}, data)
        assert peak(process) - before < (1 << 30) + (os.cpu_count() or 1) * MARGIN_OF_A_CORE
        small = {"task": "preview", "arguments": (), "room": 0, "seconds": 60, "seconds_at_most": 300}
        assert process.ask(small, encoded(Image.new("RGB", (40, 30)), "WEBP"))
    finally:
        process.end()


@pytest.mark.parametrize("side", [12_900, 16_383])
def test_a_webp_of_too_many_pixels_is_told_by_them_and_is_not_called_damaged(side):
    head = struct.pack("<4xHH", side, side).replace(bytes(4), b"\x30\x01\x00\x9d\x01\x2a", 1)
    data = b"RIFF\x20\0\0\0WEBPVP8 " + struct.pack("<I", 20) + head + bytes(10)
    process = DecoderProcess()
    try:
        with pytest.raises(RejectedImage, match="more than 85 megapixels"):
            process.ask({"task": "decode", "arguments": (), "room": 0, "seconds": 60, "seconds_at_most": 300}, data)
    finally:
        process.end()


def peak(process):
    return next(
        int(line.split()[1]) << 10
        for line in Path(f"/proc/{process._process.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
