"""The bench computes what the nodes compute, on the bundled recording."""

import numpy as np
import pytest

pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.bench import decision, networks, scaling, stages, timing  # noqa: E402
from emotion_recognition.bench.material import load_material  # noqa: E402
from emotion_recognition.engines import ENGINES, ModelError  # noqa: E402
from emotion_recognition.estimates import Status  # noqa: E402
from emotion_recognition.parameters import defaults  # noqa: E402
from emotion_recognition.sensors import read_header  # noqa: E402


@pytest.fixture(scope="module")
def material():
    return load_material()


@pytest.fixture
def once(monkeypatch):
    """Everything is measured in one round of one run."""
    monkeypatch.setattr(timing, "ROUNDS", (1, 1))


def test_every_decision_is_of_face_and_voice(material):
    decider = decision.Decider(material)
    found = []
    for _ in range(6):
        decider.prepare()
        found.append(decider.run())
    assert {one.status for one in found} == {Status.BOTH} and {one.person_id for one in found} == {"face_1"}
    assert {one.face_frames for one in found} == {15}
    steps = np.diff([one.stamp_ns for one in found])
    assert set(steps.tolist()) == {200_000_000}


@pytest.mark.parametrize("hop", [0.25, 0.5, 0.512, 1.0])
def test_a_window_is_complete_with_the_chunk_that_is_timed(material, monkeypatch, hop):
    monkeypatch.setattr(decision, "defaults", lambda node: {**defaults(node), "hop": hop})
    voice = decision.Voice(material)
    ends = []
    for _ in range(4):
        voice.wait()
        window = voice.window()
        assert window.mfcc.shape[0] == 40 and window.voice_activity > 0.5
        assert (window.end_ns - window.start_ns) / 1e9 == pytest.approx(3, abs=0.001)
        ends.append(window.end_ns)
    assert np.diff(ends) / 1e9 == pytest.approx([hop] * 3, abs=0.021)


def test_the_message_that_is_decoded_has_the_frame(material):
    message = stages.image_message(material.frames[3])
    header = read_header(message)
    assert (header.stamp_ns, header.frame_id) == (1_000_000_002, "camera")
    assert np.array_equal(stages._decode(message), material.frames[3])


def test_every_stage_is_timed(material, once):
    found = stages.stages(material, 0.0)
    assert list(found) == list(stages.WHAT)
    assert all(one["n"] == 3 and one["median"] > 0 and one["what"] for one in found.values())


def test_both_ways_and_exports_are_timed(material, once, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(networks, "PAPER_SIZE", 64)
    monkeypatch.setattr(networks, "PAPER_FRAMES", 2)
    assert set(networks.paper_comparison(material, 0.0)) == {"paper_way", "face_decision", "face_decision_paper"}
    assert set(networks.backbones(0.0)) == {"plain_96", "shipped_96", "plain_64", "shipped_64"}


def test_an_engine_that_is_not_installed_is_named(once, monkeypatch):
    load = networks.load_network

    def refuse(metadata, part, engine, threads):
        if engine != "onnxruntime":
            raise ModelError(f"{engine} is not installed")
        return load(metadata, part, engine, threads)

    monkeypatch.setattr(networks, "load_network", refuse)
    found = networks.engine_times(0.0)
    assert [(one["model"], one["part"]) for one in found] == [
        (model, part) for model in ("default", "paper") for part in ("backbone", "fan", "speech")
    ]
    for one in found:
        assert list(one["engines"]) == list(ENGINES) and one["engines"]["onnxruntime"]["median"] > 0
        assert one["engines"]["openvino"] == {"left_out": "openvino is not installed"}
    assert found[0]["shape"] == (1, 3, 48, 48)


def test_more_faces_and_larger_frames(material, once, monkeypatch):
    monkeypatch.setattr(scaling, "FACES", (1, 2))
    monkeypatch.setattr(scaling, "SIZES", ((320, 240), (640, 480)))
    faces, sizes = scaling.face_numbers(material, 0.0), scaling.frame_sizes(material, 0.0)
    assert [one["faces"] for one in faces] == [1, 2] and [one["size"] for one in sizes] == ["320x240", "640x480"]
    assert all(one[key]["median"] > 0 for one in faces + sizes for key in ("search", "frame"))
