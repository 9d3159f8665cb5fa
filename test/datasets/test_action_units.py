import numpy as np
import pytest

from emotion_recognition.datasets import open_corpus
from emotion_recognition.datasets.action_units import load_action_units

NAMES = ["01-01-03-01-01-01-01", "01-01-03-01-01-01-02", "01-01-04-02-01-02-24"]


def write(folder, names=NAMES, units=None, **more):
    units = np.arange(35 * len(names), dtype=np.float32).reshape(-1, 35) if units is None else units
    path = folder / "units.npz"
    np.savez(path, clip=np.array(names), au=units, **more)
    return path


def test_rows_come_by_the_names_of_the_sounds(tmp_path):
    path = write(tmp_path, audio=np.zeros((3, 259)))
    units = load_action_units(path, ["03-01-04-02-01-02-24", "03-01-03-01-01-01-01", "02-01-03-01-01-01-01"])
    assert units.shape == (3, 35) and units.dtype == np.float32
    assert units[:, 0].tolist() == [70, 0, 0] and units[0].tolist() == list(range(70, 105))


def test_no_names_give_no_rows(tmp_path):
    assert load_action_units(write(tmp_path), []).shape == (0, 35)


def test_a_lacking_performance_is_named(tmp_path):
    with pytest.raises(ValueError, match="has 3 performances, but not 2 of 3 asked for, the first '03-01-05"):
        load_action_units(write(tmp_path), ["03-01-05-01-01-01-01", "03-01-03-01-01-01-01", "03a01Fa"])


def test_a_performance_twice(tmp_path):
    twice = [*NAMES, "02-01-03-01-01-01-01"]
    units = np.ones((4, 35), np.float32)
    assert (load_action_units(write(tmp_path, twice, units), NAMES) == 1).all()
    units[3, 7] = 2
    with pytest.raises(ValueError, match="'02-01-03-01-01-01-01' and '01-01-03-01-01-01-01' are one performance"):
        load_action_units(write(tmp_path, twice, units), NAMES)


def test_units_that_are_not_finite_are_refused_where_asked_for(tmp_path):
    units = np.ones((3, 35), np.float32)
    units[2, 3] = np.nan
    path = write(tmp_path, units=units)
    assert load_action_units(path, NAMES[:2]).shape == (2, 35)
    with pytest.raises(ValueError, match="not finite"):
        load_action_units(path, NAMES)


@pytest.mark.parametrize("units", [np.ones((3, 34), np.float32), np.ones((2, 35), np.float32), np.ones((3, 35), int)])
def test_another_shape_is_named(tmp_path, units):
    with pytest.raises(ValueError, match=r"expected names \(M,\) and numbers \(M, 35\)"):
        load_action_units(write(tmp_path, units=units), NAMES)


def test_a_pickle_a_broken_and_no_file(tmp_path):
    path = tmp_path / "units.npz"
    np.savez(path, clip=np.array(NAMES, object), au=np.ones((3, 35)))
    with pytest.raises(ValueError, match="units.npz: expected an .npz file .* without pickle"):
        load_action_units(path, NAMES)
    for content in (b"", b"no archive", write(tmp_path).read_bytes()[:200]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="units.npz: expected an .npz file"):
            load_action_units(path, NAMES)
    np.savez(path, clip=np.array(NAMES))
    with pytest.raises(ValueError, match="au"):
        load_action_units(path, NAMES)
    with pytest.raises(FileNotFoundError, match="gone.npz: expected the action units of RAVDESS"):
        load_action_units(tmp_path / "gone.npz", NAMES)


def test_every_real_clip_has_its_units(data_folder):
    corpus = open_corpus(data_folder / "ravdess_speech")
    path = data_folder / "ravdess_features" / "ravdess_speech_au35_audio259.npz"
    units = load_action_units(path, corpus.names)
    assert units.shape == (1439, 35) and units.min() >= 0 and (units.std(axis=0) > 0).sum() >= 30
    with np.load(path) as stored:
        row = stored["clip"].tolist().index("01-01-08-02-02-02-24")
        assert np.array_equal(units[corpus.names.index("03-01-08-02-02-02-24")], stored["au"][row])
