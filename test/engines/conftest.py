import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from model_fixtures import face_sidecar, matrix_sidecar, speech_sidecar  # noqa: E402, F401 (fixtures)
