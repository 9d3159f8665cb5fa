"""The robot's inference path on fixed inputs, every stage's numbers kept. Needs no more than a robot has.

``python -m emotion_recognition.emulation.stages INPUTS.npz OUTPUTS.npz ENGINE... [--given EXPECTED.npz]`` runs it and
prints the versions as JSON.
"""

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from emotion_recognition.audio import Resampler, create_voice_activity
from emotion_recognition.chain import FusionStep, audio_pipeline, face_detector, face_pipeline
from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.classifiers.classification import named_softmax
from emotion_recognition.classifiers.face_input import FaceInput
from emotion_recognition.engines import load_metadata, load_network
from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.faces import crop_face
from emotion_recognition.fusion import decide
from emotion_recognition.parameters import defaults
from emotion_recognition.stamps import SECOND_NS
from emotion_recognition.weights import FACE, PAPER_FACE, PAPER_SPEECH, SPEECH

MODELS = {"": (FACE, SPEECH), "paper's ": (PAPER_FACE, PAPER_SPEECH)}
SEARCHED_FRAMES = (0, 7, 14)
WHOLE = "whole path"
CHUNK_S = 0.02
LIBRARIES = ("numpy", "onnxruntime", "PIL", "soxr")


class Stages:
    """Results of stages by ``stage/name``, and what each next stage goes on from.

    Args:
        given: results of another machine. A stage goes on from those of the stage before it where they are given, so
            that each stage is compared by itself; else from its own.
    """

    def __init__(self, given: Mapping[str, np.ndarray] | None = None):
        self.given = given or {}
        self.found: dict[str, np.ndarray] = {}

    def keep(self, name: str, values: object) -> np.ndarray:
        """Keep a result and return what to go on from."""
        self.found[name] = np.asarray(values)
        return self.given.get(name, self.found[name])


def run(
    inputs: Mapping[str, np.ndarray],
    engines: Sequence[str],
    given: Mapping[str, np.ndarray] | None = None,
    models: Mapping[str, tuple[Path, Path]] = MODELS,
) -> dict[str, np.ndarray]:
    """Run the path as the nodes do by default, the classifiers' networks in every engine.

    Args:
        inputs: see :func:`~emotion_recognition.emulation.inputs.inputs`.
        engines: of the classifiers; the fusion goes on from the first one's.
        given: see :class:`Stages`.
        models: sidecars of face and voice by whose they are; "" for those that the fusion goes on from.

    Returns:
        Arrays of numbers by ``stage/name``.
    """
    stages = Stages(given)
    stamps = [int(stamp) for stamp in inputs["stamps"]]
    crops, seen = _faces(stages, inputs["frames"], stamps)
    windows, ends = _sound(stages, inputs["sound"], int(inputs["rate"]), stamps[0])
    decided = {}
    for engine in engines:
        for whose, (face, speech) in models.items():
            stage = f"{whose}networks, {engine}"
            decided[stage] = (
                _face_network(stages, stage, engine, face, crops),
                _voice_network(stages, stage, engine, speech, windows),
            )
    _fusion(stages, *decided[f"networks, {engines[0]}"], seen, ends)
    return stages.found


