"""Run the robot's path here and on emulated aarch64 processors, and print how far each stage lies apart.

Exit code 0: every stage is within the limit; 1: one is not; 2: it could not be run.
"""

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emotion_recognition.demo import RECORDING
from emotion_recognition.emulation import system
from emotion_recognition.emulation.differences import LIMIT, compare, table
from emotion_recognition.emulation.stages import read

SOURCE = Path(__file__).resolve().parents[2]
STAGES = "emotion_recognition.emulation.stages"
# The processors of the boards: RK3399 and Raspberry Pi 4, Raspberry Pi 5.
PROCESSORS = ("cortex-a72", "cortex-a76")
# Those that profiles of boards name; the second is optional.
ENGINES = ("onnxruntime", "ncnn")
EXIT_OK, EXIT_APART, EXIT_FAILED = 0, 1, 2


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _requirements(name: str) -> str:
    path = SOURCE / "requirements" / name
    if not path.is_file():
        raise system.EmulationError(f"{path}: no such file; expected to run from a clone of the repository")
    return path.read_text(encoding="utf-8")


def _here(inputs: Path, outputs: Path, engines: Sequence[str]) -> dict[str, str]:
    paths = [str(SOURCE), *(path for path in sys.path if path)]
    environment = {**os.environ, **system.ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", STAGES, str(inputs), str(outputs), *engines]
    return _versions(system.call_for_output(command, environment, "expected this machine to run the path"))


def _versions(printed: str) -> dict[str, str]:
    return json.loads(printed.splitlines()[-1])


def _emulate(folder: Path, processors: Sequence[str], recording: Path, limit: float) -> bool:
    from emotion_recognition.emulation.inputs import inputs

    engines = [name for name in ENGINES if importlib.util.find_spec(name)]
    for name in set(ENGINES) - set(engines):
        _say(f"engine {name} is not installed here and left out: make setup-train brings it")
    folder.mkdir(parents=True, exist_ok=True)
    given, expected = folder / "inputs.npz", folder / "expected.npz"
    np.savez(given, **inputs(recording))
    qemu = system.find_qemu(folder)
    version = system.parse_version(system.call_for_output([str(qemu), "--version"], os.environ, "qemu does not run"))
    _say(f"qemu {'.'.join(map(str, version))}: {qemu}")
    _say("arm64 packages and wheels")
    root = system.prepare_root(folder)
    wanted = system.wheels(_requirements("robot.txt"), version, engines, _requirements("engines.txt"))
    site = system.install_wheels(folder, system.find_python(root)[1], wanted)
    _say("the path on this machine")
    print(f"here: {_here(given, expected, engines)}\n")
    good = True
    for processor in processors:
        _say(f"the path on an emulated {processor}")
        found = folder / f"{processor}.npz"
        arguments = [str(given), str(found), *engines, "--given", str(expected)]
        printed = system.call_for_output(
            system.emulated(qemu, root, processor, STAGES, arguments),
            system.emulated_environment([site, SOURCE]),
            "the emulated path failed",
        )
        differences = compare(read(expected), read(found))
        print(f"{processor}, emulated: {_versions(printed)}\n\n{table(differences, limit)}\n")
        good &= all(one.relative <= limit for one in differences)
    print(f"every stage is within {limit:g}" if good else f"not every stage is within {limit:g}")
    return good


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up, run, compare and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m emotion_recognition.emulation", description=__doc__)
    parser.add_argument("--folder", type=Path, default=SOURCE / "build" / "aarch64", help="for everything fetched")
    parser.add_argument("--cpu", action="append", help=f"processor as qemu names it; default {', '.join(PROCESSORS)}")
    parser.add_argument("--recording", type=Path, default=RECORDING, help="media file of 5 s or more with a face")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"largest difference allowed; default {LIMIT:g}")
    options = parser.parse_args(arguments)
    try:
        good = _emulate(options.folder.resolve(), options.cpu or PROCESSORS, options.recording, options.limit)
    except ModuleNotFoundError as error:
        _say(f"error: {error}; make setup brings what this needs")
        return EXIT_FAILED
    except (system.EmulationError, OSError, ValueError) as error:
        _say(f"error: {error}")
        return EXIT_FAILED
    return EXIT_OK if good else EXIT_APART


if __name__ == "__main__":
    sys.exit(main())
