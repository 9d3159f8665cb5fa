import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.features import NumpyMfcc  # noqa: E402
from emotion_recognition.features.trimming import frame_levels, sounding  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402
from emotion_recognition.training.mel_bank import Versions, draw_versions, make_bank  # noqa: E402
from emotion_recognition.training.speech_matrix import SpeechMatrixRecipe, fit, logits  # noqa: E402

RATE = 16000
STILL = Versions(
    frames=20, least_frames=20, tempo=0.0, warp=0.0, shift=0.0, noise_chance=0.0, colour_db=0.0, style_chance=0.0
)


def tone(frequency, seconds=1.0, wobble=0.0, seed=0):
    """A tone with harmonics and a little noise; ``wobble`` is how far its pitch moves, as a share."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(frequency * (1 + wobble * np.sin(2 * np.pi * 4 * times))) / RATE
    return (0.2 * (np.sin(phase) + 0.5 * np.sin(2 * phase)) + 0.003 * rng.standard_normal(len(times))).astype(
        np.float32
    )


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def bank():
    return make_bank([tone(300), tone(600, 2.0), tone(1200, 0.5)])


def test_a_bank_gives_back_the_coefficients_of_its_sounds_trimmed(bank):
    for index, sound in enumerate((tone(300), tone(600, 2.0), tone(1200, 0.5))):
        expected = NumpyMfcc()(sound)
        expected = expected[:, sounding(expected)]
        assert bank.mfcc(index).shape == expected.shape
        assert np.allclose(bank.mfcc(index).numpy(), expected, atol=2e-2)


def test_banks_are_selected_and_joined_clip_by_clip(bank):
    both = bank.select(np.array([2, 0])).joined(bank.select(np.array([1])))
    assert len(both) == 3
    for index, original in enumerate((2, 0, 1)):
        assert torch.equal(both.mfcc(index), bank.mfcc(original))


def test_versions_without_change_are_stretches_of_the_clip_that_go_round(bank):
    found = draw_versions(bank, torch.tensor([1, 2]), STILL, generator())
    assert found.shape == (2, 40, 20)
    whole = bank.mfcc(1)
    # Started between two frames, so the frames are means of neighbours.
    distances = (found[0, :, 5].unsqueeze(1) - whole).abs().max(0).values
    assert distances.min() < 25
    assert int(bank.lengths[2]) < 20
    period = int(bank.lengths[2]) - 1
    assert torch.allclose(found[1, :, 0], found[1, :, period], atol=0.5)


@pytest.mark.parametrize("versions", [STILL, dataclasses.replace(STILL, tempo=0.3, warp=0.1, shift=3.0)])
def test_no_frame_of_a_version_is_louder_than_the_clip(bank, versions):
    """What lies behind a clip's last frame in the bank is no sound, and none of it may get in."""
    for index in range(3):
        loudest = frame_levels(bank.mfcc(index).numpy()).max()
        found = draw_versions(bank, torch.tensor([index] * 50), versions, generator(index))
        levels = np.array([frame_levels(version).max() for version in found.numpy()])
        assert levels.max() <= loudest + 2.0


def test_shift_moves_the_peak_along_the_bands(bank):
    up = draw_versions(bank, torch.tensor([1] * 64), dataclasses.replace(STILL, shift=3.0), generator())
    from emotion_recognition.features.mfcc import dct_matrix

    bands = torch.from_numpy(dct_matrix(40, 128).T).float() @ up
    peaks = bands.mean(2).argmax(1).float()
    still = draw_versions(bank, torch.tensor([1]), STILL, generator())
    peak = float((torch.from_numpy(dct_matrix(40, 128).T).float() @ still).mean(2).argmax(1))
    assert (peaks - peak).abs().max() <= 4 and peaks.std() > 0.8


def test_noise_raises_the_quiet_bands_and_leaves_the_loud(bank):
    noisy = dataclasses.replace(STILL, noise_chance=1.0, snr_db=(10.0, 10.0))
    plain, found = (draw_versions(bank, torch.tensor([0] * 8), how, generator(3)) for how in (STILL, noisy))
    # The first coefficient is the mean level in dB times sqrt(128).
    assert ((found - plain)[:, 0].mean(1) / 128**0.5 > 3).all()


def test_style_keeps_what_happens_in_time_and_takes_the_level_of_another(bank):
    mixed = dataclasses.replace(STILL, style_chance=1.0, style_mix=1e6)
    chosen = torch.tensor([0, 1])
    plain, found = (draw_versions(bank, chosen, how, generator(5)) for how in (STILL, mixed))
    # Each lies half way, so the two clips' mean bands fall together, unless the draw paired each with itself.
    apart = (plain[0].mean(1) - plain[1].mean(1)).norm()
    for seed in range(5, 20):
        found = draw_versions(bank, chosen, mixed, generator(seed))
        if (found[0].mean(1) - found[1].mean(1)).norm() < 0.1 * apart:
            return
    raise AssertionError("no draw brought the two clips together")


def test_the_same_generator_gives_the_same_versions(bank):
    first, second = (draw_versions(bank, torch.arange(3), Versions(), generator(7)) for _ in range(2))
    other = draw_versions(bank, torch.arange(3), Versions(), generator(8))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.isfinite(first).all()


def test_every_batch_has_a_length_of_its_own_within_the_range(bank):
    versions = Versions(frames=30, least_frames=25)
    source = generator()
    lengths = {draw_versions(bank, torch.arange(3), versions, source).shape[2] for _ in range(60)}
    assert lengths == {25, 26, 27, 28, 29, 30}
    fixed = dataclasses.replace(versions, least_frames=30)
    assert draw_versions(bank, torch.arange(3), fixed, source).shape == (3, 40, 30)


@pytest.mark.parametrize("least", [0, 31])
def test_a_length_out_of_the_range_is_refused(least):
    with pytest.raises(ValueError, match=f"least_frames {least}: expected 1 to frames, 30"):
        Versions(frames=30, least_frames=least)


def test_no_sound_is_refused():
    with pytest.raises(ValueError, match="no sound to learn from"):
        make_bank([])


def test_what_moves_in_time_is_learnt_where_the_mean_says_little():
    """Two classes of one pitch: steady and wobbling."""
    sounds = [tone(400 + 5 * n, 0.8, wobble=0.25 * (n % 2), seed=n) for n in range(48)]
    bank, columns = make_bank(sounds), np.arange(48) % 2
    recipe = SpeechMatrixRecipe(
        dropout=0.0, side_weight=0.0, versions=dataclasses.replace(Versions(), frames=24),
        optimisation=Optimisation(((8, 4e-3),), batch=8, warm_up=5, average=0.8),
    )  # fmt: skip
    network = fit(bank.select(np.arange(32)), columns[:32], np.zeros((32, 2), int), recipe, classes=2)
    found = logits(network, bank.select(np.arange(32, 48)))
    assert found.shape == (16, 2)
    assert (found.argmax(1) == columns[32:]).mean() > 0.9
