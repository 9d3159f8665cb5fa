"""What is asked of apt, pip and qemu, and what is said where they fail. Nothing is fetched here."""

import os
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from emotion_recognition.emulation import EmulationError, system

ROOT = Path(__file__).resolve().parents[2]
ROBOT = (ROOT / "requirements" / "robot.txt").read_text()
ENGINES = (ROOT / "requirements" / "engines.txt").read_text()


def test_apt_keeps_to_its_own_folder(tmp_path):
    words = system.apt_options(tmp_path)
    assert set(words[::2]) == {"-o"}
    options = dict(word.split("=", 1) for word in words[1::2])
    assert options["APT::Architecture"] == options["APT::Architectures"] == "arm64"
    for place in ("Dir::State", "Dir::State::status", "Dir::Cache"):
        assert Path(options[place]).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "text, version",
    [
        ("qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright", (7, 2, 22)),
        ("qemu-aarch64 version 10.0.3", (10, 0, 3)),
        ("qemu-aarch64 version 9", (9,)),
    ],
)
def test_the_version_of_qemu(text, version):
    assert system.parse_version(text) == version


def test_no_version_of_qemu():
    with pytest.raises(EmulationError, match="qemu's version is not in 'segmentation fault'"):
        system.parse_version("segmentation fault")


def test_the_robots_own_versions_under_a_qemu_that_runs_them():
    wanted = system.wheels(ROBOT, (10, 0, 2))
    pinned = [line.split("#")[0].strip() for line in ROBOT.splitlines() if "==" in line]
    assert wanted == pinned and len(wanted) >= 5


def test_an_older_onnxruntime_under_an_older_qemu():
    new, old = system.wheels(ROBOT, (10,)), system.wheels(ROBOT, (7, 2, 22))
    assert set(old) - set(new) == {"onnxruntime==1.24.4"} and len(old) == len(new)


def test_optional_engines_only_where_asked_for():
    names = [one.split("==")[0] for one in system.wheels(ROBOT, (10,), ["onnxruntime", "ncnn"], ENGINES)]
    assert "ncnn" in names and "openvino" not in names and names.count("onnxruntime") == 1


def test_requirements_without_onnxruntime():
    with pytest.raises(EmulationError, match="pin no onnxruntime"):
        system.wheels("numpy==2.0\nonnxruntime>=1.17\n", (10,))


def made_root(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / "usr" / "bin" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def test_the_interpreter_of_a_root(tmp_path):
    root = made_root(tmp_path, "python3", "python3.13", "python3-config", "pydoc3.13", "python3.13-config")
    assert system.find_python(root) == (root / "usr" / "bin" / "python3.13", "3.13")
    with pytest.raises(EmulationError, match="has no python3.N"):
        system.find_python(tmp_path / "empty")


def test_the_emulated_command(tmp_path):
    root = made_root(tmp_path, "python3.11")
    command = system.emulated(Path("/q/qemu-aarch64"), root, "cortex-a72", "some.module", ["in", "out"])
    python = str(root / "usr" / "bin" / "python3.11")
    assert command[:5] == ["/q/qemu-aarch64", "-cpu", "cortex-a72", "-L", str(root)]
    assert command[5:] == [python, "-S", "-m", "some.module", "in", "out"]


def test_an_emulated_process_gets_none_of_this_ones_libraries(monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/x86/libraries")
    monkeypatch.setenv("PYTHONHOME", "/x86/python")
    found = system.emulated_environment([Path("/a"), Path("/b")])
    assert found["PYTHONPATH"] == os.pathsep.join(["/a", "/b"])
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == "1"
    assert not {"LD_LIBRARY_PATH", "PYTHONHOME"} & set(found)


def test_wheels_are_fetched_once_and_again_when_they_change(tmp_path, monkeypatch):
    called = []

    def fetch(command, hint):
        called.append(command)
        (tmp_path / "site").mkdir()

    monkeypatch.setattr(system, "_call", fetch)
    for version, wanted in (("3.11", ["a==1"]), ("3.11", ["a==1"]), ("3.11", ["a==2"]), ("3.13", ["a==2"])):
        assert system.install_wheels(tmp_path, version, wanted) == tmp_path / "site"
    assert [command[-1] for command in called] == ["a==1", "a==2", "a==2"]
    first = called[0]
    assert first[:4] == [sys.executable, "-m", "pip", "install"] and "--only-binary=:all:" in first
    platforms = [first[index + 1] for index, word in enumerate(first) if word == "--platform"]
    assert platforms and all(platform.endswith("_aarch64") for platform in platforms)
    assert not any("://" in word for word in first)


def test_wheels_that_failed_are_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(system, "_try", lambda command, **options: CompletedProcess(command, 3, "", "no such wheel\n"))
    with pytest.raises(EmulationError, match="ended with 3: no such wheel; pip needs these versions as aarch64"):
        system.install_wheels(tmp_path, "3.11", ["a==1"])
    assert not (tmp_path / "site.ready").exists()


def test_missing_tools_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        EmulationError, match="apt-get, dpkg-deb not found: run this on Debian, or install apt and dpkg"
    ):
        system.prepare_root(tmp_path / "work")
    with pytest.raises(EmulationError, match="no qemu for aarch64 programs.*apt-get install qemu-user-static"):
        system.find_qemu(tmp_path / "work")


def test_the_systems_own_qemu_is_taken(tmp_path, monkeypatch):
    program = tmp_path / "qemu-aarch64"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system.find_qemu(tmp_path / "work") == program


def test_a_root_that_is_ready_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (tmp_path / "root.ready").touch()
    assert system.prepare_root(tmp_path) == tmp_path / "root"


def test_the_root_is_unpacked_from_what_apt_fetched(tmp_path, monkeypatch):
    called = []

    def call(command, hint):
        called.append(command)
        archives = tmp_path / "apt" / "cache" / "archives"
        if command[0] == "apt-get" and "install" in command:
            (archives / "python3.deb").touch()
        if command[0] == "dpkg-deb":
            made_root(Path(command[-1]), "python3.12")

    monkeypatch.setattr(system, "_call", call)
    monkeypatch.setattr(system.shutil, "which", lambda tool: f"/bin/{tool}")
    root = system.prepare_root(tmp_path)
    assert [command[0] for command in called] == ["apt-get", "apt-get", "dpkg-deb"]
    assert called[0][-1] == "update" and called[1][-len(system.PACKAGES) :] == list(system.PACKAGES)
    assert "--download-only" in called[1] and (tmp_path / "root.ready").is_file()
    assert system.find_python(root)[1] == "3.12"


def test_a_command_that_fails_says_what_it_said_and_what_to_do():
    command = [sys.executable, "-c", "import sys; print('one\\ntwo', file=sys.stderr); sys.exit(4)"]
    with pytest.raises(EmulationError, match=r"ended with 4: .*one \| two; plug it in"):
        system.call_for_output(command, os.environ, "plug it in")
    with pytest.raises(EmulationError, match="/no/such/program cannot be started .*: plug it in"):
        system.call_for_output(["/no/such/program"], os.environ, "plug it in")
