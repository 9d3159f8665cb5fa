import pickle

import numpy as np
import pytest
from data_set_media import write_video
from media_files import write_media

from emotion_recognition.datasets import Clip, DiskCache, UnreadableFile, read_all
from emotion_recognition.datasets.face_clips import CropSettings, FaceClipReader
from emotion_recognition.faces import Detection


class MadeDetector:
    """Finds in a grey frame one face per listed frame number; the frames are those of ``write_video``."""

    def __init__(self, boxes):
        self.boxes = boxes
        self.calls = 0

    def detect(self, rgb):
        self.calls += 1
        number = round((float(rgb.mean()) - 16) / 8)
        boxes = self.boxes.get(number, [])
        return [Detection(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes]


def clip_of(path):
    return Clip(path.stem, path, "ravdess", 3, 1, "video")


@pytest.fixture
def clip(tmp_path):
    return clip_of(write_video(tmp_path / "02-01-03-01-01-01-01.mp4", 15))


def test_crops_of_every_frame(clip):
    detector = MadeDetector({number: [(10.0, 5.0, 20.0, 30.0), (0.0, 0.0, 8.0, 8.0)] for number in range(15)})
    read = FaceClipReader(detector=detector).read(clip)
    assert read["crops"].shape == (15, 224, 224, 3) and read["crops"].dtype == np.uint8
    levels = read["crops"].reshape(15, -1).mean(axis=1)
    assert np.abs(levels - (16 + 8 * np.arange(15))).max() < 3
    assert read["frames"].tolist() == list(range(15)) and read["found"].all()
    assert (read["boxes"] == [10.0, 5.0, 20.0, 30.0]).all()


def test_a_frame_without_a_face_takes_the_nearest_box(clip):
    first, second = (1.0, 2.0, 30.0, 30.0), (20.0, 10.0, 25.0, 25.0)
    detector = MadeDetector({4: [first], 8: [second]})
    read = FaceClipReader(detector=detector).read(clip)
    assert [tuple(box) for box in read["boxes"].tolist()] == [first] * 7 + [second] * 8  # 6 is as near to both: first
    assert np.flatnonzero(read["found"]).tolist() == [4, 8]


def test_the_crop_is_where_the_box_is(tmp_path):
    """A bright square in a dark frame fills the crop of its box, and half of one with margin 1."""
    picture = np.full((96, 128, 3), 20, np.uint8)
    picture[24:72, 40:88] = 220
    path = tmp_path / "clip.mkv"
    write_media(path, [(40 * index, picture) for index in range(5)])  # lossless

    class Square:
        def detect(self, rgb):
            return [Detection((40.0, 24.0, 48.0, 48.0), np.zeros((5, 2), np.float32), 1.0)]

    crops = FaceClipReader(CropSettings(frames=3, size=48), detector=Square())(clip_of(path))
    assert crops.shape == (3, 48, 48, 3) and (crops == 220).all()
    wide = FaceClipReader(CropSettings(frames=3, size=96, margin=1.0), detector=Square())(clip_of(path))
    assert (wide[0, 26:70, 26:70] == 220).all() and (wide[0, :22] == 20).all() and (wide[0, :, 74:] == 20).all()


def test_skipped_frames_are_not_looked_at(clip):
    detector = MadeDetector({number: [(10.0, 5.0, 20.0, 30.0)] for number in range(15)})
    read = FaceClipReader(CropSettings(frames=5, skip=5), detector=detector).read(clip)
    assert read["frames"].tolist() == [6, 8, 10, 12, 14] and detector.calls == 5


def test_a_clip_without_a_face_is_unreadable(clip):
    for boxes in ({}, {7: [(5.0, 5.0, 0.0, 10.0)]}):
        with pytest.raises(UnreadableFile, match="02-01-03-01-01-01-01.mp4.*no face in any of its 15 frames"):
            FaceClipReader(detector=MadeDetector(boxes))(clip)


def test_clips_without_a_face_or_content_are_counted(clip, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"broken")
    detector = MadeDetector({number: [(10.0, 5.0, 20.0, 30.0)] for number in range(15)})
    clips = [clip, clip_of(tmp_path / "broken.mp4"), clip_of(tmp_path / "gone.mp4")]
    crops, unreadable = read_all(clips, FaceClipReader(detector=detector))
    assert crops[0].shape == (15, 224, 224, 3) and crops[1:] == [None, None]
    assert [problem.path.name for problem in unreadable] == ["broken.mp4", "gone.mp4"]


def test_a_detector_of_ones_own_has_no_cache(tmp_path):
    with pytest.raises(ValueError, match="a cache with a detector of one's own"):
        FaceClipReader(cache=DiskCache(tmp_path), detector=MadeDetector({}))


def test_the_detector_finds_a_face_and_the_cache_keeps_its_crops(face_clip, tmp_path, monkeypatch):
    cache = DiskCache(tmp_path / "cache")
    reader = FaceClipReader(CropSettings(frames=3), cache)
    crops = reader(face_clip)
    assert crops.shape == (3, 224, 224, 3) and crops.std() > 20 and (cache.misses, cache.hits) == (1, 0)
    copied = pickle.loads(pickle.dumps(reader))  # as to a worker process
    monkeypatch.setattr("emotion_recognition.datasets.face_clips.read_frames", None)  # not to be needed again
    assert np.array_equal(copied(face_clip), crops) and copied.cache.hits == 1
    with pytest.raises(TypeError):
        FaceClipReader(CropSettings(frames=3, margin=0.2), cache)(face_clip)


def test_crops_of_another_detector_are_computed_anew(clip, tmp_path, monkeypatch):
    cache = DiskCache(tmp_path / "cache")
    made = []

    def create(engine, size, thresholds):
        made.append(thresholds)
        return MadeDetector({7: [(5.0, 5.0, 20.0, 20.0)]})

    monkeypatch.setattr("emotion_recognition.datasets.face_clips.create_detector", create)
    for _ in range(2):
        FaceClipReader(CropSettings(frames=3), cache)(clip)
    assert (cache.misses, cache.hits) == (1, 1)
    FaceClipReader(CropSettings(frames=3, thresholds=(0.6, 0.7, 0.9)), cache)(clip)
    assert (cache.misses, made[-1]) == (2, (0.6, 0.7, 0.9))
    sidecar = tmp_path / "mtcnn.json"
    sidecar.write_text('{"files": {"pnet_onnx": {"path": "mtcnn_pnet.onnx", "sha256": "00"}}}')
    monkeypatch.setattr("emotion_recognition.faces.mtcnn.SIDECAR", sidecar)
    FaceClipReader(CropSettings(frames=3), cache)(clip)
    assert cache.misses == 3


def test_a_missing_clip_is_unreadable_with_a_cache_too(tmp_path):
    with pytest.raises(UnreadableFile, match="gone.mp4.*no such file"):
        FaceClipReader(cache=DiskCache(tmp_path))(clip_of(tmp_path / "gone.mp4"))


@pytest.fixture
def face_clip(tmp_path):
    """Three equal frames of the bundled recording, with one face."""
    import av

    import emotion_recognition

    with av.open(f"{emotion_recognition.__path__[0]}/demo/recording.mkv") as container:
        frame = next(f for f in container.decode(video=0) if f.pts * f.time_base >= 2)
        picture = frame.to_ndarray(format="rgb24")
    return clip_of(write_video(tmp_path / "02-01-03-01-01-01-02.mp4", pictures=[picture] * 3))


def test_real_clips_have_faces(data_folder):
    clips = [clip_of(data_folder / "mead_clips" / f"{name}.mp4") for name in ("M030_sad_3_001", "happy")]
    reader = FaceClipReader(CropSettings(frames=3))
    crops, unreadable = read_all(clips, reader)
    assert not unreadable and all(crop.std() > 20 for crop in crops)
    read = reader.read(clips[0])
    assert read["found"].all() and (np.ptp(read["boxes"], axis=0) < 40).all()
