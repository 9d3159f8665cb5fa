"""An aarch64 Python to run under qemu: Debian's packages and wheels, unpacked into a folder.

Nothing is installed on this system, and no root is needed. Packages come through this system's own apt, with a package
list and cache of their own, and wheels through its pip; both take their hosts from the system's configuration.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

QEMU = ("qemu-aarch64-static", "qemu-aarch64")
# Newer Debians have the static binaries in the second package.
QEMU_PACKAGES = ("qemu-user-static", "qemu-user")
# What the interpreter and the wheels need of the system.
PACKAGES = ("python3", "libstdc++6")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
# Under qemu 7.2 (Debian 12), onnxruntime 1.32.0 ends with a segmentation fault as it is imported; 1.24.4 runs.
ENOUGH_QEMU = (10,)
ONNXRUNTIME_BEFORE = "1.24.4"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class EmulationError(RuntimeError):
    """The emulated system cannot be set up or run; the message says what failed and what to do."""


def apt_options(folder: Path) -> list[str]:
    """Return options by which apt-get keeps to a folder of its own and takes arm64 for the system's architecture."""
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",  # the user _apt need not be able to write there
        "APT::Keep-Downloaded-Packages": "true",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
    }
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def prepare_root(folder: Path) -> Path:
    """Return a folder with an arm64 Python of this system's distribution, unpacked there on the first call.

    Raises:
        EmulationError: apt is missing, or has no arm64 packages.
    """
    root, apt = folder / "root", folder / "apt"
    if (folder / "root.ready").is_file():
        return root
    missing = [tool for tool in ("apt-get", "dpkg-deb") if not shutil.which(tool)]
    if missing:
        raise EmulationError(f"{', '.join(missing)} not found: run this on Debian, or install apt and dpkg")
    for part in ("state/lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    (apt / "state" / "status").touch()
    get = ["apt-get", *apt_options(apt), "-qq"]
    hint = "apt needs a source of arm64 packages of this distribution (on Ubuntu they lie apart, in ports)"
    _call([*get, "update"], hint)
    _call([*get, "--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES], hint)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        _call(["dpkg-deb", "--extract", str(package), str(root)], "delete the folder and try again")
    find_python(root)
    (folder / "root.ready").touch()
    return root


def find_python(root: Path) -> tuple[Path, str]:
    """Return the interpreter in a root and its version, such as ``3.11``.

    Raises:
        EmulationError: there is none.
    """
    for path in sorted((root / "usr" / "bin").glob("python3.*")):
        match = re.fullmatch(r"python(3\.\d+)", path.name)
        if match:
            return path, match[1]
    raise EmulationError(f"{root / 'usr' / 'bin'} has no python3.N: delete {root.parent} and try again")


def find_qemu(folder: Path) -> Path:
    """Return this system's qemu for aarch64 programs, or one unpacked into the folder.

    Raises:
        EmulationError: there is none, and apt cannot fetch it.
    """
    for name in QEMU:
        if found := shutil.which(name):
            return Path(found)
    host = folder / "host"
    for package in (None, *QEMU_PACKAGES):
        if package is not None and shutil.which("apt-get"):
            _fetch(package, host)
        for name in QEMU:
            path = host / "usr" / "bin" / name
            if path.is_file() and not _try([str(path), "--version"]).returncode:
                return path
    raise EmulationError("no qemu for aarch64 programs: apt-get update, then apt-get install qemu-user-static")


def _fetch(package: str, host: Path) -> None:
    host.mkdir(parents=True, exist_ok=True)
    if _try(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=host).returncode == 0:
        for file in host.glob("*.deb"):
            _try(["dpkg-deb", "--extract", str(file), str(host)])
            file.unlink()


def parse_version(text: str) -> tuple[int, ...]:
    """Return the version that ``qemu-aarch64 --version`` prints, as numbers.

    Raises:
        EmulationError: there is none in the text.
    """
    match = re.search(r"version (\d+(?:\.\d+)*)", text)
    if not match:
        raise EmulationError(f"qemu's version is not in {text[:80]!r}; expected 'version 7.2.0' or the like")
    return tuple(map(int, match[1].split(".")))


def wheels(requirements: str, qemu: Sequence[int], engines: Sequence[str] = (), optional: str = "") -> list[str]:
    """Return the requirements to install for aarch64.

    Args:
        requirements: text of the robot's requirements file.
        qemu: its version, which decides on that of onnxruntime.
        engines: names of the classifiers' engines; those in ``optional`` are added.
        optional: text of the requirements file of optional engines.

    Raises:
        EmulationError: the robot's requirements do not pin onnxruntime.
    """
    pinned = _pins(requirements)
    if "onnxruntime" not in pinned:
        raise EmulationError("the robot's requirements pin no onnxruntime; expected onnxruntime==VERSION")
    if tuple(qemu) < ENOUGH_QEMU:
        pinned["onnxruntime"] = ONNXRUNTIME_BEFORE
    pinned |= {name: version for name, version in _pins(optional).items() if name in engines}
    return [f"{name}=={version}" for name, version in pinned.items()]


def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def install_wheels(folder: Path, version: str, wanted: Sequence[str]) -> Path:
    """Return a folder with aarch64 wheels for a version of Python, unpacked there unless they are already.

    Raises:
        EmulationError: pip cannot find or fetch one.
    """
    site, stamp = folder / "site", folder / "site.ready"
    state = "\n".join([version, *wanted])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return site
    shutil.rmtree(site, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", version, "--target", str(site)]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    _call([*command, *wanted], "pip needs these versions as aarch64 wheels")
    stamp.write_text(state, encoding="utf-8")
    return site


def emulated(qemu: Path, root: Path, cpu: str, module: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs a Python module on an emulated processor, such as ``cortex-a72``."""
    # -S: the site packages are those of PYTHONPATH alone.
    return [str(qemu), "-cpu", cpu, "-L", str(root), str(find_python(root)[0]), "-S", "-m", module, *arguments]


def emulated_environment(paths: Sequence[Path]) -> dict[str, str]:
    """Return the environment of an emulated process; this one's libraries are of no use to it."""
    path = os.pathsep.join(map(str, paths))
    return {**ONE_THREAD, "PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def call_for_output(command: Sequence[str], environment: Mapping[str, str], hint: str) -> str:
    """Run a command and return what it prints.

    Raises:
        EmulationError: it failed.
    """
    return _call(command, hint, env=dict(environment))


def _try(command: Sequence[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)


def _call(command: Sequence[str], hint: str, **options) -> str:
    try:
        done = _try(command, **options)
    except OSError as error:
        raise EmulationError(f"{command[0]} cannot be started ({error}): {hint}") from error
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise EmulationError(f"{Path(command[0]).name} ended with {done.returncode}: {said}; {hint}")
    return done.stdout
