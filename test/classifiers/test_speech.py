import numpy as np
import pytest

from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.engines import ENGINES, ModelError, installed_engines, load_metadata

VECTOR = np.random.default_rng(0).normal(0, 20, 40)


@pytest.fixture(scope="module", params=ENGINES)
def classifier(request, speech_sidecar):
    if request.param not in installed_engines():
        pytest.skip(f"{request.param} is not installed")
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


MATRIX = np.random.default_rng(1).normal(0, 20, (40, 30))


@pytest.fixture(scope="module", params=ENGINES)
def matrix_classifier(request, matrix_sidecar):
    if request.param not in installed_engines():
        pytest.skip(f"{request.param} is not installed")
    return SpeechClassifier(load_metadata(matrix_sidecar), request.param)


def with_silence(mfcc, before, after):
    """Add frames 60 dB below the loudest: in the first coefficient, which is sqrt(128) times the mean level."""
    silence = np.zeros((40, 1))
    silence[0] = mfcc[0].min() - 60 * 128**0.5
    return np.concatenate([np.tile(silence, before), mfcc, np.tile(silence, after)], axis=1)


def test_a_matrix_gives_the_networks_logits(matrix_classifier):
    torch = pytest.importorskip("torch")
    from emotion_recognition.engines.torch_engine import load_part

    assert matrix_classifier.reads_matrix
    with torch.no_grad():
        logits = load_part(matrix_classifier.metadata, "speech")(torch.from_numpy(MATRIX).float()[None])[0]
        expected = torch.softmax(logits.double(), 0).numpy()
    found = matrix_classifier.classify(MATRIX, (3, 4))
    assert found.stamps_ns == (3, 4)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    assert np.ptp(expected) > 1e-3


def test_silence_around_a_voice_changes_nothing(matrix_classifier):
    expected = matrix_classifier.classify(MATRIX).probabilities
    for before, after in ((5, 0), (0, 9), (3, 4)):
        found = matrix_classifier.classify(with_silence(MATRIX, before, after)).probabilities
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_short_voice_goes_round_until_it_is_long_enough(matrix_classifier):
    short = MATRIX[:, :5]
    expected = matrix_classifier.classify(np.tile(short, (1, 3))[:, :12]).probabilities
    np.testing.assert_allclose(matrix_classifier.classify(short).probabilities, expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [np.zeros(40), np.zeros((39, 5)), np.zeros((40, 0)), np.full((40, 3), np.nan), np.full((40, 3), np.inf)]
)
def test_a_wrong_matrix_is_refused(matrix_classifier, wrong):
    with pytest.raises(ValueError, match=r"expected \(40, T\), every value finite"):
        matrix_classifier.classify(wrong)
