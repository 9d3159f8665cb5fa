import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.datasets.cache import DiskCache, default_folder


class Counted:
    """A computation that counts its calls: the bytes of the file, and their sum."""

    def __init__(self):
        self.calls = 0

    def __call__(self, path):
        self.calls += 1
        content = np.frombuffer(path.read_bytes(), np.uint8)
        return {"content": content, "sum": content.sum(dtype=np.int64)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(bytes(range(256)))
    return path


def test_a_result_is_computed_once_and_comes_back_exactly(tmp_path, file):
    cache, compute = DiskCache(tmp_path / "cache"), Counted()
    first = cache.get(file, {"rate": 16000}, compute)
    again = DiskCache(tmp_path / "cache").get(file, {"rate": 16000}, compute)
    assert compute.calls == 1 and (cache.hits, cache.misses) == (0, 1)
    for arrays in (first, again):
        assert arrays["content"].tolist() == list(range(256)) and arrays["content"].dtype == np.uint8
        assert arrays["sum"] == 255 * 128 and arrays["sum"].dtype == np.int64


def test_the_key_is_content_settings_and_version(tmp_path, file):
    cache, compute = DiskCache(tmp_path / "cache"), Counted()
    cache.get(file, {"a": 1, "b": [2, None]}, compute)
    cache.get(file.rename(tmp_path / "moved.flac"), {"b": [2, None], "a": 1}, compute)
    assert compute.calls == 1
    moved = tmp_path / "moved.flac"
    cache.get(moved, {"a": 2, "b": [2, None]}, compute)
    cache.get(moved, {"a": 1, "b": [2, None]}, compute, version=2)
    moved.write_bytes(b"another recording")
    assert cache.get(moved, {"a": 1, "b": [2, None]}, compute)["sum"] == sum(b"another recording")
    assert compute.calls == 4


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@given(SETTINGS)
def test_the_order_of_settings_does_not_count(settings):
    cache = DiskCache("unused")
    assert cache.path(__file__, settings) == cache.path(__file__, dict(reversed(settings.items())))
    assert cache.path(__file__, settings) != cache.path(__file__, {**settings, "one more": 1})


@pytest.mark.parametrize("damage", ["empty", "cut", "bit", "other", "pickle", "folder"])
def test_a_damaged_entry_is_computed_anew(tmp_path, file, damage):
    cache, compute = DiskCache(tmp_path / "cache"), Counted()
    cache.get(file, {}, compute)
    entry = cache.path(file, {})
    content = bytearray(entry.read_bytes())
    if damage == "empty":
        content.clear()
    elif damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "bit":
        content[content.index(bytes(range(100, 140)))] ^= 1
    elif damage == "other":
        content[:] = b"something else"
    elif damage == "pickle":
        np.savez(tmp_path / "objects.npz", content=np.array([{"x": 1}], object))
        content[:] = (tmp_path / "objects.npz").read_bytes()
    if damage == "folder":
        entry.unlink()
        entry.mkdir()
        with pytest.raises(OSError, match="cache folder .*give another folder"):
            cache.get(file, {}, compute)
        return
    entry.write_bytes(content)
    assert cache.get(file, {}, compute)["content"].tolist() == list(range(256)) and compute.calls == 2
    assert cache.get(file, {}, compute)["sum"] == 255 * 128 and compute.calls == 2


def test_a_failure_stores_nothing(tmp_path, file):
    cache = DiskCache(tmp_path / "cache")

    def fail(path):
        raise ValueError("no face")

    with pytest.raises(ValueError, match="no face"):
        cache.get(file, {}, fail)
    assert not cache.path(file, {}).exists() and cache.get(file, {}, Counted())["sum"] == 255 * 128


def test_objects_and_bad_names_are_refused(tmp_path, file):
    cache = DiskCache(tmp_path / "cache")
    with pytest.raises(ValueError, match="array 'a' holds objects"):
        cache.get(file, {}, lambda path: {"a": np.array([None])})
    for name in ("file", "allow_pickle", "a/b", "../x"):
        with pytest.raises(ValueError, match="expected an identifier"):
            cache.get(file, {}, lambda path, name=name: {name: np.zeros(1)})
    assert not list((tmp_path / "cache").rglob("*.npz"))


@pytest.mark.parametrize("settings", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}])
def test_settings_that_are_no_json_are_refused(tmp_path, file, settings):
    with pytest.raises((TypeError, ValueError)):
        DiskCache(tmp_path).get(file, settings, Counted())


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.wav"):
        DiskCache(tmp_path).get(tmp_path / "gone.wav", {}, Counted())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path, file):
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(OSError, match="cache folder .*give another folder"):
        DiskCache(tmp_path / "cache").get(file, {}, Counted())


def test_a_file_in_the_folders_place_is_named(tmp_path, file):
    with pytest.raises(OSError, match="cache folder .*clip.wav.*give another folder"):
        DiskCache(file).get(file, {}, Counted())


def test_processes_share_a_folder_and_leave_nothing_half(tmp_path, file):
    code = (
        "import sys, numpy as np\n"
        "from emotion_recognition.datasets.cache import DiskCache\n"
        "cache = DiskCache(sys.argv[1])\n"
        "for number in range(20):\n"
        "    out = cache.get(sys.argv[2], {'n': number}, lambda path: {'x': np.full(20000, number)})\n"
        "    assert (out['x'] == number).all()\n"
    )
    folder = tmp_path / "cache"
    runs = [subprocess.Popen([sys.executable, "-c", code, str(folder), str(file)]) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    assert len(list(folder.rglob("*.npz"))) == 20 and not list(folder.rglob("*.partial"))


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "emotion_recognition" == DiskCache().folder
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert default_folder() == tmp_path / ".cache" / "emotion_recognition"
