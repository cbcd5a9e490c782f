"""Checks what the library says on its way to visitors."""

from library.errors import ModelUnavailable, UnknownModel, UnknownPicture
from library.messages import message, table
from ui.sentences import for_page, in_language, naming_bare

FOLDER = "/srv/models/clip-b"


def test_the_page_gets_each_sentence_as_code_and_values():
    problem = str(ModelUnavailable("not_tried", problem=UnknownPicture("gone")))
    gone = {"code": "gone", "values": {}}
    assert for_page({"at": 1, "items": [{"problem": problem}], "name": "gone", "none": None}) == {
        "at": 1,
        "items": [{"problem": {"code": "not_tried", "values": {"problem": gone}, "text": str(problem)}}],
        "name": "gone",
        "none": None,
    }


def test_an_error_is_said_in_a_language_that_has_a_table_and_else_in_english():
    error = UnknownPicture("gone")
    assert in_language(error, "ko") == table("ko")["gone"]
    for unknown in ("fr", "", None, "../en"):
        assert in_language(error, unknown) == table("en")["gone"]


def test_a_folder_of_the_server_is_named_barely_at_any_depth():
    setting = message("model_setting", setting="CLIP_MODEL", name=FOLDER)
    error = UnknownModel("model_not_in_folder", model=setting)
    told = "CLIP_MODEL=clip-b: this folder holds no model, config.json is missing. "
    assert str(naming_bare(error.message, FOLDER)).startswith(told)
