"""Copies of models, to be spoilt."""

import json
import shutil
from pathlib import Path

from emotion_recognition.engines.weights import file_sha256, safetensors_sha256


class ModelCopy:
    """A model's sidecar and files in a folder of their own; what is written has its true sha256 in the sidecar.

    Args:
        sidecar: of the model to copy.
        folder: made anew.
    """

    def __init__(self, sidecar: str | Path, folder: Path):
        source = Path(sidecar)
        folder.mkdir(parents=True)
        self.sidecar = folder / source.name
        for path in [source.name, *(entry["path"] for entry in json.loads(source.read_text())["files"].values())]:
            shutil.copyfile(source.parent / path, folder / path)

    @property
    def content(self) -> dict:
        return json.loads(self.sidecar.read_text())

    def path(self, key: str) -> Path:
        return self.sidecar.parent / self.content["files"][key]["path"]

    def change(self, **fields) -> None:
        self.sidecar.write_text(json.dumps({**self.content, **fields}))

    def name(self, key: str, path: str, sha256: str) -> None:
        """Let the sidecar name a file."""
        self.change(files={**self.content["files"], key: {"path": path, "sha256": sha256}})

    def flip(self, key: str) -> None:
        """Change one bit of a file and nothing else."""
        data = bytearray(self.path(key).read_bytes())
        data[len(data) // 2] ^= 1
        self.path(key).write_bytes(data)

    def write(self, key: str, data: bytes) -> None:
        """Replace a file, with its true sha256 in the sidecar."""
        path = self.path(key)
        path.write_bytes(data)
        self.name(key, path.name, file_sha256(path))

    def change_tensors(self, change) -> None:
        """Apply a function to the tensors by name, with true hashes in the sidecar; other files stay as they were."""
        from safetensors.numpy import load, save

        tensors = load(self.path("safetensors").read_bytes())
        change(tensors)
        self.write("safetensors", save(tensors))
        self.change(weights_sha256=safetensors_sha256(self.path("safetensors")))

    def change_onnx(self, key: str, change) -> None:
        """Apply a function to an ONNX file's model; what it says of itself stays."""
        import onnx

        model = onnx.load_from_string(self.path(key).read_bytes())
        change(model)
        self.write(key, model.SerializeToString())
