"""What the package says of itself in several places is the same everywhere."""

import configparser
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from emotion_recognition.parameters import all_declarations, defaults, markdown_table, parameter_file
from emotion_recognition.version import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_version_is_that_of_package_xml():
    assert ET.parse(ROOT / "package.xml").getroot().findtext("version") == __version__


def test_changelog_opens_with_the_version():
    versions = re.findall(r"^(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)
    assert versions[0] == __version__


def test_every_licence_file_named_in_package_xml_is_there():
    licences = ET.parse(ROOT / "package.xml").getroot().findall("license")
    assert len(licences) >= 4
    for licence in licences:
        assert (ROOT / licence.get("file")).is_file(), licence.get("file")


def test_every_weights_file_has_a_licence_and_a_sidecar():
    folder = ROOT / "emotion_recognition" / "weights"
    names = {path.name.split(".")[0] for path in folder.glob("*.onnx")}
    sidecars = {path.stem for path in folder.glob("*.json")}
    assert sidecars and all(any(name.startswith(sidecar) for sidecar in sidecars) for name in names)
    for sidecar in sidecars:
        assert (folder / f"{sidecar}.LICENSE").is_file(), sidecar


def test_dependencies_of_package_xml_are_those_cmake_asks_for():
    root = ET.parse(ROOT / "package.xml").getroot()
    declared = {element.text for tag in ("depend", "buildtool_depend", "test_depend") for element in root.findall(tag)}
    asked = set(re.findall(r"find_package\((\w+) REQUIRED\)", (ROOT / "CMakeLists.txt").read_text()))
    assert asked == declared - {"python3-pytest"}


def test_parameter_file_is_the_declarations():
    assert (ROOT / "config" / "emotion_recognition.yaml").read_text() == parameter_file()


def test_parameter_file_holds_every_default():
    found = yaml.safe_load(parameter_file())
    for key, content in found.items():
        node = key.removeprefix("/**/")
        assert content["ros__parameters"] == defaults(node)


def test_readme_has_the_parameter_table():
    assert markdown_table() in (ROOT / "README.md").read_text()


def test_readme_names_every_topic_and_node():
    text = (ROOT / "README.md").read_text()
    for node in {node for found in all_declarations().values() for node in found.nodes}:
        assert f"`{node}`" in text
    for topic in ("emotion", "emotion/raw", "emotion/face", "emotion/speech", "face_samples", "mfcc"):
        assert f"`{topic}`" in text


@pytest.mark.parametrize("path", sorted((ROOT / "msg").glob("*.msg")), ids=lambda path: path.name)
def test_every_field_of_every_message_is_described(path):
    described = False
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            described = True
        elif not line.strip():
            described = False
        elif "=" not in line.split("#")[0]:
            assert described or "#" in line, line


def test_shell_and_make_files_name_no_folder_of_a_machine():
    for name in ("Makefile", ".ci/run", "CMakeLists.txt", "setup.cfg"):
        assert not re.search(r"(?<![\w.$)~-])/(home|root|work|opt)/", (ROOT / name).read_text()), name


def test_setup_cfg_ships_every_data_file():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    patterns = parser["options.package_data"]["emotion_recognition"].split()
    package = ROOT / "emotion_recognition"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    data = {path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert data <= shipped, sorted(str(path.relative_to(package)) for path in data - shipped)
