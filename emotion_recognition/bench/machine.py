"""What a measurement was made on: processor, memory, versions, commit, and how busy the machine was before."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from emotion_recognition.roofline.measuring import processor
from emotion_recognition.version import __version__

PACKAGES = (
    "numpy", "onnxruntime", "openvino", "ncnn", "torch", "onnx", "soxr", "pillow", "av", "psutil", "rclpy", "ros-rclpy",
    "ros-rmw-fastrtps-cpp",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Return the machine and the versions; a package that is not installed is left out."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_mib": _memory_mib(),
        "system": f"{_distribution()}, {platform.system()} {platform.release()}, {platform.machine()}",
        "load_before": os.getloadavg()[0],
        "emotion_recognition": __version__,
        "commit": commit(Path(__file__).parents[2]),
        "ros_distribution": os.environ.get("ROS_DISTRO"),
        "versions": {"python": platform.python_version(), **versions(PACKAGES)},
    }


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the version of each of these packages that is installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit(folder: Path) -> str | None:
    """Return the commit checked out in a folder, with ``-dirty`` where files differ from it; None outside git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return "unknown distribution"


def _memory_mib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
