"""Faces in camera frames: detection, tracking, cropping and choice of frames."""

from emotion_recognition.faces.crops import crop_face, crop_square
from emotion_recognition.faces.detection import ENGINES, Detection, Detector, create_detector
from emotion_recognition.faces.pipeline import FacePipeline, FaceSample
from emotion_recognition.faces.sampling import FrameSampler
from emotion_recognition.faces.tracking import Tracker

__all__ = [
    "ENGINES",
    "Detection",
    "Detector",
    "FacePipeline",
    "FaceSample",
    "FrameSampler",
    "Tracker",
    "create_detector",
    "crop_face",
    "crop_square",
]