def run_all(
    inputs: Mapping[str, np.ndarray], engines: Sequence[str], given: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """Return what :func:`run` does, and as stage ``whole path`` the decisions of a run that is given nothing."""
    found = run(inputs, engines, given)
    own = run(inputs, engines[:1], models={"": MODELS[""]}) if given else found
    return found | {name.replace("fusion", WHOLE, 1): own[name] for name in own if name.startswith("fusion")}


def _faces(stages: Stages, frames: np.ndarray, stamps: list[int]) -> tuple[np.ndarray, list[int]]:
    """Search whole frames, then follow the faces; return the crop of each frame's largest, and the frames' stamps."""
    p = defaults("face_detector")
    detector = face_detector(p)
    whole = [one for index in SEARCHED_FRAMES for one in detector.detect(frames[index % len(frames)])]
    pipeline = face_pipeline(p, detector)
    followed = [pipeline.process(frame, stamp) for frame, stamp in zip(frames, stamps, strict=True)]
    seen = [index for index, faces in enumerate(followed) if faces]
    largest = [followed[index][0] for index in seen]
    for stage, detections in (("detection", whole), ("following", largest)):
        stages.keep(f"{stage}/landmarks", [one.landmarks for one in detections])
        stages.keep(f"{stage}/scores", [one.score for one in detections])
        boxes = stages.keep(f"{stage}/boxes", [one.box for one in detections])
    stages.keep("following/tracks", [one.track_id for one in largest])
    crops = [crop_face(frames[index], box, p["crop_margin"]) for index, box in zip(seen, boxes, strict=True)]
    return stages.keep("crops/pixels", crops), [stamps[index] for index in seen]


def _sound(stages: Stages, sound: np.ndarray, rate: int, first_ns: int) -> tuple[list[np.ndarray], list[int]]:
    """Return the MFCCs of every window, (40, T), and the windows' stamps."""
    p = defaults("mfcc_extractor")
    resampled = stages.keep("resampling/samples", Resampler(rate, sound.shape[1]).process(sound))
    stages.keep("voice activity/probabilities", create_voice_activity(p["voice_detector"]).push(resampled))
    pipeline = audio_pipeline(p)
    step, results = round(CHUNK_S * rate), []
    for start in range(0, len(sound), step):
        time_ns = first_ns + start * SECOND_NS // rate
        results += pipeline.push(sound[start : start + step], rate, time_ns, time_ns)
    stages.keep("level/dBFS", [one.level_dbfs for one in results])
    stages.keep("voice activity/share", [one.voice_activity for one in results])
    windows = [stages.keep(f"MFCC/window {number}", one.mfcc) for number, one in enumerate(results)]
    return windows, [one.stamp_ns for one in results]


def _face_network(stages: Stages, stage: str, engine: str, sidecar: Path, crops: np.ndarray) -> np.ndarray:
    """Return the probabilities (N, C) after each frame, by the embeddings of all frames up to it."""
    metadata = load_metadata(sidecar)
    prepare = FaceInput(metadata.preprocessing)
    batch = np.empty((len(crops), *prepare.shape), np.float32)
    for crop, row in zip(crops, batch, strict=True):
        prepare.fill(crop, row)
    backbone, attention = (load_network(metadata, part, engine) for part in ("backbone", "fan"))
    embeddings = np.concatenate([backbone.run(row[np.newaxis]) for row in batch])
    embeddings = stages.keep(f"{stage}/embeddings", embeddings)
    logits = [attention.run(embeddings[np.newaxis, : count + 1])[0] for count in range(len(embeddings))]
    logits = stages.keep(f"{stage}/face logits", logits)
    return np.stack([named_softmax(row, metadata.class_ids, metadata.temperature) for row in logits])


def _voice_network(stages: Stages, stage: str, engine: str, sidecar: Path, windows: list[np.ndarray]) -> np.ndarray:
    """Return the probabilities (N, C) of every window."""
    classifier = SpeechClassifier(load_metadata(sidecar), engine)
    found = [classifier.classify(one if classifier.reads_matrix else one.mean(axis=1)) for one in windows]
    # As logarithms, so that small ones count as much as large ones.
    logarithms = stages.keep(f"{stage}/voice log probabilities", np.log([one.probabilities for one in found]))
    return np.exp(logarithms)


def _fusion(stages: Stages, faces: np.ndarray, voices: np.ndarray, seen: list[int], ends: list[int]) -> None:
    """Bring both streams' decisions to the fusion in the order of their stamps."""
    step = FusionStep(defaults("fusion"))
    face, voice = load_metadata(FACE).class_ids, load_metadata(SPEECH).class_ids
    events = [(stamp, False, row) for stamp, row in zip(seen, faces, strict=True)]
    events += [(stamp, True, row) for stamp, row in zip(ends, voices, strict=True)]
    found: list[tuple[Estimate, Estimate]] = []
    for stamp, heard, row in sorted(events, key=lambda event: event[:2]):
        if heard:
            one = _estimate(Modality.SPEECH, Status.SPEECH_ONLY, "voice", voice, row, stamp)
        else:
            one = _estimate(Modality.FACE, Status.FACE_ONLY, "face_1", face, row, stamp)
        found += step.take(one, one.modality, stamp)
    for name, decisions in zip(("decision", "smoothed"), zip(*found, strict=True), strict=True):
        for field in ("class_id", "status", "confidence", "valence", "arousal"):
            stages.keep(f"fusion/{name}, {field}", [float(getattr(one, field)) for one in decisions])
        stages.keep(f"fusion/{name}, probabilities", np.concatenate([one.probabilities for one in decisions]))


def _estimate(modality: Modality, status: Status, person: str, class_ids, probabilities, stamp: int) -> Estimate:
    return decide(
        probabilities, class_ids, modality=modality, status=status, stamp_ns=stamp, window_start_ns=stamp,
        window_end_ns=stamp, frame_id="recording", person_id=person,
    )  # fmt: skip


def versions(engines: Sequence[str]) -> dict[str, str]:
    """Return what runs here, by name."""
    libraries = dict.fromkeys([*LIBRARIES, *engines])
    found = {name: getattr(import_module(name), "__version__", "?") for name in libraries}
    return {"machine": platform.machine(), "Python": platform.python_version(), **found}


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file; one that would need pickle is refused by numpy."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def main(arguments: Sequence[str] | None = None) -> int:
    """Read inputs, run the path, write the arrays, print the versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("engines", nargs="+")
    parser.add_argument("--given", type=Path, help="another machine's outputs for each next stage to go on from")
    options = parser.parse_args(arguments)
    given = read(options.given) if options.given else None
    np.savez(options.outputs, **run_all(read(options.inputs), options.engines, given))
    print(json.dumps(versions(options.engines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
