from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from emotion_recognition.evaluation import action_unit_classifier, fused, load_record  # noqa: E402
from emotion_recognition.evaluation.calibration import calibration_error, fit_temperature, softmax  # noqa: E402
from emotion_recognition.evaluation.records import RunRecord  # noqa: E402
from emotion_recognition.fusion.means import METHODS, temper  # noqa: E402

CLASSES = tuple(range(1, 9))


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch):
    monkeypatch.setattr(action_unit_classifier, "SCALINGS", ("standard",))
    monkeypatch.setattr(action_unit_classifier, "STRENGTHS", (0.1, 0.3))
    monkeypatch.setattr(action_unit_classifier, "TREES", 20)


def clips():
    """Two clips of each class of all 24 actors, as RAVDESS names them."""
    names = [
        f"03-01-{emotion:02}-01-{statement:02}-{repetition:02}-{actor:02}"
        for actor in range(1, 25)
        for emotion in CLASSES
        for statement, repetition in ((1, 1), (2, 2))
    ]
    return names, np.array([int(name[-2:]) for name in names]), np.array([int(name[6:8]) for name in names])


def record(strength=2.0, name="voice", seed=0, **changed):
    names, actors, truth = clips()
    logits = np.random.default_rng(seed).standard_normal((len(names), 8))
    logits[np.arange(len(names)), truth - 1] += strength
    values = {
        "name": name, "model": "a-voice", "protocol": "p2", "corpus": "ravdess", "names": names, "actors": actors,
        "folds": (actors - 1) // 4, "truth": truth, "logits": logits,
    }  # fmt: skip
    return RunRecord(**{**values, **changed})


def accuracy(found):
    return np.mean(found.predicted == found.truth)


def write_units(path, noise):
    names, _, truth = clips()
    units = np.random.default_rng(1).standard_normal((len(names), 35)).astype(np.float32) * noise
    units[np.arange(len(names)), truth] += 1
    np.savez(path, clip=np.array(["01" + name[2:] for name in names]), au=units)


def test_two_streams_are_better_than_one_and_calibrated(tmp_path):
    write_units(tmp_path / "units.npz", 0.5)
    voice = record()
    face, geometric, arithmetic = fused.fuse_with_action_units(voice, tmp_path / "units.npz")
    assert (face.name, geometric.name, arithmetic.name) == (
        "action-units-p2", "voice-action-units-gm", "voice-action-units-am",
    )  # fmt: skip
    best = max(accuracy(voice), accuracy(face.select("clips")))
    assert accuracy(geometric.select("clips")) > best + 0.05
    assert accuracy(arithmetic.select("clips")) > best
    whole = geometric.select("clips")
    error = calibration_error(whole.truth, whole.probabilities, CLASSES)
    assert error < 0.06 and error < geometric.recipe["ece_without_fused_temperature"] - 0.1
    # A stream that is missing leaves the other one; noise in the face costs accuracy.
    assert geometric.select("face missing").predicted.tolist() == voice.predicted.tolist()
    assert geometric.select("voice missing").predicted.tolist() == face.select("clips").predicted.tolist()
    assert accuracy(geometric.select("face noise 0 dB")) < accuracy(whole)


@pytest.mark.parametrize("rule", ["geometric", "arithmetic"])
def test_streams_and_their_mean_are_tempered_as_the_robot_does(rule):
    voice, face = record(), record(1.0, "face", seed=5)
    voice, face = (replace(one, logits=one.logits * scale) for one, scale in ((voice, 3.0), (face, 0.4)))
    found = fused.fuse(voice, face, rule)
    own = found.recipe["temperatures"]
    for fold in (0, 4):
        others = voice.folds != fold
        by_hand = [fit_temperature(one.logits[others], one.truth[others]) for one in (voice, face)]
        assert [own["voice"][fold], own["face"][fold]] == pytest.approx(by_hand, abs=1e-3)
        p, q = (softmax(one.logits / heat) for one, heat in zip((voice, face), by_hand, strict=True))
        mean = np.array([METHODS[rule](*pair) for pair in zip(p, q, strict=True)])
        heat = fit_temperature(np.log(mean[others]), voice.truth[others])
        assert own["fused"][fold] == pytest.approx(heat, abs=1e-3)
        expected = np.array([temper(row, heat) for row in mean[~others]])
        assert found.select("clips", fold).probabilities == pytest.approx(expected, abs=1e-3)
        assert found.select("face missing", fold).probabilities == pytest.approx(p[~others], abs=1e-3)
        assert found.select("voice missing", fold).probabilities == pytest.approx(q[~others], abs=1e-3)


def test_the_robots_temperature_is_fitted_on_all_folds():
    voice, face = record(), record(1.0, "face", seed=5)
    tempered = [softmax(one.logits / fit_temperature(one.logits, one.truth)) for one in (voice, face)]
    mean = np.array([METHODS["arithmetic"](*pair) for pair in zip(*tempered, strict=True)])
    expected = fit_temperature(np.log(mean), voice.truth)
    assert fused.fuse(voice, face, "arithmetic").recipe["fused_temperature"] == pytest.approx(expected, abs=1e-3)
    # A stream that is surer than it should be changes nothing: that is taken from it before.
    surer = replace(voice, logits=voice.logits * 4)
    assert fused.fuse(surer, face, "arithmetic").recipe["fused_temperature"] == pytest.approx(expected, abs=1e-3)


