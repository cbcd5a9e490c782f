"""Checks what a load balancer is told."""

from dataclasses import replace

from starlette.applications import Starlette
from starlette.testclient import TestClient

from library.errors import ModelUnavailable, StoreUnavailable
from library.image_library import ImageLibrary
from testing.fakes import ColourEncoder, MemoryCollection, MemoryDatabase, MemoryStore, loading
from ui.health import PATH, health_routes

SECRET = "/srv/secret/milvus.db"


def asked(library):
    return TestClient(Starlette(routes=health_routes(library)))


def answer(library):
    response = asked(library).get(PATH)
    assert SECRET not in response.text
    told = response.json()
    assert len(told["codes"]) == len(told["why"])
    return response.status_code, {name: told[name] for name in ("state", "why")}


def fail(error):
    def failing(*_):
        raise error

    return failing


def test_a_library_that_can_answer_is_ready(library):
    assert answer(library) == (200, {"state": "ready", "why": []})


def test_it_is_loading_until_the_model_is_there():
    models = loading()
    client = asked(ImageLibrary(MemoryStore(), models, MemoryDatabase()))
    response = client.get(PATH)
    assert (response.status_code, response.json()["state"]) == (503, "loading")
    assert response.json()["codes"] == ["model_loading"]
    models.answer_with(ColourEncoder())
    assert client.get(PATH).json() == {"state": "ready", "why": [], "codes": []}


def test_a_model_that_failed_is_said():
    models = loading()
    models.fail(ModelUnavailable(f"{SECRET} holds no model."))
    library = ImageLibrary(MemoryStore(), models, MemoryDatabase())
    assert answer(library) == (503, {"state": "degraded", "why": ["The model could not be loaded."]})


def test_a_fallback_answers_but_is_said(library):
    models = loading()
    models.answer_with(ColourEncoder(), f"{SECRET} cannot be reached.")
    library = ImageLibrary(MemoryStore(), models, MemoryDatabase())
    why = "The chosen model is not available; colour answers in its place."
    assert answer(library) == (200, {"state": "degraded", "why": [why]})


def test_a_milvus_that_is_away_is_said(library, monkeypatch):
    status = MemoryCollection.status
    away = {"connected": False, "problem": f"Milvus at {SECRET} does not answer."}
    monkeypatch.setattr(MemoryCollection, "status", lambda self, _: replace(status(self), **away))
    assert answer(library) == (503, {"state": "degraded", "why": ["Milvus does not answer."]})


def test_a_store_that_is_away_is_said(library, monkeypatch):
    monkeypatch.setattr(MemoryStore, "count", fail(StoreUnavailable(f"{SECRET} cannot be read.")))
    assert answer(library) == (503, {"state": "degraded", "why": ["The image store cannot be read."]})


def test_polling_does_not_become_load(library, monkeypatch):
    looked = []
    status = library.status
    monkeypatch.setattr(library, "status", lambda: looked.append(1) or status())
    client = asked(library)
    for _ in range(50):
        assert client.get(PATH).status_code == 200
    assert len(looked) < 5
