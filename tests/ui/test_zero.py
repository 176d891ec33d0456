import sys
import types

from muddle.ui.zero import ask_for_nothing


def test_only_on_zero_gpu_a_gpu_is_asked_for(monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=lambda work: asked.append(work) or work))
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert ask_for_nothing() is None
    assert not asked
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert ask_for_nothing() is asked[0]


def test_elsewhere_the_platforms_package_is_not_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it would fail
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert ask_for_nothing() is None
