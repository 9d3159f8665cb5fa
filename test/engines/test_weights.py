import hashlib
import json
import shutil

import numpy as np
import pytest

from emotion_recognition.engines import ModelError, load_metadata, verify_files
from emotion_recognition.engines.weights import safetensors_sha256, tensors_sha256


def write_sidecar(folder, **files):
    """Write a sidecar naming ``files`` (key: (path, sha256))."""
    path = folder / "model.json"
    path.write_text(json.dumps({"files": {key: {"path": p, "sha256": s} for key, (p, s) in files.items()}}))
    return path


def write_file(path, content=b"content"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def face_copy(face_sidecar, tmp_path):
    """A copy of the face model to be spoilt."""
    folder = tmp_path / "copy"
    shutil.copytree(face_sidecar.parent, folder)
    return folder / face_sidecar.name


def change(sidecar, **fields):
    content = json.loads(sidecar.read_text())
    for key, value in fields.items():
        if value is None:
            del content[key]
        else:
            content[key] = value
    sidecar.write_text(json.dumps(content))


def test_ncnns_pair_is_verified_as_all_files_are(tmp_path):
    one, two = write_file(tmp_path / "a.b.ncnn.param", b"1"), write_file(tmp_path / "a.b.ncnn.bin", b"2")
    sidecar = write_sidecar(tmp_path, param=("a.b.ncnn.param", one), bin=("a.b.ncnn.bin", two))
    assert verify_files(sidecar) == {"param": tmp_path / "a.b.ncnn.param", "bin": tmp_path / "a.b.ncnn.bin"}
    write_file(tmp_path / "a.b.ncnn.bin", b"3")
    with pytest.raises(ModelError, match=r"a\.b\.ncnn\.bin: sha256 is .* the file was changed"):
        verify_files(sidecar)


def test_verified_files_are_returned_by_key(tmp_path):
    one, two = write_file(tmp_path / "a.onnx", b"1"), write_file(tmp_path / "sub" / "b.safetensors", b"2")
    sidecar = write_sidecar(tmp_path, first=("a.onnx", one), second=("sub/b.safetensors", two))
    assert verify_files(sidecar) == {"first": tmp_path / "a.onnx", "second": tmp_path / "sub" / "b.safetensors"}


def test_a_changed_file_is_refused_with_both_hashes(tmp_path):
    expected = write_file(tmp_path / "a.onnx")
    sidecar = write_sidecar(tmp_path, net=("a.onnx", expected))
    actual = write_file(tmp_path / "a.onnx", b"contenT")
    with pytest.raises(ModelError) as caught:
        verify_files(sidecar)
    assert str(tmp_path / "a.onnx") in str(caught.value)
    assert expected in str(caught.value) and actual in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="gone.onnx"):
        verify_files(write_sidecar(tmp_path, net=("gone.onnx", "0" * 64)))


@pytest.mark.parametrize("name", ["a.pt", "a.pkl", "a.onnx.pth", "a", "a.bin", "a.param", "ncnn.bin"])
def test_only_onnx_safetensors_and_ncnns_pair_are_accepted(tmp_path, name):
    digest = write_file(tmp_path / name)
    with pytest.raises(ModelError, match=r"only \.onnx, \.safetensors, \.ncnn\.param, \.ncnn\.bin are loaded"):
        verify_files(write_sidecar(tmp_path, net=(name, digest)))


def test_a_file_outside_the_folder_is_refused(tmp_path):
    digest = write_file(tmp_path / "outside.onnx")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.onnx").symlink_to(tmp_path / "outside.onnx")
    for name in ("../outside.onnx", str(tmp_path / "outside.onnx"), "sub/../../outside.onnx", "link.onnx"):
        with pytest.raises(ModelError, match="outside the sidecar's folder"):
            verify_files(write_sidecar(folder, net=(name, digest)))


def test_files_behind_one_linked_folder_are_found(tmp_path):
    digest = write_file(tmp_path / "source" / "a.onnx")
    write_sidecar(tmp_path / "source", net=("a.onnx", digest))
    (tmp_path / "model.json").symlink_to(tmp_path / "source" / "model.json")
    assert verify_files(tmp_path / "model.json")["net"] == tmp_path / "source" / "a.onnx"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "JSON expected"),
        ("[1]", "found a JSON list"),
        ('{"files": {}}', "files is {}"),
        ('{"files": {"net": "a.onnx"}}', "expected an object with path and sha256"),
        ('{"files": {"net": {"path": 3, "sha256": ""}}}', "file path 3"),
        ('{"files": {"net": {"path": "a\\u0000.onnx", "sha256": ""}}}', "file path"),
        ('{"temperature": NaN}', "NaN is not a finite number"),
        ("[" * 100_000, "JSON expected"),
    ],
)
def test_a_wrong_sidecar_is_refused(tmp_path, text, problem):
    sidecar = tmp_path / "model.json"
    sidecar.write_text(text)
    with pytest.raises(ModelError, match=problem) as caught:
        verify_files(sidecar)
    assert str(sidecar) in str(caught.value)


