"""What a network costs on any machine: its multiplications."""

import math

import keras

from .engine import Model, _look
from .receptive_fields import _StandIn

SIDE = 64  # of the picture that is counted, times the network's strides


def multiply_adds(model: Model, scale: int | None = None) -> float:
    """Multiplications, each with an addition, that a network takes for one megapixel of its output.

    Counted are convolutions and dense layers, as papers do; what has no kernel to learn (sums, activations,
    normalization, interpolation) takes little beside these.

    Args:
        model: as in `scales`.
        scale: one of its own; None takes the only one. Layers that only other scales need do not count.

    >>> import srhelpers as sr
    >>> f"{sr.upscaling.multiply_adds('edsr_baseline_x4') / 1e9:.0f} G"
    '124 G'
    """
    upscaler = _look(model)
    own = upscaler.choose(scale)
    side = SIDE * upscaler.step
    network = keras.Model(upscaler.input, upscaler.outputs[own])
    return _counted(network, [keras.Input(batch_shape=(1, side, side, 3))]) / (own * side) ** 2 * 1e6


def _counted(graph, inputs):
    inputs, total = keras.tree.pack_sequence_as(graph.input, inputs), 0

    def follow(layer, *args, **kwargs):
        nonlocal total
        outputs = _StandIn(layer)(*args, **kwargs)
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            total += _counted(keras.Model(layer.inputs, layer.outputs), keras.tree.flatten(args))
        else:
            weights = getattr(layer, "weights", ())  # an operation such as + has none
            kernels = sum(math.prod(weight.shape) for weight in weights if weight.name.endswith("kernel"))
            # A transposed convolution lays its kernel on every pixel that it takes, others on every one they give.
            tensors = args if "Transpose" in type(layer).__name__ else outputs
            total += kernels and kernels * math.prod(keras.tree.flatten(tensors)[0].shape[1:-1])
        return outputs

    keras.models.clone_model(graph, inputs, clone_function=lambda layer: layer, call_function=follow)
    return total
