"""Model files that are not what they should be are refused when the node is configured, with their name."""

import os
import pickle
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from lifecycle_msgs.msg import State  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from spoilt_models import ModelCopy  # noqa: E402

from emotion_recognition.audio import voice_activity  # noqa: E402
from emotion_recognition.engines import ENGINES  # noqa: E402
from emotion_recognition.engines.weights import file_sha256  # noqa: E402
from emotion_recognition.faces import facenet, mtcnn  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

CLASSIFIERS = {
    "face": (VisualClassifierNode, "fan", "backbone"),
    "speech": (SpeechClassifierNode, "speech", "speech"),
}


class Trap:
    """Unpickled, it would leave a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def refused(bench, node, *words: str, **parameters) -> str:
    """Assert that the node cannot be configured and says why in one line with these words; return the line."""
    made = bench.add(node, started=False, **parameters)
    assert made.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.state(made.get_fully_qualified_name()) == State.PRIMARY_STATE_UNCONFIGURED
    (line,) = bench.lines(made)
    assert line.startswith("cannot configure: ")
    for word in words:
        assert word in line, f"{word} is not in {line}"
    return line


@pytest.fixture(params=CLASSIFIERS)
def stream(request):
    return request.param


@pytest.fixture
def copy(stream, model, tmp_path):
    """A copy of the shipped model of the stream."""
    return ModelCopy(model(stream)[f"{stream}_model"], tmp_path / "copy")


@pytest.fixture
def refuses(bench, stream, copy):
    """Function that asserts that the node of the stream refuses the copy, with these words."""

    def check(*words: str, engine: str = "onnxruntime") -> str:
        if not find_spec(engine):
            pytest.skip(f"{engine} is not installed")
        model = {f"{stream}_model": str(copy.sidecar), "classifier_engine": engine}
        return refused(bench, CLASSIFIERS[stream][0], *words, **model)

    return check


def first_part(stream):
    return CLASSIFIERS[stream][2]


def last_part(stream):
    return CLASSIFIERS[stream][1]


# Which file each engine reads of a part.
FILE = {"onnxruntime": "{}_onnx", "openvino": "{}_onnx", "torch": "safetensors", "ncnn": "{}_ncnn_bin"}
KEYS = {
    "face": ("safetensors", "backbone_onnx", "fan_onnx", "backbone_ncnn_param", "backbone_ncnn_bin", "fan_ncnn_bin"),
    "speech": ("safetensors", "speech_onnx", "speech_ncnn_param", "speech_ncnn_bin"),
}


@pytest.mark.parametrize(("stream", "key"), [(stream, key) for stream, keys in KEYS.items() for key in keys])
def test_one_flipped_bit_in_any_file_is_refused_whatever_the_engine(refuses, copy, key):
    """Also in a file that the engine in use does not read."""
    copy.flip(key)
    refuses(str(copy.path(key)), "sha256 is", "the file was changed or belongs to another model")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pickle_under_the_name_of_a_model_file_is_refused_and_not_run(refuses, copy, stream, engine, tmp_path):
    trap = tmp_path / "sprung"
    data = pickle.dumps(Trap(trap))
    with pytest.raises(FileExistsError):
        trap.mkdir()
        pickle.loads(data)
    trap.rmdir()
    key = FILE[engine].format(first_part(stream))
    copy.write(key, data)
    words = {
        "onnxruntime": "cannot load it", "openvino": "cannot load it", "torch": "not a whole safetensors file",
        "ncnn": "expects part=",
    }  # fmt: skip
    named = copy.path(key if engine != "ncnn" else f"{first_part(stream)}_ncnn_param")
    refuses(str(named), words[engine], engine=engine)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.onnx.pkl", "weights.bin"])
def test_a_file_of_another_kind_is_refused_by_its_name(refuses, copy, name, tmp_path):
    trap = tmp_path / "sprung"
    path = copy.sidecar.parent / name
    path.write_bytes(pickle.dumps(Trap(trap)))
    copy.name("safetensors", name, file_sha256(path))
    refuses(str(copy.sidecar), f"file '{name}'", "only .onnx, .safetensors, .ncnn.param, .ncnn.bin are loaded")
    assert not trap.exists()


@pytest.mark.parametrize("way", ["up", "absolute", "link"])
def test_a_file_outside_the_models_folder_is_refused(refuses, copy, way):
    inside = copy.path("safetensors")
    outside = copy.sidecar.parents[1] / "outside.safetensors"
    outside.write_bytes(inside.read_bytes())
    link = copy.sidecar.parent / "link.safetensors"
    link.symlink_to(outside)
    name = {"up": "../outside.safetensors", "absolute": str(outside), "link": link.name}[way]
    copy.name("safetensors", name, file_sha256(outside))
    refuses(str(copy.sidecar), f"file '{name}' lies outside the sidecar's folder")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_cut_off_file_is_refused(refuses, copy, stream, engine):
    key = FILE[engine].format(first_part(stream))
    copy.write(key, copy.path(key).read_bytes()[: copy.path(key).stat().st_size // 2])
    words = {
        "onnxruntime": "cannot load it", "openvino": "cannot load it", "torch": "not a whole safetensors file",
        "ncnn": "expects part=",
    }  # fmt: skip
    refuses(copy.path(key).name.removesuffix(".bin"), words[engine], engine=engine)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_tensors_kept_beside_an_onnx_file_are_refused(refuses, copy, stream, engine):
    """No sha256 covers them."""
    onnx = pytest.importorskip("onnx")
    key = f"{last_part(stream)}_onnx"
    path = copy.path(key)
    whole = onnx.load(path)
    kept = {"save_as_external_data": True, "location": "values.bin", "size_threshold": 0}
    onnx.save(whole, path, **kept)
    assert (path.parent / "values.bin").stat().st_size > 1000
    copy.write(key, path.read_bytes())
    refuses(str(path), "keeps tensors in a file of its own (external data)", "save it as one file", engine=engine)


def seven_classes(model) -> None:
    """Give a network's first seven logits alone."""
    from onnx import helper

    (output,) = model.graph.output
    for node in model.graph.node:
        for index, name in enumerate(node.output):
            if name == output.name:
                node.output[index] = "all"
    for name, value in (("seven_from", 0), ("seven_to", 7), ("seven_axis", 1)):
        model.graph.initializer.append(helper.make_tensor(name, 7, [1], [value]))
    model.graph.node.append(helper.make_node("Slice", ["all", "seven_from", "seven_to", "seven_axis"], [output.name]))
    output.type.tensor_type.shape.dim[1].dim_value = 7


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_onnx_file_with_another_count_of_classes_is_refused(refuses, copy, stream, engine):
    pytest.importorskip("onnx")
    key = f"{last_part(stream)}_onnx"
    copy.change_onnx(key, seven_classes)
    refuses(str(copy.path(key)), "output", "[None, 8]", engine=engine)


