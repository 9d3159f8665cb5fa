"""The shipped ONNX files give the same numbers in every version of ONNX Runtime that a robot may have."""

import pytest

onnx = pytest.importorskip("onnx", reason="needs onnx: make setup-train")

from emotion_recognition.weights import FACE  # noqa: E402

FILES = sorted(FACE.parent.glob("*.onnx"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_average_counts_what_lies_beyond_the_edge(path):
    """With both set, versions before https://github.com/microsoft/onnxruntime/pull/29629 divide by the whole kernel."""
    for node in onnx.load(path).graph.node:
        if node.op_type == "AveragePool":
            settings = {attribute.name: attribute.i for attribute in node.attribute}
            assert not (settings.get("ceil_mode") and settings.get("count_include_pad")), node.name


def test_there_are_averages_to_look_at():
    operations = {node.op_type for path in FILES for node in onnx.load(path).graph.node}
    assert "AveragePool" in operations
