"""Tests PNGs that are made to take long: of chunks, texts or profiles without end, or with zeros in place of chunks."""

import struct
import zlib

import pytest
from PIL import Image

from library.decoding import png
from library.errors import RejectedImage
from library.images import decode


def chunk(kind, content=b""):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(whole, chunks):
    end_of_header = 33
    return whole[:end_of_header] + chunks + whole[end_of_header:]


@pytest.fixture
def whole(written):
    return written(Image.effect_noise((64, 64), 90), "PNG")


@pytest.mark.parametrize("kind", [b"aaAa", b"tEXt", b"____"])
def test_a_png_of_more_chunks_than_any_program_writes_is_rejected_before_it_is_opened(whole, kind):
    assert decode(with_chunks(whole, 1000 * chunk(kind))).width == 64
    with pytest.raises(RejectedImage, match="more parts than any program"):
        decode(with_chunks(whole, (1 << 18) * chunk(kind)))


def test_a_png_of_more_profiles_than_any_program_writes_is_rejected_before_it_is_opened(whole):
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1000)))
    assert decode(with_chunks(whole, 16 * profile)).width == 64
    with pytest.raises(RejectedImage, match="more parts than any program"):
        decode(with_chunks(whole, 17 * profile))


def test_no_more_texts_are_unpacked_than_are_kept(whole, monkeypatch):
    unpacked, size = [], png._size
    monkeypatch.setattr(png, "_size", lambda each, most: unpacked.append(size(each, most)) or unpacked[-1])
    long = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    assert decode(with_chunks(whole, 200 * long)).width == 64
    assert 0 < sum(unpacked) <= png.MOST_TEXT + png.LONGEST_TEXT


def test_zeros_in_place_of_the_end_are_no_chunks_without_end(whole):
    lost = whole[:200] + bytes(13 * png.MOST_CHUNKS)
    assert sum(1 for _ in png._chunks(lost)) <= png.MOST_CHUNKS
