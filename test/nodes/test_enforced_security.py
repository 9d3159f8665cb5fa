"""SROS2: a process that is told to enforce security never works without; with it, the nodes work under the policy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from processes import NODES, Process  # noqa: E402

from emotion_recognition.demo import RECORDING  # noqa: E402

POLICY = Path(__file__).resolve().parents[2] / "config" / "security" / "policy.xml"
# What rmw looks for in an enclave, https://design.ros2.org/articles/ros2_security_enclaves.html.
FILES = (
    "identity_ca.cert.pem", "cert.pem", "key.pem", "permissions_ca.cert.pem", "governance.p7s", "permissions.p7s",
)  # fmt: skip
ENCLAVE = "/emotion_recognition/{}"
PLANNER = "/planner"
PLANNERS_POLICY = f"""\
<policy version="0.2.0"><enclaves><enclave path="{PLANNER}"><profiles><profile ns="/" node="planner">
  <topics subscribe="ALLOW"><topic>emotion</topic></topics>
  <topics publish="ALLOW"><topic>/rosout</topic><topic>/parameter_events</topic></topics>
</profile></profiles></enclave></enclaves></policy>
"""
WITHOUT = "doesn't have the security libraries"
# Prints the status of every Emotion that it hears within so many seconds.
LISTENER = """
import sys, time
from emotion_recognition.nodes.running import prepare_environment
prepare_environment()
import rclpy
from emotion_recognition.msg import Emotion
rclpy.init(args=sys.argv)
node = rclpy.create_node("planner", start_parameter_services=False)
node.create_subscription(Emotion, "emotion", lambda message: print("status", message.status, flush=True), 100)
print("listens", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.1)
"""


@pytest.fixture
def enforced(tmp_path, monkeypatch):
    """An empty keystore's folder, with security enforced for the processes that are started."""
    keystore = tmp_path / "keystore"
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("ROS_SECURITY_STRATEGY", "Enforce")
    monkeypatch.setenv("ROS_SECURITY_KEYSTORE", str(keystore))
    return keystore


def enclave_of(name: str) -> list[str]:
    return ["--ros-args", "--enclave", ENCLAVE.format(name)]


def test_a_node_without_keys_does_not_start(start, enforced):
    process = start("fusion", *enclave_of("fusion"))
    assert process.ended() == 2
    assert f"{enforced}/enclaves/emotion_recognition/fusion' does not exist" in process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize("name", ["fusion", "composed"])
def test_a_node_with_keys_that_are_none_does_not_start(start, enforced, name):
    folder = enforced / "enclaves" / "emotion_recognition" / name
    folder.mkdir(parents=True)
    for file in FILES:
        (folder / file).write_text("no key")
    process = start(name, *enclave_of(name))
    assert process.ended() == 1
    assert "cannot make a node: error creating node" in process.output()
    assert "Traceback" not in process.output()


@pytest.fixture
def keystore(enforced, tmp_path, ros):
    """A keystore with an enclave for each process and for a planner, made by sros2; skips where that cannot be."""
    api = pytest.importorskip(
        "sros2.api._artifact_generation", reason="sros2 is not installed: it comes with a ROS distribution"
    )
    planner = tmp_path / "planner.xml"
    planner.write_text(PLANNERS_POLICY)
    api.generate_artifacts(enforced, [], [POLICY, planner])
    trial = subprocess.run(
        [sys.executable, "-c", LISTENER, "0", "--ros-args", "--enclave", PLANNER],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if WITHOUT in trial.stderr:
        pytest.skip("the middleware here was built without security: Fast DDS needs -DSECURITY=ON")
    assert trial.returncode == 0 and "listens" in trial.stdout, trial.stderr
    return enforced


def statuses(seconds: float, *arguments: str, env: dict[str, str]) -> list[str]:
    """Return what a listener in a process of its own prints in so many seconds."""
    listener = subprocess.run(
        [sys.executable, "-c", LISTENER, str(seconds), *arguments],
        capture_output=True, text=True, timeout=seconds + 60, env=env,
    )  # fmt: skip
    assert listener.returncode == 0, listener.stderr
    return [line for line in listener.stdout.splitlines() if line.startswith("status")]


def test_the_demo_works_under_the_policy_and_strangers_hear_nothing(keystore, start):
    processes: list[Process] = [start(name, *enclave_of(name), "-p", "on_demand:=false") for name in NODES]
    playing = ["-p", f"media:={RECORDING}", "-p", "wait_for_subscriber:=true"]
    processes.append(start("media_source", *enclave_of("media_source"), *playing))
    secured = ["--ros-args", "--enclave", PLANNER]
    heard = statuses(15.0, *secured, env=dict(os.environ))
    assert {"status 1", "status 3"} <= set(heard), [process.output() for process in processes]
    assert all(process.running for process in processes[:-1])
    open_environment = {name: value for name, value in os.environ.items() if not name.startswith("ROS_SECURITY")}
    assert statuses(4.0, env=open_environment) == []
