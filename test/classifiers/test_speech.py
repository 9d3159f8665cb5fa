import numpy as np
import pytest

from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.engines import ENGINES, ModelError, load_metadata

VECTOR = np.random.default_rng(0).normal(0, 20, 40)


@pytest.fixture(scope="module", params=ENGINES)
def classifier(request, speech_sidecar):
    pytest.importorskip(request.param)
    return SpeechClassifier(load_metadata(speech_sidecar), request.param)


def test_probabilities_follow_from_the_networks_logits(classifier):
    """The sidecar says mean 0, 1, ... 39 and standard deviation 2."""
    torch = pytest.importorskip("torch")
    from emotion_recognition.engines.torch_engine import load_part

    normal = (VECTOR - np.arange(40)) / 2.0
    with torch.no_grad():
        logits = load_part(classifier.metadata, "speech")(torch.from_numpy(normal).float()[None])[0]
        expected = torch.softmax(logits.double(), 0).numpy()
    found = classifier.classify(VECTOR, (3, 4))
    assert found.class_ids == (1, 2, 3, 4, 5, 6, 7, 8)
    assert found.stamps_ns == (3, 4)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    assert np.ptp(expected) > 1e-3


@pytest.mark.parametrize("wrong", [np.zeros(39), np.zeros((1, 40)), np.full(40, np.nan), np.full(40, np.inf)])
def test_a_wrong_vector_is_refused(classifier, wrong):
    with pytest.raises(ValueError, match=r"expected \(40,\), every value finite"):
        classifier.classify(wrong)


def test_a_face_model_is_refused(face_sidecar):
    with pytest.raises(ModelError, match="architecture ghostnet-tam-fan, expected a speech model"):
        SpeechClassifier(load_metadata(face_sidecar))
