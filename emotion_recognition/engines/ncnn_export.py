"""From a torch module to ncnn's pair of files, by pnnx (https://github.com/pnnx/pnnx), which folds the batch norms.

What ncnn lacks, or reads in another way than torch, is rewritten before, exactly.
"""

import copy
import subprocess
import tempfile
import warnings
from pathlib import Path

import pnnx
import torch
from torch import nn
from torch.nn import functional as F

from emotion_recognition.engines.banded import banded
from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.export_parts import ExportPart
from emotion_recognition.engines.ncnn_engine import label
from emotion_recognition.engines.weights import file_sha256
from emotion_recognition.models.attention import FrameAttention, FrameMean

TIMEOUT_S = 300


class SplitFrameAttention(nn.Module):
    """Frame attention without the anchor's copies: where it stands beside each frame, its share is added once.

    The weights of a clip's frames sum to 1, so the anchor comes out of their mean as it went in.

    Args:
        attention: in evaluation.
    """

    def __init__(self, attention: FrameAttention):
        super().__init__()
        features = attention.alpha.in_features
        self.alpha_in_clip = attention.alpha_in_clip
        # Linear layers as convolutions along the frames: of a row ncnn's linear layer takes a vector only.
        self.alpha = _convolution(attention.alpha, slice(None))
        self.beta_frame = _convolution(attention.beta, slice(0, features))
        self.beta_anchor = _convolution(attention.beta, slice(features, None), bias=False)
        self.fc = attention.fc

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of embeddings (N, T, features), T >= 1."""
        frames = embeddings.transpose(1, 2)
        log_alpha = _log_sigmoid(self.alpha(frames))
        anchor = (torch.softmax(log_alpha, 2) * frames).sum(2, keepdim=True)
        log_weight = _log_sigmoid(self.beta_frame(frames) + self.beta_anchor(anchor))
        if self.alpha_in_clip:
            log_weight = log_weight + log_alpha
        mean = (torch.softmax(log_weight, 2) * frames).sum(2)
        return self.fc(torch.cat((mean, anchor.squeeze(2)), 1))


class MeanOfFrames(nn.Module):
    """The mean over frames after the classifier, which is linear: its convolution tells pnnx which axis is the batch.

    Args:
        mean: in evaluation.
    """

    def __init__(self, mean: FrameMean):
        super().__init__()
        self.fc = _convolution(mean.fc, slice(None))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of embeddings (N, T, features), T >= 1."""
        return self.fc(embeddings.transpose(1, 2)).mean(2)


class EdgePool(nn.Module):
    """Average pooling in steps of 1 or 2 whose last window may have one value: the edge is repeated to fill it.

    ncnn's own, asked for such windows, is wrong where an axis is of length 1.
    """

    def __init__(self, steps: tuple[int, int]):
        super().__init__()
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C, H / steps, W / steps), rounded up."""
        down, across = self.steps
        return F.avg_pool2d(F.pad(x, (0, across - 1, 0, down - 1), mode="replicate"), self.steps)


def rewritten(module: nn.Module) -> nn.Module:
    """Return a copy of a module, in evaluation, of operations that ncnn has and computes as torch does."""
    if isinstance(module, FrameAttention):
        return SplitFrameAttention(copy.deepcopy(module)).eval()
    if isinstance(module, FrameMean):
        return MeanOfFrames(module).eval()
    module = copy.deepcopy(module).eval()
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.AvgPool2d) and layer.ceil_mode:
            steps = _pair(layer.kernel_size)
            if steps != _pair(layer.stride) or max(steps) > 2 or layer.padding:
                raise ModelError(f"{name}: {layer}, expected steps of 1 or 2 as long as the windows, without padding")
            parent, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(parent), attribute, EdgePool(steps))
    return module


def write_ncnn(content: ExportPart, param: Path, weights: Path, part: str, weights_sha256: str) -> None:
    """Write a part's ``.param`` and ``.bin`` file.

    Args:
        content: the part, in evaluation; it is left as it is.
        param: the ``.param`` file, written to.
        weights: the ``.bin`` file, written to.
        part: its name, noted in the file.
        weights_sha256: of the model, noted in the file.

    Raises:
        ModelError: pnnx does not convert the module.
    """
    sample = content.sample[:1].contiguous()
    prepared = rewritten(banded(content.module, sample))
    # A second size tells pnnx which axes are free.
    other = torch.zeros([length + (axis > 0 and axis in content.axes) for axis, length in enumerate(sample.shape)])
    with tempfile.TemporaryDirectory() as temporary:
        _trace(prepared, sample).save(str(Path(temporary, "module.pt")))
        command = [
            pnnx.EXEC_PATH, "module.pt", f"inputshape={_said(sample)}", f"inputshape2={_said(other)}", "device=cpu",
            "fp16=0",
        ]  # fmt: skip
        # Run in the folder, so that no path of this machine can come into the files.
        try:
            done = subprocess.run(
                command, cwd=temporary, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ModelError(f"{param.name}: pnnx has not converted it within {TIMEOUT_S} s") from None
        made = Path(temporary, "module.ncnn.param")
        if done.returncode or not made.is_file():
            raise ModelError(f"{param.name}: pnnx ends with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
        weights.write_bytes(made.with_suffix(".bin").read_bytes())
        shape = tuple(None if axis in content.axes else length for axis, length in enumerate(sample.shape))
        param.write_text(_labelled(made.read_text(), label(part, shape, weights_sha256, file_sha256(weights))))


def _log_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Return log(sigmoid(x)) of exponentials that cannot overflow, as those in ncnn's softplus do beyond 88."""
    return x.clamp(max=0) - torch.log(torch.exp(-x.abs()) + 1)


def _convolution(linear: nn.Linear, columns: slice, bias: bool = True) -> nn.Conv1d:
    """Return the convolution that applies some columns of a linear layer to each frame."""
    weight = linear.weight.detach()[:, columns, None]
    convolution = nn.Conv1d(weight.shape[1], weight.shape[0], 1, bias=bias)
    with torch.no_grad():
        convolution.weight.copy_(weight)
        if bias:
            convolution.bias.copy_(linear.bias)
    return convolution


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _trace(module: nn.Module, sample: torch.Tensor) -> torch.jit.ScriptModule:
    with torch.inference_mode(), warnings.catch_warnings():
        # pnnx reads torchscript, which torch means to leave behind.
        warnings.simplefilter("ignore")
        return torch.jit.trace(module, sample, check_trace=False)


def _said(sample: torch.Tensor) -> str:
    return "[" + ",".join(map(str, sample.shape)) + "]f32"


def _labelled(param: str, name: str) -> str:
    """Return the text of a ``.param`` file with another name for its first layer, the input."""
    lines = param.splitlines()
    kind, _, counts, *rest = lines[2].split()
    if kind != "Input":
        raise ModelError(f"pnnx wrote {lines[2]!r} where the input was expected")
    lines[2] = " ".join((kind, name, counts, *rest))
    return "\n".join(lines) + "\n"
