"""Faces and voices that are real: of the bundled recording, and of the data sets where they are."""

import numpy as np
from PIL import Image

MARGIN = -0.04


def recording_faces(count=22):
    """Return face crops (side, side, 3) of the bundled recording, cropped as the nodes do."""
    from emotion_recognition.demo import RECORDING
    from emotion_recognition.sensors import MediaSource

    with MediaSource(RECORDING, audio=False) as source:
        frames = [(item.rgb, item.time_ns) for item in source]
    found = cropped(frames[:: len(frames) // (3 * count)])
    assert len(found) >= count
    return found[:count]


def data_faces(folder):
    """Return crops of the stills of RAVDESS's actors, and pictures of FER2013's test split."""
    from emotion_recognition.datasets.fer2013_sources import open_source

    stills = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((folder / "ravdess_stills").glob("*.png"))]
    crops = cropped([(still, 10_000_000_000 * (number + 1)) for number, still in enumerate(stills)])
    assert len(crops) >= 20
    with open_source(folder / "fer2013") as source:
        crops += [source.read(name)[:, :, None].repeat(3, 2) for name in source.names["test"][::180]]
    return crops


def cropped(frames):
    """Return the crops of the faces in frames [(rgb, time in ns)]."""
    from emotion_recognition.faces import FacePipeline, Tracker, create_detector

    pipeline = FacePipeline(create_detector(min_face_size=40), Tracker(), MARGIN)
    return [sample.crop for rgb, time_ns in frames for sample in pipeline.process(rgb, time_ns)]


def recording_voice():
    """Return the MFCCs (40, 94) of windows of the bundled recording's sound."""
    from emotion_recognition.demo import RECORDING
    from emotion_recognition.sensors import MediaSource

    with MediaSource(RECORDING, video=False) as source:
        chunks = [(item.samples / 32768.0, item.rate) for item in source]
    rate = chunks[0][1]
    return windows(np.concatenate([samples for samples, _ in chunks]), rate)


def data_voices(folder):
    """Return the MFCCs (40, 94) of clips of RAVDESS and EMO-DB."""
    import soundfile

    paths = [
        *sorted((folder / "ravdess_speech").rglob("*.flac"))[::240],
        *sorted((folder / "emodb").rglob("*.flac"))[::150],
    ]
    assert len(paths) >= 8
    return [mfcc for path in paths for mfcc in windows(*soundfile.read(path, dtype="float32", always_2d=True))[:1]]


def windows(sound, rate):
    """Return the MFCCs of each whole 3 s of sound (n, channels); less is repeated."""
    from emotion_recognition.audio import AudioPipeline, AudioSettings

    sound = np.tile(sound, (-(-4 * rate // len(sound)), 1))
    pipeline = AudioPipeline(AudioSettings(voice_activity="energy"))
    results = []
    for start in range(0, len(sound), 4096):
        results += pipeline.push(sound[start : start + 4096], rate, start * 1_000_000_000 // rate, start)
    return [result.mfcc for result in results if result.mfcc.shape[1] == 94]
