"""The shipped face weights are what their sidecar and the README say."""

from pathlib import Path

import numpy as np
import pytest

from emotion_recognition import emotions
from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.datasets import fer2013
from emotion_recognition.engines import load_metadata
from emotion_recognition.parameters import defaults
from emotion_recognition.sensors import MediaSource, VideoFrame
from emotion_recognition.weights import FACE, PAPER_FACE, PAPER_SPEECH, SPEECH, face_sidecar, speech_sidecar

# What the weights must reach on the whole test split.
BARS = {FACE: 0.67, PAPER_FACE: 0.6}


@pytest.fixture(scope="module", params=[FACE, PAPER_FACE], ids=["default", "paper"])
def metadata(request):
    return load_metadata(request.param)


@pytest.mark.parametrize(
    ("sidecar", "architecture", "expected"),
    [
        (FACE, "resnet-fan", {"backbone": 333_452, "fan": 1_378}),
        (PAPER_FACE, "ghostnet-tam-fan", {"backbone": 303_964, "fan": 10_954}),
    ],
)
def test_the_networks_are_the_default_and_the_papers(sidecar, architecture, expected):
    pytest.importorskip("torch")
    from emotion_recognition.engines.torch_engine import load_part

    metadata = load_metadata(sidecar)
    assert metadata.architecture == architecture
    counts = {part: sum(value.numel() for value in load_part(metadata, part).parameters()) for part in metadata.parts}
    assert counts == expected


def test_the_papers_model_goes_by_its_name_and_others_by_their_file():
    assert (face_sidecar(), face_sidecar("paper"), face_sidecar("my/own.json")) == (
        FACE,
        PAPER_FACE,
        Path("my/own.json"),
    )
    assert (speech_sidecar(), speech_sidecar("paper")) == (SPEECH, PAPER_SPEECH)
    assert speech_sidecar("my/own.json") == Path("my/own.json")


def test_the_licence_lies_beside(metadata):
    assert "FER2013" in metadata.path.with_suffix(".LICENSE").read_text()


def test_its_label_table_leaves_out_calm(metadata):
    assert metadata.class_ids == tuple(number for number in emotions.CLASS_IDS if number != emotions.CALM)


def test_the_detector_crops_as_the_pictures_were(metadata):
    assert metadata.preprocessing.crop_margin == defaults("face_detector")["crop_margin"]
    assert metadata.preprocessing.gray and metadata.preprocessing.source_pixels == fer2013.SIZE


def test_it_names_most_faces_of_the_test_split(metadata, data_folder):
    pytest.importorskip("sklearn")
    from emotion_recognition.evaluation.face_scores import score_faces

    found = score_faces(data_folder / "fer2013", metadata.path, limit=300)
    # 0.06 are two standard errors of 300 pictures.
    assert found.n == 300 and found.accuracy > BARS[metadata.path] - 0.06
    assert found.weights_sha256 == metadata.weights_sha256


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_a_clip_streamed_is_the_clip_at_once(metadata, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (224, 224, 3), np.uint8) for _ in range(4)]
    classifier = VisualClassifier(metadata, engine)
    streamed = [classifier.update(1, crop, 200_000_000 * (n + 1)) for n, crop in enumerate(crops)]
    at_once = classifier.classify_clip(crops)
    np.testing.assert_allclose(streamed[-1].probabilities, at_once.probabilities, atol=1e-6)


def test_a_smile_is_happy(metadata):
    """The bundled recording shows a smiling portrait, cropped here as the nodes crop it."""
    pytest.importorskip("av")
    from emotion_recognition.demo import RECORDING
    from emotion_recognition.faces import FacePipeline, Tracker, create_detector

    pipeline = FacePipeline(create_detector(), Tracker(), metadata.preprocessing.crop_margin)
    crops = []
    with MediaSource(RECORDING, audio=False) as source:
        for item in source:
            if isinstance(item, VideoFrame) and 2_000_000_000 <= item.time_ns < 2_400_000_000:
                crops += [sample.crop for sample in pipeline.process(item.rgb, item.time_ns)]
    found = VisualClassifier(metadata).classify_clip(crops[:5])
    assert found.class_ids[int(found.probabilities.argmax())] == emotions.HAPPY
