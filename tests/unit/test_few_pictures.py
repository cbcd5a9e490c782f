"""Holds where pictures are decoded: in other processes, but for commands that read few."""

from commands.session import Session
from library.decoders.direct import DirectDecoder
from library.image_library import ImageLibrary
from settings import Settings
from testing.fakes import ColourEncoder, MemoryDatabase, MemoryStore, ready


def test_a_command_that_reads_few_pictures_decodes_them_itself(tmp_path):
    built = []

    def build(settings, others=(), texts_first=False):
        built.append(settings.decode_apart)
        return ImageLibrary(MemoryStore(), ready(ColourEncoder()), MemoryDatabase(), decoder=DirectDecoder())

    session = Session(build, Settings(data_dir=tmp_path, decode_apart=True))
    for few in (True, False):
        with session.library(with_model=False, few_pictures=few):
            pass
    assert built == [False, True]
