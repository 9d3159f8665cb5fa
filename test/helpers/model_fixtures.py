"""Fixtures: small exported models; a conftest imports them. Each is made once, whatever folders of tests use it."""

from importlib.util import find_spec

import pytest
import small_models

_SIDECARS = {}


@pytest.fixture(scope="session")
def face_sidecar(tmp_path_factory):
    """Sidecar of a face model with random weights."""
    return _exported("face", tmp_path_factory)


@pytest.fixture(scope="session")
def speech_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights."""
    return _exported("speech", tmp_path_factory)


@pytest.fixture(scope="session")
def matrix_sidecar(tmp_path_factory):
    """Sidecar of a speech model with random weights that reads the matrix of MFCCs."""
    return _exported("matrix", tmp_path_factory)


def with_ncnn(sidecar):
    """Add ncnn's files to a model where they can be made, and return its sidecar."""
    if find_spec("ncnn") and find_spec("pnnx"):
        from emotion_recognition.engines import load_metadata
        from emotion_recognition.engines.export import export_engine

        export_engine(load_metadata(sidecar), "ncnn", sidecar.parent)
    return sidecar


def _exported(name, tmp_path_factory):
    if name not in _SIDECARS:
        pytest.importorskip("torch", reason="a model is exported with torch")
        from emotion_recognition.engines.export import export_face, export_speech

        export, make, architecture, fields = {
            "face": (export_face, small_models.RandomFace, "ghostnet-tam-fan", small_models.face_fields),
            "speech": (export_speech, small_models.random_speech, "speech-cnn-s2", small_models.speech_fields),
            "matrix": (export_speech, small_models.random_matrix_speech, "speech-resnet", small_models.matrix_fields),
        }[name]
        _SIDECARS[name] = with_ncnn(export(make(), architecture, fields(), tmp_path_factory.mktemp(name), name))
    return _SIDECARS[name]
