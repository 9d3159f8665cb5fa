"""Fixtures: small exported models; a conftest imports them."""

from importlib.util import find_spec

import pytest
import small_models


def with_ncnn(sidecar):
    """Add ncnn's files to a model where they can be made, and return its sidecar."""
    if find_spec("ncnn") and find_spec("pnnx"):
        from emotion_recognition.engines import load_metadata
        from emotion_recognition.engines.export import export_engine

        export_engine(load_metadata(sidecar), "ncnn", sidecar.parent)
    return sidecar


@pytest.fixture(scope="session")
def face_sidecar(tmp_path_factory):
    """Sidecar of a face model with random weights."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_face

    folder = tmp_path_factory.mktemp("face")
    return with_ncnn(
        export_face(small_models.RandomFace(), "ghostnet-tam-fan", small_models.face_fields(), folder, "face")
    )


@pytest.fixture(scope="session")
def speech_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_speech

    folder = tmp_path_factory.mktemp("speech")
    return with_ncnn(
        export_speech(small_models.random_speech(), "speech-cnn-s2", small_models.speech_fields(), folder, "speech")
    )


@pytest.fixture(scope="session")
def matrix_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights that reads the matrix of MFCCs."""
    pytest.importorskip("torch", reason="a model is exported with torch")
    from emotion_recognition.engines.export import export_speech

    model, fields = small_models.random_matrix_speech(), small_models.matrix_fields()
    return with_ncnn(export_speech(model, "speech-resnet", fields, tmp_path_factory.mktemp("matrix"), "matrix"))
