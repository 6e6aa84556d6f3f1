"""Adam whose steps for large convolution kernels are made orthogonal (Muon): more decibels for the same steps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("recipes")
class Muon(keras.optimizers.Optimizer):
    """Muon for convolution kernels of at least 16 channels in and out, Adam for all other variables.

    `keras.optimizers.Muon` treats matrices only; here a kernel (k, k, in, out) counts as a matrix (k·k·in, out). The
    step has the size that Adam's steps have, so a rate that suits Adam suits it.

    Source: Jordan et al. 2024, github.com/KellerJordan/Muon; Liu et al. 2025, arXiv:2502.16982, for the size.
    """

    def __init__(self, learning_rate=1e-3, momentum=0.95, name="muon", **options):
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.first = [self.add_variable_from_reference(v, name="first") for v in variables]
        self.second = [self.add_variable_from_reference(v, name="second") for v in variables]
        # TensorFlow hands its own variable to `update_step`, JAX that of Keras.
        self.place = {id(known): n for n, v in enumerate(variables) for known in (v, v.value)}

    def update_step(self, gradient, variable, learning_rate):
        first, second = (kept[self.place[id(variable)]] for kept in (self.first, self.second))
        rate, gradient = (ops.cast(value, variable.dtype) for value in (learning_rate, gradient))
        if len(variable.shape) == 4 and min(variable.shape[2:]) >= 16:
            self.assign(first, self.momentum * first + gradient)
            matrix = ops.reshape(gradient + self.momentum * first, (-1, variable.shape[-1]))
            size = 0.2 * max(matrix.shape) ** 0.5
            step = ops.reshape(size * _orthogonal(matrix), variable.shape)
        else:
            self.assign(first, 0.9 * first + 0.1 * gradient)
            self.assign(second, 0.999 * second + 0.001 * ops.square(gradient))
            steps = ops.cast(self.iterations + 1, variable.dtype)
            unbiased = first / (1 - ops.power(0.9, steps)), second / (1 - ops.power(0.999, steps))
            step = unbiased[0] / (ops.sqrt(unbiased[1]) + 1e-7)
        self.assign_sub(variable, rate * step)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def _orthogonal(x):
    """About U·Vᵀ of the singular value decomposition U·S·Vᵀ, by five Newton–Schulz steps."""
    wide = x.shape[0] < x.shape[1]
    x = x if wide else ops.transpose(x)
    x = x / (ops.norm(x) + 1e-7)
    for _ in range(5):
        gram = ops.matmul(x, ops.transpose(x))
        x = 3.4445 * x + ops.matmul(-4.775 * gram + 2.0315 * ops.matmul(gram, gram), x)
    return x if wide else ops.transpose(x)