def test_a_folds_own_labels_change_neither_its_predictions_nor_its_temperatures():
    voice, face = record(), record(1.0, "face", seed=5)
    shuffled = voice.truth.copy()
    own = voice.folds == 2
    shuffled[own] = shuffled[own] % 8 + 1
    before = fused.fuse(voice, face, "geometric")
    after = fused.fuse(record(truth=shuffled), record(1.0, "face", seed=5, truth=shuffled), "geometric")
    for key in ("voice", "face", "fused"):
        first, second = before.recipe["temperatures"][key], after.recipe["temperatures"][key]
        assert first[2] == second[2] and first[0] != second[0]
    for condition in ("clips", "face missing", "voice missing"):
        assert (before.select(condition, 2).logits == after.select(condition, 2).logits).all()
    with pytest.raises(ValueError, match=r"folds \[2\], expected two at least"):
        fused.fuse(voice.select(fold=2), face, "geometric")


def test_action_units_are_never_learned_from_in_their_own_fold(tmp_path):
    names, actors, truth = clips()
    units = np.random.default_rng(3).standard_normal((len(names), 35))
    # A mark that only the actors of the first fold carry tells their class, and nobody else's.
    units[np.arange(len(names)), truth] += np.where(actors <= 4, 5.0, 0.0)
    splits = fused.load_protocol("p2").indices(names, actors.tolist())
    found = action_unit_classifier.classify_action_units(units, names, actors, truth, splits[:1])
    assert set(found.actors.tolist()) == {1, 2, 3, 4}
    assert accuracy(found.select("clips")) < 0.4


def test_records_that_do_not_fit_are_refused(tmp_path):
    voice = record()
    with pytest.raises(ValueError, match="'harmonic': expected one of geometric"):
        fused.fuse(voice, record(name="face"), "harmonic")
    with pytest.raises(ValueError, match="of protocol p1, face of p2"):
        fused.fuse(record(protocol="p1"), record(name="face"), "geometric")
    with pytest.raises(ValueError, match="differ in fold or class"):
        fused.fuse(voice, record(name="face", folds=np.zeros(len(voice.names), int)), "geometric")
    with pytest.raises(ValueError, match=r"face lacks 1 clips of voice, the first 03-01-01-01-01-01-01"):
        fused.fuse(voice, record(name="face").take(range(1, len(voice.names))), "geometric")
    with pytest.raises(ValueError, match="protocol p3 of cremad, expected p2"):
        fused.fuse_with_action_units(record(protocol="p3", corpus="cremad"), tmp_path / "units.npz")


def test_conditions_of_the_voice_are_fused_each_by_itself(tmp_path):
    write_units(tmp_path / "units.npz", 0.5)
    voice = record()
    many = len(voice.names)
    noisy = voice.logits + 4 * np.random.default_rng(9).standard_normal((many, 8))
    rows = {"clips": voice.logits, "clips noise 0 dB": noisy, "windows": voice.logits, "windows ": voice.logits}
    whole = record(
        name="p5-voice", protocol="p5", names=voice.names * 4, actors=np.tile(voice.actors, 4),
        folds=np.tile(voice.folds, 4), truth=np.tile(voice.truth, 4), logits=np.concatenate(list(rows.values())),
        conditions=[name.strip() for name in rows for _ in range(many)],
    )  # fmt: skip
    _, geometric, _ = fused.fuse_with_action_units(whole, tmp_path / "units.npz")
    assert geometric.protocol == "p5"
    assert list(dict.fromkeys(geometric.conditions)) == [
        "clips", "clips noise 0 dB", "face noise 0 dB", "face missing", "voice missing",
    ]  # fmt: skip
    noisy_alone = np.mean(noisy.argmax(axis=1) + 1 == voice.truth)
    assert noisy_alone < accuracy(geometric.select("clips noise 0 dB")) < accuracy(geometric.select("clips"))


def test_the_command_writes_the_records(tmp_path, capsys):
    write_units(tmp_path / "units.npz", 0.5)
    path = record().save(tmp_path)
    found = fused.main(
        ["--run", str(path), "--action-units", str(tmp_path / "units.npz"), "--output", str(tmp_path / "runs")]
    )
    written = load_record(tmp_path / "runs" / "voice-action-units-gm.json")
    assert accuracy(written.select("clips")) == pytest.approx(found["voice-action-units-gm"])
    assert "voice-action-units-am: accuracy 0." in capsys.readouterr().out


def test_action_units_of_ravdess_alone(data_folder):
    from emotion_recognition.datasets.action_units import load_action_units
    from emotion_recognition.evaluation.protocols import load_protocol

    path = data_folder / "ravdess_features" / "ravdess_speech_au35_audio259.npz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path, allow_pickle=False) as stored:
        names = [f"03{name[2:]}" for name in stored["clip"].tolist()]
    names.remove("03-01-03-01-02-02-07")
    actors, truth = (np.array([int(name[part]) for name in names]) for part in (slice(18, 20), slice(6, 8)))
    splits = load_protocol("p2").indices(names, actors.tolist())
    units = load_action_units(path, names).astype(float)
    found = action_unit_classifier.classify_action_units(units, names, actors, truth, splits)
    # Near .547, what a logistic classifier with another regularisation gave.
    assert 0.50 < accuracy(found.select("clips")) < 0.60
