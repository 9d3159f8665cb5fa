import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

MAKE_A_SESSION = "from emotion_recognition.audio import create_voice_activity; create_voice_activity('silero')"


def test_onnx_runtime_keeps_no_record_of_its_use(tmp_path):
    """With its telemetry on, the library would leave an identifier and a queue of events in the home folder."""
    root = Path(__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", MAKE_A_SESSION], check=True, env=environment, cwd=tmp_path)
    assert list(tmp_path.rglob("*")) == []
