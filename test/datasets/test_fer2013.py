import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from emotion_recognition.datasets import CorpusError, fer2013
from emotion_recognition.emotions import ANGRY, FEARFUL, HAPPY, NEUTRAL, SURPRISED

USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
CODES = {"angry": 0, "disgust": 1, "fear": 2, "happy": 3, "sad": 4, "surprise": 5, "neutral": 6}


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (48, 48)).astype(np.uint8)


PICTURES = {  # the second is in test too
    "train/happy/a": pixels(0), "train/angry/b": pixels(1), "train/fear/c": pixels(2),
    "validation/neutral/d": pixels(3), "test/surprise/e": pixels(4), "test/angry/f": pixels(1),
}  # fmt: skip


def png(image):
    data = io.BytesIO()
    Image.fromarray(image).save(data, "PNG")
    return data.getvalue()


def as_archive(folder):
    with zipfile.ZipFile(folder / fer2013.ARCHIVE, "w") as archive:
        for name, image in PICTURES.items():
            archive.writestr(f"{name}.png", png(image))


def as_folders(folder):
    for name, image in PICTURES.items():
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))


def rows(columns):
    for name, image in PICTURES.items():
        split, emotion, _ = name.split("/")
        row = {"emotion": CODES[emotion], "pixels": " ".join(map(str, image.ravel())), "Usage": USAGES[split]}
        yield [str(row[column.strip()]) for column in columns]


def as_table(folder, name="fer2013.csv", columns=("emotion", "pixels", "Usage")):
    (folder / name).write_text("\n".join(",".join(row) for row in [columns, *rows(columns)]) + "\n")


def as_second_table(folder):
    as_table(folder, "icml_face_data.csv", ("emotion", " Usage", " pixels"))


@pytest.mark.parametrize("write", [as_archive, as_folders, as_table, as_second_table])
def test_every_form_gives_the_same_faces(tmp_path, write):
    write(tmp_path)
    faces = fer2013.load(tmp_path)
    assert {split: sorted(found.class_ids.tolist()) for split, found in faces.items()} == {
        "train": [HAPPY, FEARFUL], "validation": [NEUTRAL], "test": [ANGRY, SURPRISED],
    }  # fmt: skip
    train = faces["train"]
    assert train.images.dtype == np.uint8 and train.class_ids.dtype == np.int64 and not train.unreadable
    assert np.array_equal(train.images[train.class_ids.tolist().index(HAPPY)], pixels(0))
    test = faces["test"]
    assert np.array_equal(test.images[test.class_ids.tolist().index(ANGRY)], pixels(1))
    assert {split: found.copies for split, found in faces.items()} == {"train": 1, "validation": 0, "test": 0}
    with pytest.raises(CorpusError, match="found 3 of 28709 in train, 1 of 3589 in validation, 2 of 3589 in test"):
        fer2013.check_whole(faces)


def test_broken_pictures_are_listed(tmp_path):
    as_folders(tmp_path)
    (tmp_path / "test/angry/broken.jpg").write_bytes(b"no picture")
    (tmp_path / "test/angry/small.png").write_bytes(png(pixels(9)[:40]))
    assert fer2013.load(tmp_path)["test"].unreadable == ("test/angry/broken.jpg", "test/angry/small.png")


@pytest.mark.parametrize("broken", ["1 2 3", "x " * 2304, "256 " * 2304, ""])
def test_broken_rows_are_listed(tmp_path, broken):
    as_table(tmp_path)
    with open(tmp_path / "fer2013.csv", "a") as stream:
        stream.write(f"3,{broken},PrivateTest\n")
    assert fer2013.load(tmp_path)["test"].unreadable == ("test/happy/line-00008",)


@pytest.mark.parametrize("text", [
    "", "a,b\n1,2\n", "emotion,pixels,Usage\n7,0 0,Training\n", "emotion,pixels,Usage\n-1,0 0,Training\n",
    "emotion,pixels,Usage\n1,0 0,Else\n", "emotion,pixels,Usage\n1\n", "emotion,pixels,Usage\nhappy,0,Training\n",
])  # fmt: skip
def test_another_table_is_refused(tmp_path, text):
    (tmp_path / "fer2013.csv").write_text(text)
    with pytest.raises(CorpusError, match="fer2013.csv: (not the table of FER2013|split 'test' has no readable)"):
        fer2013.load(tmp_path)


def test_a_broken_archive_is_refused(tmp_path):
    as_archive(tmp_path)
    path = tmp_path / fer2013.ARCHIVE
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CorpusError, match="fer2013_jpg.zip: not a whole zip archive"):
        fer2013.load(tmp_path)


def test_a_set_without_a_split_is_refused(tmp_path):
    as_folders(tmp_path)
    (tmp_path / "validation/neutral/d.png").unlink()
    with pytest.raises(CorpusError, match="split 'validation' has no readable picture; expected validation/<emotion>"):
        fer2013.load(tmp_path)


def test_another_folder_is_named(tmp_path):
    (tmp_path / "03-01-03-01-01-01-01.wav").touch()
    with pytest.raises(FileNotFoundError, match="found 1 .wav, the first '03-01-.*expected FER2013 as fer2013_jpg.zip"):
        fer2013.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere: found no such folder"):
        fer2013.load(tmp_path / "nowhere")


def test_the_real_set_is_whole(data_folder):
    faces = fer2013.load(data_folder / "fer2013")
    assert fer2013.check_whole(faces) is None
    assert {split: len(found.names) for split, found in faces.items()} == {
        "train": 26942, "validation": 3520, "test": 3572,
    }  # fmt: skip
    assert sum(found.copies for found in faces.values()) == 1853
    pictures = [{image.tobytes() for image in found.images} for found in faces.values()]
    assert not pictures[0] & pictures[1] and not pictures[0] & pictures[2] and not pictures[1] & pictures[2]
