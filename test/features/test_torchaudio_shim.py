import sys
import types

import pytest

from emotion_recognition.features.torchaudio_shim import import_torchaudio


@pytest.fixture
def clean_modules(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    before = dict(sys.modules)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio" and name not in before]:
        del sys.modules[name]


def write(folder, extension: str):
    package = folder / "torchaudio"
    package.mkdir()
    (package / "__init__.py").write_text("from . import _extension\nworks = _extension._IS_TORCHAUDIO_EXT_AVAILABLE\n")
    (package / "_extension.py").write_text(extension)


def test_a_working_install_is_left_alone(clean_modules, monkeypatch, tmp_path):
    write(tmp_path, "_IS_TORCHAUDIO_EXT_AVAILABLE = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert import_torchaudio().works is True
    assert sys.modules["torchaudio._extension"].__file__ == str(tmp_path / "torchaudio/_extension.py")


def test_a_compiled_part_that_does_not_load_is_replaced(clean_modules, monkeypatch, tmp_path):
    write(tmp_path, "raise OSError('libcudart.so.13: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    torchaudio = import_torchaudio()
    assert torchaudio.works is False
    assert import_torchaudio() is torchaudio

    def forced_align():
        raise AssertionError("not reached")

    with pytest.raises(RuntimeError, match="torchaudio.forced_align needs"):
        sys.modules["torchaudio._extension"].fail_if_no_align(forced_align)()


def test_another_fault_is_reported_with_both_causes(clean_modules, monkeypatch, tmp_path):
    write(tmp_path, "raise OSError('first cause')\n")
    (tmp_path / "torchaudio/__init__.py").write_text("from . import _extension\nraise RuntimeError('second cause')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="first cause.*second cause"):
        import_torchaudio()
    assert not isinstance(sys.modules.get("torchaudio._extension"), types.ModuleType)


def test_absence_is_said_as_absence(clean_modules, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    with pytest.raises(ModuleNotFoundError):
        import_torchaudio()
