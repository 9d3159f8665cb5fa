"""Parameters of the running nodes: declared from the one file, and a wrong one stops a node at its start."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from processes import NODES as EXECUTABLES  # noqa: E402
from processes import SHARE  # noqa: E402
from rcl_interfaces.msg import ParameterType  # noqa: E402
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters  # noqa: E402
from rclpy.parameter import Parameter, parameter_value_to_python  # noqa: E402

from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402
from emotion_recognition.parameters import ParameterError, declarations  # noqa: E402

NODES = (FaceDetector, MfccExtractor, VisualClassifierNode, SpeechClassifierNode, FusionNode, MediaSourceNode)
TYPES = {
    "bool": ParameterType.PARAMETER_BOOL,
    "integer": ParameterType.PARAMETER_INTEGER,
    "double": ParameterType.PARAMETER_DOUBLE,
    "string": ParameterType.PARAMETER_STRING,
}


@pytest.fixture(params=NODES, ids=lambda node: node.NAME)
def node(request, bench):
    return bench.add(request.param, started=False)


def ask(bench, node, kind, name, **fields):
    return bench.call(kind, f"{node.get_fully_qualified_name()}/{name}", kind.Request(**fields))


def test_every_parameter_is_declared_and_described(bench, node):
    declared = declarations(node.NAME)
    listed = set(ask(bench, node, ListParameters, "list_parameters").result.names)
    own = {name for name in listed if not name.startswith(("qos_overrides.", "use_sim_time", "start_type_description"))}
    assert own == set(declared)
    names = list(declared)
    described = ask(bench, node, DescribeParameters, "describe_parameters", names=names).descriptors
    values = ask(bench, node, GetParameters, "get_parameters", names=names).values
    for name, found, value in zip(names, described, values, strict=True):
        expected = declared[name]
        assert (found.name, found.type, found.read_only) == (name, TYPES[expected.type], True)
        assert found.description == expected.description
        assert found.additional_constraints == expected.allowed
        limits = [(one.from_value, one.to_value) for one in (*found.integer_range, *found.floating_point_range)]
        assert limits == ([] if expected.minimum is None else [(expected.minimum, expected.maximum)])
        assert parameter_value_to_python(value) == expected.default


def test_parameters_cannot_be_changed_while_the_node_runs(bench, node):
    value = Parameter("autostart", value=False).to_parameter_msg()
    (result,) = ask(bench, node, SetParameters, "set_parameters", parameters=[value]).results
    assert not result.successful
    assert node.get_parameter("autostart").value is True


def wrong_values(declaration):
    """Return values of a declaration's own type that it does not allow, and one of another type."""
    yield "text" if declaration.type != "string" else 5
    if declaration.minimum is not None:
        yield type(declaration.default)(declaration.minimum - 1)
        yield type(declaration.default)(declaration.maximum + 1)
    if declaration.type == "double":
        yield float("nan")
        yield 1  # ROS tells 1 from 1.0
    if declaration.one_of:
        yield "something_else"


@pytest.mark.parametrize("make", NODES, ids=lambda node: node.NAME)
def test_a_wrong_value_is_refused_with_what_is_allowed(bench, make):
    for name, declaration in declarations(make.NAME).items():
        for value in wrong_values(declaration):
            with pytest.raises(ParameterError) as caught:
                bench.add(make, started=False, **{name: value})
            text = str(caught.value)
            assert make.NAME in text and name in text and declaration.allowed in text, text


def test_parameters_that_contradict_each_other_are_refused(bench):
    with pytest.raises(ParameterError, match="min_window is 4.0 s; expected at most window, 3.0 s"):
        bench.add(MfccExtractor, started=False, min_window=4.0)


WRONG = {
    "face_detector": ("min_face_size:=5", "integer from 20 to 2000 px"),
    "mfcc_extractor": ("mfcc_engine:=kaldi", "one of numpy, librosa, torchaudio"),
    "visual_classifier": ("window:=wide", "double from 0.5 to 30.0 s"),
    "speech_classifier": ("threads:=1.5", "integer from 1 to 64"),
    "fusion": ("smoothing:=-1.0", "double from 0.0 to 60.0 s"),
    "composed": ("fusion_method:=median", "one of geometric, arithmetic"),
}


def test_a_wrong_value_ends_the_executable_with_what_is_allowed(start):
    assert set(WRONG) == {*EXECUTABLES, "composed"}
    started = {name: start(name, "--ros-args", "-p", value) for name, (value, _) in WRONG.items()}
    for name, process in started.items():
        value, allowed = WRONG[name]
        assert process.ended() == 2, process.output()
        assert value.split(":=")[0] in process.output() and allowed in process.output()
        assert "Traceback" not in process.output()


def test_unknown_parameters_are_named(bench, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(
        "/**/fusion:\n  ros__parameters: {smoothing: 0.5, smothing: 2.0, nonsense: 1, use_sim_time: false,"
        f" qos_overrides.{bench.namespace}/emotion.publisher.depth: 7}}\n"
        "/**:\n  ros__parameters: {window: 2.0}\n"
    )
    node = bench.add(FusionNode, "--params-file", str(file))
    assert node.parameters["smoothing"] == 0.5
    first, second = sorted(bench.lines(node))
    assert first.startswith("there is no parameter nonsense; it has no effect: expected some of autostart, ")
    assert second == "there is no parameter smothing; it has no effect: did you mean smoothing?"


def test_the_shipped_parameter_file_holds_the_defaults(bench, node, tmp_path):
    """Nothing in it is unknown to a node; a copy with a value changed changes that value and no other."""
    text = (SHARE / "config" / "emotion_recognition.yaml").read_text()
    file = tmp_path / "changed.yaml"
    file.write_text(text.replace("autostart: true", "autostart: false"))
    arguments = ("-r", f"__ns:={bench.namespace}/loaded", "--params-file", str(file))
    loaded = bench.add(type(node), *arguments, started=False)
    assert loaded.parameters == {**node.parameters, "autostart": False}
    assert not bench.lines(loaded)
