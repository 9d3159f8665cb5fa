import subprocess
import sys

import pytest

HEAVY = ("torch", "onnx", "safetensors", "librosa", "torchaudio", "av", "rclpy", "ncnn", "openvino")


@pytest.mark.parametrize("package", ["engines", "classifiers", "fusion", "estimates", "stamps"])
def test_a_robot_needs_none_of_the_training_libraries(package):
    """In a process of its own: here they may be loaded already."""
    code = f"import sys, emotion_recognition.{package}; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip().splitlines()[-1] == "[]"
