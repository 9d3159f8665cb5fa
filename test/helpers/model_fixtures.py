"""Fixtures: small exported models; a conftest imports them."""

import pytest
import small_models


@pytest.fixture(scope="session")
def face_sidecar(tmp_path_factory):
    """Sidecar of a face model with random weights."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_face

    return export_face(
        small_models.RandomFace(),
        "ghostnet-tam-fan",
        small_models.face_fields(),
        tmp_path_factory.mktemp("face"),
        "face",
    )


@pytest.fixture(scope="session")
def speech_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_speech

    folder = tmp_path_factory.mktemp("speech")
    return export_speech(small_models.random_speech(), "speech-cnn-s2", small_models.speech_fields(), folder, "speech")


@pytest.fixture(scope="session")
def matrix_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights that reads the matrix of MFCCs."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_speech

    model, fields = small_models.random_matrix_speech(), small_models.matrix_fields()
    return export_speech(model, "speech-resnet", fields, tmp_path_factory.mktemp("matrix"), "matrix")