def test_a_missing_sidecar_is_named(tmp_path):
    with pytest.raises(ModelError, match="nothing.json: cannot read"):
        load_metadata(tmp_path / "nothing.json")


def test_metadata_holds_what_was_exported(face_sidecar):
    metadata = load_metadata(face_sidecar)
    assert metadata.name == "face"
    assert metadata.architecture == "ghostnet-tam-fan"
    assert metadata.class_ids == (1, 3, 4, 5, 6, 7, 8)
    assert metadata.preprocessing.source_pixels == 48 and metadata.preprocessing.gray
    assert metadata.temperature == 2.0
    assert metadata.scores == {"accuracy": 0.125}
    assert {"backbone_onnx", "fan_onnx", "safetensors"} <= set(metadata.files)
    assert metadata.parts == ("backbone", "fan")
    assert metadata.readings == {} and "readings" not in json.loads(face_sidecar.read_text())


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"architecture": "resnet"}, "architecture 'resnet', expected one of ghostnet, ghostnet-tam"),
        ({"architecture": "speech-cnn-s2"}, "files has no speech_onnx"),
        ({"class_ids": []}, "class_ids"),
        ({"class_ids": [1, 1]}, "class_ids"),
        ({"class_ids": [0, 1]}, "class_ids"),
        ({"class_ids": [9]}, "class_ids"),
        ({"class_ids": [True, 2]}, "class_ids"),
        ({"class_ids": None}, "class_ids None"),
        ({"temperature": 0}, "temperature 0"),
        ({"temperature": "1"}, "temperature '1'"),
        ({"licence": None}, "licence is None"),
        ({"preprocessing": {"size": 8}}, "preprocessing.size is 8, expected a whole number from 32 to 1024"),
        ({"preprocessing": {"colour": True}}, "unknown colour"),
        ({"preprocessing": {"std": [0, 1, 1]}}, "preprocessing.std has 0"),
        ({"preprocessing": {"mean": [0.5]}}, "expected 3 finite numbers"),
        ({"readings": ["beta"]}, "readings .'beta'., expected an object"),
        ({"readings": {"prelu": "channel"}}, "readings: ghostnet-tam-fan has no reading 'prelu'; it has depthwise, "),
        ({"readings": {"triplet_residual": "true"}}, "triplet_residual is 'true', expected one of False, True"),
        ({"weights_sha256": "0" * 64}, "safetensors: its tensors hash to"),
    ],
)
def test_wrong_metadata_is_refused(face_copy, fields, problem):
    change(face_copy, **fields)
    with pytest.raises(ModelError, match=problem):
        load_metadata(face_copy)


@pytest.mark.parametrize(
    ("preprocessing", "message"),
    [
        ({"mean": [0.0] * 39}, "preprocessing.mean is .* expected 40 finite numbers"),
        ({"trim_db": -1}, "preprocessing.trim_db is -1, expected a number from 0.0 to 200.0"),
        ({"least_frames": 0}, "preprocessing.least_frames is 0, expected a whole number from 1 to 1000"),
        ({"trim": 35}, "unknown trim"),
    ],
)
def test_wrong_preprocessing_of_speech_is_refused(speech_sidecar, tmp_path, preprocessing, message):
    folder = tmp_path / "copy"
    shutil.copytree(speech_sidecar.parent, folder)
    change(folder / "speech.json", preprocessing=preprocessing)
    with pytest.raises(ModelError, match=message):
        load_metadata(folder / "speech.json")


def test_the_matrix_of_a_model_is_prepared_as_its_sidecar_says(matrix_sidecar):
    metadata = load_metadata(matrix_sidecar)
    assert metadata.architecture == "speech-resnet"
    assert (metadata.preprocessing.trim_db, metadata.preprocessing.least_frames) == (35.0, 12)


def test_the_weights_hash_is_the_documented_one():
    array = np.array([[1.0, 2.0]], np.float32)
    expected = hashlib.sha256(b"a\0int64\0\0" + np.int64(7).tobytes() + b"b\0float32\x001x2\0" + array.tobytes())
    assert tensors_sha256({"b": array, "a": np.array(7)}) == expected.hexdigest()


def test_the_weights_hash_of_a_file_is_that_of_its_tensors(tmp_path):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(3, 2)).astype(np.float32)
    tensors = {"z.weight": weight, "a": np.array(3), "m": np.zeros(0, np.uint8)}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"format": "np"})
    assert safetensors_sha256(tmp_path / "a.safetensors") == tensors_sha256(tensors)
    renamed = {("y" if key == "a" else key): value for key, value in tensors.items()}
    assert tensors_sha256(renamed) != tensors_sha256(tensors)


@pytest.mark.parametrize("keep", [0, 4, 8, 60, -1])
def test_a_truncated_safetensors_file_is_refused(tmp_path, keep):
    save_file = pytest.importorskip("safetensors.numpy").save_file
    path = tmp_path / "a.safetensors"
    save_file({"weight": np.ones(100, np.float32)}, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        safetensors_sha256(path)
