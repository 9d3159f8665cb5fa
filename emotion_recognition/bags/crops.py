"""The faces of a run's worst moments, cut out of the bag's frames."""

import io
from bisect import bisect_right

import numpy as np
from PIL import Image

from emotion_recognition.bags.moments import worst_moments
from emotion_recognition.bags.reading import Bag
from emotion_recognition.bags.results import BagResult
from emotion_recognition.bags.sources import Sources
from emotion_recognition.bags.writing import COMPRESSED_IMAGE
from emotion_recognition.faces.crops import crop_face
from emotion_recognition.sensors import create_image_decoder
from emotion_recognition.sensors.cdr import read_header
from emotion_recognition.stamps import SECOND_NS

SIZE = 96
MARGIN = 0.2
QUALITY = 85


def face_crops(bag: Bag, sources: Sources, result: BagResult) -> dict[int, bytes]:
    """Return the faces of the worst moments as JPEG files, by the index of their decision; the bag is read once more.

    A face is cut out of the newest frame that is not after the decision, where the decision has it.
    """
    topic = sources.get("image")
    wanted = sorted(
        (decision.time_s, moment.decision)
        for moment in worst_moments([result])
        if (decision := result.decisions[moment.decision]).face_box is not None
    )
    if topic is None or not wanted:
        return {}
    decode = create_image_decoder("compressed" if topic.type == COMPRESSED_IMAGE else "raw", "numpy")
    out: dict[int, bytes] = {}
    last: tuple[float, bytes] | None = None
    for message in bag.messages([topic]):
        try:
            time_s = round((read_header(message.data).stamp_ns - bag.start_ns) / SECOND_NS, 6)
        except ValueError:
            continue
        if last is not None:
            for _, index in _due(wanted, time_s):
                _add(out, index, last[1], result, decode)
        last = (time_s, message.data)
        if not wanted:
            return out
    for _, index in _due(wanted, float("inf")):
        _add(out, index, last[1], result, decode)
    return out


def _due(wanted: list[tuple[float, int]], time_s: float) -> list[tuple[float, int]]:
    """Take out what is wanted from before a time."""
    count = bisect_right(wanted, (time_s, -1))
    due, wanted[:count] = wanted[:count], []
    return due


def _add(out: dict[int, bytes], index: int, message: bytes, result: BagResult, decode) -> None:
    try:
        rgb: np.ndarray = decode(message)
        crop = crop_face(rgb, result.decisions[index].face_box, MARGIN, SIZE)
    except ValueError:
        return
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "JPEG", quality=QUALITY)
    out[index] = file.getvalue()
