"""One short run of the real nodes as processes."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")
pytest.importorskip("psutil")

from emotion_recognition.bench import live  # noqa: E402


@pytest.fixture(autouse=True)
def domain(monkeypatch):
    """The run chooses a domain of its own; afterwards the environment is as before."""
    monkeypatch.setenv("ROS_DOMAIN_ID", "1")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def installed():
    try:
        live.node_command("composed", "/a")
    except RuntimeError as problem:
        pytest.skip(str(problem))


def test_a_node_that_is_not_installed_is_named():
    installed()
    with pytest.raises(RuntimeError, match=r"no_such_node: no such file; run `make setup`"):
        live.node_command("no_such_node", "/a")


def test_a_short_run_of_one_process():
    installed()
    found = live.measure(live.Scenario(composed=True, rate=30.0, seconds=3.0, warm_up_s=0.5))
    assert found["processes"] == 1 and set(found["cpu_share_by_process"]) == {"composed"}
    latency = found["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"] < 5000
    assert 5 <= latency["n"] <= 25 and found["decisions_per_s"] == pytest.approx(latency["n"] / 3, rel=0.2)
    assert 0 < found["cpu_share"] < 4
    assert 30 < found["pss_mib"]["end"] <= found["rss_mib"]["end"] < 1000
    assert len(found["rss_series_mib"]) == 2 and min(found["rss_series_mib"]) > 30
    assert found["source"]["images_per_s"] > 5 and found["sampled"] + found["skipped"] >= latency["n"] - 1


def test_a_process_that_ends_early_is_named(monkeypatch):
    installed()
    monkeypatch.setattr(live, "node_command", lambda name, namespace: ["sh", "-c", "echo no camera; exit 3"])
    with pytest.raises(RuntimeError, match="composed ended early; composed: no camera"):
        live.measure(live.Scenario(composed=True))


def test_a_node_that_does_not_work_is_named(monkeypatch):
    installed()
    command = live.node_command
    missing = ["-p", "speech_model:=/nowhere/a.json"]
    monkeypatch.setattr(live, "node_command", lambda name, namespace: [*command(name, namespace), *missing])
    with pytest.raises(RuntimeError, match="a node does not work: .*cannot configure: /nowhere/a.json"):
        live.measure(live.Scenario(composed=True, seconds=1.0, warm_up_s=0.1))


class Said:
    """Stands for a process that has said something."""

    def __init__(self, *lines: str):
        self.output = lambda: "\n".join(lines)


def test_an_error_behind_many_warnings_is_found():
    warned = Said(*["[WARN] slow"] * 20)
    live._check_errors([warned])
    with pytest.raises(RuntimeError, match=r"a node does not work: \[ERROR\] cannot configure"):
        live._check_errors([warned, Said("[INFO] here", "[ERROR] cannot configure")])
