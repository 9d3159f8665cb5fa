"""Every stage of a decision by itself, and the whole of it; one thread, the nodes' default parameters."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from emotion_recognition.audio import RATE, Resampler, create_voice_activity
from emotion_recognition.bench.decision import (
    FULL_SCALE,
    Brain,
    Decider,
    Voice,
    estimates,
    frame_step_ns,
    robot_classifier,
    robot_detector,
    robot_pipeline,
    robot_speech,
)
from emotion_recognition.bench.material import Material, largest_face
from emotion_recognition.bench.timing import Candidate, interleaved
from emotion_recognition.classifiers.face_input import FaceInput
from emotion_recognition.engines import load_network
from emotion_recognition.faces import crop_face
from emotion_recognition.features import create_mfcc
from emotion_recognition.parameters import defaults
from emotion_recognition.sensors import decode_image, read_header, read_image
from emotion_recognition.stamps import SECOND_NS

WHAT = {
    "decode": "a camera message as it came, rgb8, to its stamp and pixels",
    "full_detection": "the whole frame searched for faces",
    "refine": "one tracked box refined by the last network",
    "crop": "one face cut out and scaled to 224 pixels",
    "input": "the crop to the network's input",
    "backbone": "one frame through the backbone",
    "fan": "frame attention over the kept embeddings",
    "resample": "one hop of 48 kHz stereo to 16 kHz; at 16 kHz nothing is resampled",
    "mfcc": "MFCCs of a whole window, nothing kept",
    "window": "the chunk that completes a window: its MFCCs with what is kept, voice activity, level",
    "voice_activity": "voice activity of one hop of sound",
    "speech": "one window's MFCCs through the voice network",
    "fusion": "face and voice paired, fused and smoothed",
    "decision": "refine, crop, input, backbone, attention, MFCCs, voice network and fusion, one after the other",
}


def stages(material: Material, seconds: float) -> dict[str, dict[str, Any]]:
    """Return the time of every stage in ms, with what it does in words.

    Args:
        material: what is seen and heard.
        seconds: about how long to measure.
    """
    candidates = {**_face(material), **_voice(material), "fusion": _fusion(material)}
    decider = Decider(material)
    candidates["decision"] = Candidate(decider.run, decider.prepare)
    found = interleaved(candidates, seconds)
    return {name: {"what": WHAT[name], **found[name].to_json()} for name in WHAT}


def _face(material: Material) -> dict[str, Any]:
    rgb = material.frames[len(material.frames) // 2]
    message = image_message(rgb)
    detector = robot_detector()
    box = largest_face(detector, rgb)
    margin = defaults("face_detector")["crop_margin"]
    crop = crop_face(rgb, box, margin)
    classifier = robot_classifier()
    make_input = FaceInput(classifier.metadata.preprocessing)
    one = np.empty((1, *make_input.shape), np.float32)
    make_input.fill(crop, one[0])
    p = defaults("visual_classifier")
    backbone, fan = (
        load_network(classifier.metadata, part, p["classifier_engine"], p["threads"]) for part in ("backbone", "fan")
    )
    embeddings = np.repeat(backbone.run(one)[np.newaxis], p["frames"], axis=1)
    return {
        "decode": lambda: _decode(message),
        "full_detection": lambda: detector.detect(rgb),
        "refine": lambda: detector.refine(rgb, [box]),
        "crop": lambda: crop_face(rgb, box, margin),
        "input": lambda: make_input.fill(crop, one[0]),
        "backbone": lambda: backbone.run(one),
        "fan": lambda: fan.run(embeddings),
    }


def image_message(rgb: np.ndarray) -> bytes:
    """Return a sensor_msgs/Image of an (H, W, 3) uint8 picture as the middleware hands it on, in little-endian CDR."""
    height, width = rgb.shape[:2]
    # Stamp; frame_id and encoding are strings with their lengths and a zero at their ends, then filled up to 4 bytes.
    head = struct.pack("<iII8s", 1, 2, 7, b"camera") + struct.pack("<II", height, width)
    return b"\0\1\0\0" + head + struct.pack("<I5sBxxII", 5, b"rgb8", 0, 3 * width, rgb.size) + rgb.tobytes()


def _decode(message: bytes) -> np.ndarray:
    read_header(message)
    image = read_image(message)
    return decode_image(image.encoding, image.width, image.height, image.step, image.data, image.is_bigendian)


def _voice(material: Material) -> dict[str, Any]:
    p = defaults("mfcc_extractor")
    mfcc, activity = create_mfcc(p["mfcc_engine"]), create_voice_activity(p["voice_detector"])
    window = material.sound_at(0, round(p["window"] * RATE)).astype(np.float32) / FULL_SCALE
    hop = window[: round(p["hop"] * RATE)]
    stereo = np.repeat(np.interp(np.arange(3 * len(hop)) / 3, np.arange(len(hop)), hop)[:, np.newaxis], 2, axis=1)
    stereo = stereo.astype(np.float32)
    resampler = Resampler(3 * RATE, 2)
    voice, speech = Voice(material), robot_speech()
    coefficients = mfcc(window)
    features = coefficients if speech.reads_matrix else coefficients.mean(axis=1)

    def listen() -> None:
        activity.push(hop)
        activity.forget(1 << 62)

    return {
        "resample": lambda: resampler.process(stereo),
        "mfcc": lambda: mfcc(window),
        "window": Candidate(voice.window, voice.wait),
        "voice_activity": listen,
        "speech": lambda: speech.classify(features),
    }


def _fusion(material: Material) -> Candidate:
    sample = robot_pipeline(robot_detector()).process(material.frames[0], SECOND_NS)[0]
    face = robot_classifier().update(sample.track_id, sample.crop, SECOND_NS)
    speech, voice = robot_speech(), Voice(material)
    voice.wait()
    window = voice.window()
    heard = speech.classify(window.mfcc if speech.reads_matrix else window.mfcc_mean)
    brain, made = Brain(), []

    def prepare() -> None:
        stamp = made[-1].face.stamp_ns + frame_step_ns() if made else SECOND_NS
        made[:] = [estimates(face, heard, sample, stamp)]

    return Candidate(lambda: brain.fuse(made[0]), prepare)
