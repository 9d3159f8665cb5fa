import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from emotion_recognition.training.augment_clips import ClipAugmentation, augment_clip  # noqa: E402

STILL = ClipAugmentation(rotation=0, flip=0, brightness=0, contrast=0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_clip(frames=4, height=20, width=24, seed=0):
    return torch.randint(0, 256, (frames, 3, height, width), generator=seeded(seed), dtype=torch.uint8)


def test_nothing_changes_without_settings():
    clip = random_clip()
    assert torch.equal(augment_clip(clip, seeded(), STILL), clip)


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_every_frame_is_changed_alike(kind):
    frame = random_clip(1)
    clip = frame.expand(5, -1, -1, -1)
    clip = clip if kind == torch.uint8 else clip.float() / 255
    for seed in range(5):
        out = augment_clip(clip, seeded(seed))
        assert out.dtype == kind and out.shape == clip.shape
        assert torch.equal(out, out[:1].expand_as(out)) and not torch.equal(out, clip)


def test_a_flip_is_a_mirror_and_comes_half_of_the_time():
    clip = random_clip()
    always = ClipAugmentation(rotation=0, flip=1, brightness=0, contrast=0)
    assert torch.equal(augment_clip(clip, seeded(), always), clip.flip(-1))
    half = ClipAugmentation(rotation=0, flip=0.5, brightness=0, contrast=0)
    generator = seeded()
    flipped = sum(torch.equal(augment_clip(clip, generator, half), clip.flip(-1)) for _ in range(200))
    assert 75 < flipped < 125


def test_a_turn_moves_a_dot_by_at_most_five_degrees():
    """A dot right of the centre of a frame that is not square goes round on a circle."""
    radius, angles = 40, []
    clip = torch.zeros(2, 3, 101, 161)
    clip[:, :, 49:52, 79 + radius : 82 + radius] = 1.0
    generator = seeded()
    for _ in range(60):
        out = augment_clip(clip, generator, ClipAugmentation(rotation=5, flip=0, brightness=0, contrast=0))
        weight = out[1, 0] / out[1, 0].sum()
        y = float((weight.sum(1) * torch.arange(101)).sum()) - 50
        x = float((weight.sum(0) * torch.arange(161)).sum()) - 80
        assert math.hypot(x, y) == pytest.approx(radius, abs=0.2)
        angles.append(math.degrees(math.atan2(y, x)))
    assert max(angles) < 5.1 and min(angles) > -5.1 and np.std(angles) == pytest.approx(10 / math.sqrt(12), rel=0.2)


def test_brightness_multiplies():
    clip = torch.full((2, 3, 4, 4), 0.5)
    generator = seeded()
    bright = ClipAugmentation(rotation=0, flip=0, brightness=0.2, contrast=0)
    levels = np.array([float(augment_clip(clip, generator, bright).mean()) for _ in range(200)])
    assert levels.min() >= 0.4 - 1e-6 and levels.max() <= 0.6 + 1e-6 and levels.std() > 0.04


def test_contrast_keeps_the_clips_mean_grey():
    clip = torch.rand(3, 3, 8, 8, generator=seeded()) * 0.4 + 0.3
    contrasty = ClipAugmentation(rotation=0, flip=0, brightness=0, contrast=0.5)
    out = augment_clip(clip, seeded(3), contrasty)
    grey = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    assert float((out * grey).sum(1).mean()) == pytest.approx(float((clip * grey).sum(1).mean()), abs=1e-5)
    ratio = float(out.std() / clip.std())
    assert 0.5 < ratio < 1.5 and abs(ratio - 1) > 0.01


def test_draws_are_repeatable():
    clip = random_clip()
    assert torch.equal(augment_clip(clip, seeded(7)), augment_clip(clip, seeded(7)))


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
def test_any_clip_stays_in_range(seed, frames, height, width):
    clip = torch.rand(frames, 3, height, width, generator=seeded(seed))
    out = augment_clip(clip, seeded(seed), ClipAugmentation(180, 0.5, 1, 1))
    assert out.shape == clip.shape and float(out.min()) >= 0 and float(out.max()) <= 1


@pytest.mark.parametrize("clip", [torch.zeros(2, 1, 4, 4), torch.zeros(3, 4, 4), torch.zeros(2, 3, 4, 4).long()])
def test_another_shape_or_type_is_refused(clip):
    with pytest.raises(ValueError, match=r"expected \(T, 3, H, W\) of uint8 or float"):
        augment_clip(clip, seeded())


@pytest.mark.parametrize("wrong", [{"rotation": -1}, {"flip": 1.1}, {"brightness": float("nan")}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 to 180 degrees"):
        ClipAugmentation(**wrong)