def test_an_onnx_file_that_lies_about_its_count_of_classes_is_refused(refuses, copy, stream):
    pytest.importorskip("onnx")

    def lie(model):
        seven_classes(model)
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 8

    key = f"{last_part(stream)}_onnx"
    copy.change_onnx(key, lie)
    refuses(str(copy.path(key)), "output", ", 7]", "expected one tensor(float) of [None, 8]")


@pytest.mark.parametrize("stream", ["face"])
def test_ncnn_files_with_another_count_of_classes_are_refused(refuses, copy):
    text = copy.path("fan_ncnn_param").read_text()
    changed = text.replace("0=8 1=1 2=1152", "0=7 1=1 2=1008")
    assert changed != text
    copy.write("fan_ncnn_param", changed.encode())
    refuses(f"{copy.content['name']} fan (ncnn): output (1, 7)", "expected (any, 8)", engine="ncnn")


def test_tensors_with_another_count_of_classes_are_refused(refuses, copy):
    def cut(tensors):
        for name in [name for name in tensors if ".fc." in name]:
            tensors[name] = np.ascontiguousarray(tensors[name][:7])

    copy.change_tensors(cut)
    refuses(str(copy.path("safetensors")), "its tensors are not those of", "size mismatch", engine="torch")


def test_a_missing_tensor_is_refused(refuses, copy):
    def drop(tensors):
        del tensors[next(name for name in tensors if name.endswith("fc.bias"))]

    copy.change_tensors(drop)
    refuses(str(copy.path("safetensors")), "its tensors are not those of", "fc.bias", engine="torch")


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_onnx_file_without_one_of_its_tensors_is_refused(refuses, copy, stream, engine):
    pytest.importorskip("onnx")
    key = f"{last_part(stream)}_onnx"

    def drop(model):
        del model.graph.initializer[-1]

    copy.change_onnx(key, drop)
    refuses(str(copy.path(key)), "cannot load it", engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_tensors_of_other_weights_than_the_engines_files_are_refused(refuses, copy, stream, engine):
    """Each file is whole and has its sha256, but they do not belong together."""

    def change(tensors):
        name = next(name for name in tensors if name.endswith("fc.bias"))
        tensors[name] = tensors[name] + 1

    if engine == "torch":  # it reads the tensors themselves: what they hash to is the sidecar's to say
        weights = copy.content["weights_sha256"]
        copy.change_tensors(change)
        copy.change(weights_sha256=weights)
        refuses(str(copy.path("safetensors")), "its tensors hash to", engine=engine)
        return
    copy.change_tensors(change)
    file = {"ncnn": f"{first_part(stream)}_ncnn_param"}.get(engine, f"{first_part(stream)}_onnx")
    refuses(str(copy.path(file)), copy.content["weights_sha256"], engine=engine)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"class_ids": [1, 3, 9]}, "class_ids [1, 3, 9], expected a list of some of"),
        ({"class_ids": [1, 1]}, "class_ids [1, 1]"),
        ({"architecture": "transformer"}, "architecture 'transformer', expected one of"),
        ({"files": {}}, "files is {}"),
    ],
)
def test_a_sidecar_that_is_wrong_is_refused(refuses, copy, fields, words):
    copy.change(**fields)
    refuses(str(copy.sidecar), words)


