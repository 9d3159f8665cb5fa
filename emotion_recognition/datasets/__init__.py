"""Data sets by their published names and layouts: clips, what is missing, sound and frames, a cache on disk."""

from emotion_recognition.datasets.action_units import load_action_units
from emotion_recognition.datasets.cache import DiskCache
from emotion_recognition.datasets.clips import Clip, Corpus, CorpusError, Extent
from emotion_recognition.datasets.corpora import open_corpus
from emotion_recognition.datasets.face_clips import CropSettings, FaceClipReader
from emotion_recognition.datasets.reading import UnreadableFile, read_all, read_frames, read_sound

__all__ = [
    "Clip",
    "Corpus",
    "CorpusError",
    "CropSettings",
    "DiskCache",
    "Extent",
    "FaceClipReader",
    "UnreadableFile",
    "load_action_units",
    "open_corpus",
    "read_all",
    "read_frames",
    "read_sound",
]
