"""Small data sets in the real naming and layout, with sound and video made here.

Every emotion has a tone of its own and a picture of its own brightness, so a training can tell them apart.
"""

from pathlib import Path

import av
import numpy as np
from media_files import tone, write_media

RATE = 16000
RECORDING = Path(__file__).resolve().parents[2] / "emotion_recognition" / "demo" / "recording.mkv"
EMODB_CODES = {1: "N", 3: "F", 4: "T", 5: "W", 6: "A", 7: "E"}
CREMAD_CODES = {1: "NEU", 3: "HAP", 4: "SAD", 5: "ANG", 6: "FEA", 7: "DIS"}
FRAMES = 6


def voice(class_id, actor, seconds=0.6):
    """Return (n, 1) int16: a tone that tells the emotion, a weaker one that tells the actor, and noise."""
    rng = np.random.default_rng([class_id, actor])
    sound = tone(150 * 1.6**class_id, seconds) * 0.5 + tone(90 + 7 * (actor % 50), seconds) * 0.1
    return np.round(sound + rng.normal(0, 200, sound.shape)).astype(np.int16)


def face():
    """Return a picture (240, 320, 3) uint8 with a face, from the demo's recording."""
    with av.open(str(RECORDING)) as container:
        frame = next(frame for index, frame in enumerate(container.decode(video=0)) if index == 40)
        return frame.reformat(width=320, height=240, format="rgb24").to_ndarray()


def face_frames(picture, class_id, actor):
    """Return [(time in ms, picture)] whose brightness tells the emotion; a corner tells the actor."""
    shade = (picture * (0.35 + 0.08 * class_id)).clip(0, 255).astype(np.uint8)
    shade[:16, :16] = 40 + 7 * (actor % 30)  # data sets leave out byte copies
    return [(number * 40, shade) for number in range(FRAMES)]


def make_ravdess_speech(folder, actors, classes=range(1, 9), repetitions=(1, 2)):
    """Write speech as sound alone below ``Audio_Speech_Actors_01-24`` and return the folder."""
    for actor in actors:
        place = Path(folder) / "Audio_Speech_Actors_01-24" / f"Actor_{actor:02d}"
        place.mkdir(parents=True, exist_ok=True)
        for class_id in classes:
            for repetition in repetitions:
                name = f"03-01-{class_id:02d}-01-01-{repetition:02d}-{actor:02d}.wav"
                sound = voice(class_id, actor + 100 * repetition)
                write_media(place / name, sound=[(0, sound)])
    return Path(folder)


def make_ravdess_video(folder, actors, classes=range(1, 9)):
    """Write speech as video without sound below ``Video_Speech_Actor_NN`` and return the folder."""
    picture = face()
    for actor in actors:
        place = Path(folder) / f"Video_Speech_Actor_{actor:02d}" / f"Actor_{actor:02d}"
        place.mkdir(parents=True, exist_ok=True)
        for class_id in classes:
            name = f"02-01-{class_id:02d}-01-01-01-{actor:02d}.mp4"
            write_media(place / name, frames=face_frames(picture, class_id, actor), codec="libx264", pixels="yuv420p")
    return Path(folder)


def make_cremad(folder, actors, video=False):
    """Write ``AudioWAV`` and, if asked for, ``VideoFlash``, and return the folder."""
    folder = Path(folder)
    (folder / "AudioWAV").mkdir(parents=True, exist_ok=True)
    picture = face() if video else None
    for actor in actors:
        for class_id, code in CREMAD_CODES.items():
            name = f"{actor}_DFA_{code}_XX"
            write_media(folder / "AudioWAV" / f"{name}.wav", sound=[(0, voice(class_id, actor))])
            if video:
                (folder / "VideoFlash").mkdir(exist_ok=True)
                write_media(
                    folder / "VideoFlash" / f"{name}.flv",
                    frames=face_frames(picture, class_id, actor), sound=[(0, voice(class_id, actor))],
                    codec="flv1", pixels="yuv420p", sound_codec="pcm_s16le",
                )  # fmt: skip
    return folder


def make_emodb(folder, speakers=("03", "08")):
    """Write EMO-DB's sounds and return the folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for speaker in speakers:
        for class_id, code in EMODB_CODES.items():
            write_media(folder / f"{speaker}a01{code}a.wav", sound=[(0, voice(class_id, int(speaker)))])
    return folder