# The detector's and the voice detector's files: node, sidecar, what loads it, a network's key, its first output.
FIXED = {
    "mtcnn": (FaceDetector, mtcnn.SIDECAR, (mtcnn, "OnnxDetector"), "onet_onnx"),
    "silero": (MfccExtractor, voice_activity.WEIGHTS, (voice_activity, "SileroVoiceActivity"), "silero_vad_onnx"),
}


@pytest.fixture(params=FIXED)
def fixed(request, bench, tmp_path, monkeypatch):
    """A copy of a model that no parameter names, its network's key, and a function that asserts a refusal."""
    node, sidecar, (module, name), key = FIXED[request.param]
    copy = ModelCopy(sidecar, tmp_path / "copy")
    monkeypatch.setattr(module, name, partial(getattr(module, name), sidecar=copy.sidecar))
    return copy, key, lambda *words: refused(bench, node, *words)


def test_a_flipped_bit_in_a_detectors_file_is_refused(fixed):
    copy, key, refuses = fixed
    copy.flip(key)
    refuses(str(copy.path(key)), "sha256 is")


def test_a_pickle_in_place_of_a_detectors_file_is_refused_and_not_run(fixed, tmp_path):
    copy, key, refuses = fixed
    copy.write(key, pickle.dumps(Trap(tmp_path / "sprung")))
    refuses(str(copy.path(key)), "cannot load it")
    assert not (tmp_path / "sprung").exists()


def test_a_detectors_file_of_another_kind_is_refused(fixed):
    copy, key, refuses = fixed
    (copy.sidecar.parent / "net.pt").write_bytes(b"")
    copy.name(key, "net.pt", file_sha256(copy.sidecar.parent / "net.pt"))
    refuses(str(copy.sidecar), "file 'net.pt', only .onnx")


def test_a_detectors_file_outside_its_folder_is_refused(fixed):
    copy, key, refuses = fixed
    (copy.sidecar.parents[1] / "outside.onnx").write_bytes(copy.path(key).read_bytes())
    copy.name(key, "../outside.onnx", file_sha256(copy.path(key)))
    refuses(str(copy.sidecar), "'../outside.onnx' lies outside")


def test_a_detectors_sidecar_that_names_no_such_file_is_refused(fixed):
    copy, key, refuses = fixed
    files = {f"other_{name}": entry for name, entry in copy.content["files"].items()}
    copy.change(files=files)
    refuses(str(copy.sidecar), "files has no", key)


def test_another_network_in_place_of_a_detectors_is_refused(fixed, model):
    copy, key, refuses = fixed
    donor = ModelCopy(model("face")["face_model"], copy.sidecar.parents[1] / "donor")
    copy.write(key, donor.path("fan_onnx").read_bytes())
    refuses(str(copy.path(key)), "input embeddings tensor(float)", "expected")


def test_a_detectors_network_of_another_shape_is_refused(fixed):
    pytest.importorskip("onnx")
    copy, key, refuses = fixed

    def one_more_output(model):
        model.graph.output.append(model.graph.output[0])
        model.graph.output[-1].name = "more"
        node = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
        model.graph.node.add(op_type="Identity", input=list(node.output)[:1], output=["more"])

    copy.change_onnx(key, one_more_output)
    refuses(str(copy.path(key)), "output", "more tensor(float)")


def test_a_detectors_network_that_misses_a_tensor_is_refused(fixed):
    pytest.importorskip("onnx")
    copy, key, refuses = fixed

    def drop(model):
        graph = model.graph
        if graph.initializer:
            del graph.initializer[-1]
        else:
            graph.node.remove(next(node for node in graph.node if node.op_type == "Constant"))

    copy.change_onnx(key, drop)
    refuses(str(copy.path(key)), "cannot load it")


@pytest.mark.parametrize(("damage", "words"), [("flip", "sha256 is"), ("remove", "cannot read these weights")])
def test_facenets_weights_are_refused_unless_they_are_the_known_ones(bench, tmp_path, monkeypatch, damage, words):
    """The one pickle that is read, by an optional engine."""
    spec = find_spec("facenet_pytorch")
    if spec is None or not find_spec("torch"):
        pytest.skip("facenet-pytorch is not installed")
    folder = tmp_path / "data"
    folder.mkdir()
    for name in facenet.WEIGHTS_SHA256:
        data = bytearray((facenet.Path(spec.origin).parent / "data" / name).read_bytes())
        data[100] ^= damage == "flip" and name == "rnet.pt"
        (folder / name).write_bytes(data)
    if damage == "remove":
        (folder / "rnet.pt").unlink()
    inner = facenet.verify_weights
    monkeypatch.setattr(facenet, "verify_weights", lambda _: inner(folder))
    refused(bench, FaceDetector, str(folder / "rnet.pt"), words, detector="facenet_pytorch")
