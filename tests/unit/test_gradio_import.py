"""Tests that Gradio does less when it is imported, and that what is left out is still what takes the time."""

import inspect
from importlib.util import module_from_spec

import gradio
from gradio import component_meta

from ui.quick_import import _WithoutStubs


def test_components_write_no_stubs_about_themselves(monkeypatch, tmp_path):
    spec = _WithoutStubs().find_spec("gradio.component_meta", gradio.__path__)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    source = tmp_path / "own.py"
    source.write_text("class Own:\n    EVENTS = []\n")
    monkeypatch.setattr(inspect, "getfile", lambda _: str(source))
    assert module.ComponentMeta("Own", (), {"EVENTS": []}).EVENTS == []
    assert not source.with_suffix(".pyi").exists()


def test_gradio_would_write_them(monkeypatch, tmp_path):
    source = tmp_path / "own.py"
    source.write_text("class Own:\n    EVENTS = []\n")
    monkeypatch.setattr(inspect, "getfile", lambda _: str(source))
    spec = component_meta.__spec__
    module = module_from_spec(spec)
    type(spec.loader).exec_module(spec.loader, module)
    module.ComponentMeta("Own", (), {"EVENTS": []})
    assert source.with_suffix(".pyi").exists()
