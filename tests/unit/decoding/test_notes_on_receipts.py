"""Checks that what is to be said of a picture reaches its receipt, and that its bytes are kept as they are."""

from dataclasses import replace

from commands.printing import print_receipts
from library.images import content_id
from library.messages import message
from testing.pictures import item
from testing.tiff_files import jpeg, jpeg_page, sensor_page, tiff


def test_a_damaged_picture_comes_in_with_a_note(library, photo):
    data = jpeg(photo)[:-2]
    [receipt] = library.add([item("a.jpg", data)])
    assert (receipt.status, receipt.content_id) == ("new", content_id(data))
    assert str(receipt.reason) == "Cut short at its end: all of its rows could be decoded."
    assert library.original(receipt.content_id) == data


def test_a_note_on_the_picture_and_one_on_the_row_are_both_told(library, photo):
    noted = replace(item("a.jpg", jpeg(photo)[:-2]), note=message("columns_of_bytes", columns="x"))
    [receipt] = library.add([noted])
    assert str(receipt.reason).startswith("Columns of bytes are left out: x. Cut short at its end")


def test_half_a_picture_is_rejected_with_the_share_that_is_there(library, photo):
    data = jpeg(photo)
    [receipt] = library.add([item("a.jpg", data[: len(data) // 2])])
    assert receipt.status == "rejected"
    assert " % of its rows can be decoded, and 95 % are needed" in str(receipt.reason)


def test_a_raw_file_keeps_its_format_and_its_bytes(library, photo):
    first = jpeg_page(photo)
    first.tags[271] = "NIKON"
    data = tiff([first, sensor_page(6000, 4000)])
    [receipt] = library.add([item("a.nef", data)])
    record = library.record(receipt.content_id)
    assert (record.format, record.img_path[-4:], record.width) == ("NEF", ".nef", 480)
    assert library.original(receipt.content_id) == data


def test_the_command_line_prints_the_note(library, photo, capsys):
    print_receipts(list(library.add([item("a.jpg", jpeg(photo)[:-2]), item("b.jpg", jpeg(photo))])), as_json=False)
    noted, counts = capsys.readouterr().out.splitlines()
    assert noted.startswith("new       a.jpg  Cut short at its end") and counts.startswith("2 new")


def test_an_ordinary_picture_has_no_note(library, photo):
    [receipt] = library.add([item("a.jpg", jpeg(photo))])
    assert (receipt.status, receipt.reason) == ("new", None)
