"""The policy is the committed one, allows by name only, and names what the README documents."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from emotion_recognition.parameters import NODES
from emotion_recognition.security import ENCLAVES, ENDPOINTS, policy, resolved
from emotion_recognition.security.__main__ import main
from emotion_recognition.security.endpoints import SENSITIVE_TOPICS

ROOT = Path(__file__).resolve().parents[2]
RIGHTS = {("topics", "publish"): "publishes", ("topics", "subscribe"): "hears", ("services", "reply"): "answers"}


def profiles(text: str) -> dict[str, dict[str, dict]]:
    """Return rights by enclave, node and right: {"/enclave": {"node": {("topics", "publish"): [names]}}}."""
    found = {}
    for enclave in ET.fromstring(text).iterfind("enclaves/enclave"):
        nodes = found[enclave.get("path")] = {}
        for profile in enclave.iterfind("profiles/profile"):
            rights = nodes[profile.get("node")] = {}
            for listed in profile:
                ((action, qualifier),) = listed.attrib.items()
                assert qualifier == "ALLOW"
                rights[listed.tag, action] = [item.text for item in listed]
    return found


def test_the_committed_policy_is_the_generated_one():
    assert (ROOT / "config" / "security" / "policy.xml").read_text() == policy()


def test_every_process_may_do_what_its_nodes_do_and_nothing_else():
    found = profiles(policy())
    assert set(found) == {f"/emotion_recognition/{name}" for name in (*NODES, "composed")}
    for path, nodes in ENCLAVES.items():
        assert set(found[path]) == set(nodes)
        for node in nodes:
            expected = {right: list(getattr(ENDPOINTS[node], field)) for right, field in RIGHTS.items()}
            assert found[path][node] == expected
    names = {name for nodes in found.values() for rights in nodes.values() for one in rights.values() for name in one}
    assert all(re.fullmatch(r"(~/|/)?[a-z_]+(/[a-z_]+)*", name) for name in names), "no wildcards"


def test_no_node_may_ask_a_service():
    assert 'request="' not in policy() and "<actions" not in policy()


def test_faces_and_voices_pass_only_between_the_nodes_that_need_them():
    may = {
        topic: (
            {node for node, one in ENDPOINTS.items() if topic in one.publishes},
            {node for node, one in ENDPOINTS.items() if topic in one.hears},
        )
        for topic in SENSITIVE_TOPICS
    }
    assert may == {
        "image": ({"media_source"}, {"face_detector"}),
        "image/compressed": (set(), {"face_detector"}),
        "audio": (set(), {"mfcc_extractor"}),
        "audio_stamped": ({"media_source"}, {"mfcc_extractor"}),
        "face_samples": ({"face_detector"}, {"visual_classifier"}),
        "mfcc": ({"mfcc_extractor"}, {"speech_classifier"}),
    }


def test_the_readmes_table_has_every_topic():
    rows = re.findall(r"^\| (`[^|]+`) \| [^|]*\| [^|]*\| [^|]*\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    common = {"/clock", "/parameter_events", "/rosout", "~/transition_event"}
    used = {name for one in ENDPOINTS.values() for name in (*one.publishes, *one.hears)} - common
    assert used <= documented, used - documented


def test_a_namespace_is_that_of_every_profile():
    found = {profile.get("ns") for profile in ET.fromstring(policy("/robot/left")).iter("profile")}
    assert found == {"/robot/left"}


@pytest.mark.parametrize("namespace", ["", "robot", "/robot/", "//", '/"><x', "/1", "/ro bot"])
def test_what_is_no_namespace_is_refused(namespace, capsys):
    with pytest.raises(ValueError, match="expected / or names after slashes"):
        policy(namespace)
    with pytest.raises(SystemExit) as ended:
        main(["--namespace", namespace])
    assert ended.value.code == 2 and repr(namespace) in capsys.readouterr().err


def test_the_command_prints_the_policy(capsys):
    assert main(["--namespace", "/robot"]) == 0
    assert capsys.readouterr().out == policy("/robot")


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        ("/rosout", "/robot", "/rosout"),
        ("image", "/", "/image"),
        ("image", "/robot", "/robot/image"),
        ("~/enable", "/robot", "/robot/fusion/enable"),
        ("~/enable", "/", "/fusion/enable"),
    ],
)
def test_names_are_resolved_as_ros_does(name, namespace, expected):
    assert resolved(name, namespace, "fusion") == expected
