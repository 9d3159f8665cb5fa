"""Models with random weights, exported as real ones are, for tests of engines and classifiers."""

import numpy as np

FACE_CLASSES = [1, 3, 4, 5, 6, 7, 8]
SPEECH_CLASSES = [1, 2, 3, 4, 5, 6, 7, 8]
FACE_PREPROCESSING = {
    "size": 64, "gray": True, "source_pixels": 48, "mean": [0.5] * 3, "std": [0.5] * 3, "crop_margin": 0.1,
}  # fmt: skip


def face_fields():
    return {
        "class_ids": FACE_CLASSES,
        "preprocessing": dict(FACE_PREPROCESSING),
        "temperature": 2.0,
        "licence": "made by a test",
        "trained_on": "nothing",
        "scores": {"accuracy": 0.125},
    }


def speech_fields():
    return {
        "class_ids": SPEECH_CLASSES,
        "preprocessing": {"mean": [float(i) for i in range(40)], "std": [2.0] * 40, "mfcc": {"coefficients": 40}},
        "licence": "made by a test",
        "trained_on": "nothing",
    }


class RandomFace:
    """Backbone and frame attention, the two parts an export needs."""

    def __init__(self, seed=0):
        import torch

        from emotion_recognition.models.attention import FrameAttention
        from emotion_recognition.models.ghostnet import GhostNet

        torch.manual_seed(seed)
        self.backbone = GhostNet()
        self.fan = FrameAttention()
        grey = torch.from_numpy(crops(12, seed=99)[:, :, :, :1].copy()).permute(0, 3, 1, 2) / 127.5 - 1.0
        settle(self.backbone, grey.expand(-1, 3, -1, -1))
        with torch.no_grad():
            self.fan.alpha.weight.mul_(4.0)
            self.fan.beta.weight.mul_(4.0)
            self.fan.fc.weight.mul_(4.0)


def random_speech(variant="s2", seed=0):
    import torch

    from emotion_recognition.models.speech_cnn import SpeechCNN

    torch.manual_seed(seed)
    model = SpeechCNN(variant)
    settle(model, torch.randn(64, 40))
    return model


def matrix_fields():
    return {
        **speech_fields(),
        "preprocessing": {"mfcc": {"coefficients": 40}, "trim_db": 35.0, "least_frames": 12},
    }


def random_matrix_speech(seed=0):
    import torch

    from emotion_recognition.models.speech_resnet import SpeechResNet

    torch.manual_seed(seed)
    model = SpeechResNet()
    settle(model, torch.randn(16, 40, 40) * 20)
    return model


def settle(module, batch):
    """Give every batch norm weights of its own and a batch's statistics, so that the output follows the input."""
    import torch

    generator = torch.Generator().manual_seed(1)
    norms = [layer for layer in module.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    for layer in norms:
        with torch.no_grad():
            layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator) + 0.5)
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator) * 0.1)
        layer.momentum = 1.0
    with torch.no_grad():
        module.train()(batch)
    for layer in norms:
        layer.momentum = 0.1


def crops(count, seed=0, side=64):
    """Return ``count`` different noisy RGB pictures (side, side, 3)."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, side)[:, None, None]
    shades = generator.uniform(0, 200, (count, 1, 1, 3)) + 55 * ramp * generator.choice([-1, 1], (count, 1, 1, 1))
    return np.clip(shades + generator.normal(0, 30, (count, side, side, 3)), 0, 255).astype(np.uint8)
