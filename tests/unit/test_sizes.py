"""Checks that no file, function or class is too large, and that no files import each other in a circle."""

from testing.app_server import ROOT
from testing.structure import circles, product

SOURCES = product(ROOT)
MOST_LINES, MOST_FUNCTION_LINES, MOST_PUBLIC_METHODS = 400, 40, 20
MOST_TEST_LINES = 500
MOST_OF_THE_FACADE, MOST_OF_APP = 15, 150


def larger(sizes, most):
    return {name: size for name, size in sizes.items() if size > most}


def test_files_functions_and_classes_stay_small():
    assert len(SOURCES) > 100
    assert larger({source.name: source.lines for source in SOURCES}, MOST_LINES) == {}
    for source in SOURCES:
        assert larger(source.functions(), MOST_FUNCTION_LINES) == {}
        assert larger(source.public_methods(), MOST_PUBLIC_METHODS) == {}


def test_files_of_tests_stay_below_500_lines():
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    assert len(lengths) > 100
    assert larger(lengths, MOST_TEST_LINES) == {}


def test_scripts_and_styles_stay_small():
    paths = [path for kind in ("*.js", "*.css") for path in (ROOT / "ui" / "assets").rglob(kind)]
    assert paths
    assert {path.name for path in paths if len(path.read_text("utf-8").splitlines()) > MOST_LINES} == set()


def test_the_door_and_the_facade_stay_short():
    by_name = {source.name: source for source in SOURCES}
    assert by_name["app.py"].lines < MOST_OF_APP
    facade = by_name["library/image_library.py"].public_methods()
    assert facade["library/image_library.py ImageLibrary"] <= MOST_OF_THE_FACADE


def test_no_files_import_each_other_in_a_circle():
    assert circles(SOURCES) == []
