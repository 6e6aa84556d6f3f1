"""Milliseconds per training step of the EDSR baseline beside PyTorch, in one run on one device.

    python benchmarks/training_step.py [--batch 16 64] [--patch 48] [--blocks 16] [--steps 100] [--rounds 5]

Ours is the network of notebook 08, compiled as there (mean absolute error, Adam, and the PSNR of every batch) and
fed to `fit` by a generator of ready-made uint8 batches. PyTorch trains the same network on the same batches: as its
projects ship it (float32, eager, NCHW), and with what it offers beyond (channels_last, bfloat16, fused Adam,
`torch.compile`, CUDA graphs), uint8 to the device there too; it computes no metric. The sides take turns; shown are
medians. On a CPU the sizes are small unless given. Without PyTorch only ours is shown.
"""

import argparse
import ast
import importlib.util
import os
import statistics
import time
from pathlib import Path

import numpy as np

import srhelpers as sr

SCRIPTS = Path(__file__).resolve().parent.parent / "notebooks" / "scripts"
SCALE, FILTERS = 4, 64
PARAMETERS = 1_517_571  # of the baseline: 16 blocks of 64 filters, ×4
MEAN = 255 * np.array([0.4488, 0.4371, 0.4040])  # the mean color of DIV2K


def definition(number, name):
    """A function of a notebook, with what it uses of the notebook, without running anything else."""
    file = next(SCRIPTS.glob(f"{number}_*.py"), None)
    if file is None:
        raise FileNotFoundError(f"Expected the script of notebook {number} in {SCRIPTS}; use a whole clone.")
    defined = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = [node.name] if isinstance(node, ast.FunctionDef) else []
        for defines in names:
            defined.setdefault(defines, node)
    if name not in defined:
        raise ValueError(f"Expected a function {name} in {file}, got {', '.join(defined)}.")
    kept, wanted = [], {name}
    while wanted:
        node = defined.pop(wanted.pop(), None)
        if node and node not in kept:
            kept.append(node)
            names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
            own = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
            own |= {inner.id for inner in names if isinstance(inner.ctx, ast.Store)}
            wanted |= {inner.id for inner in names} - own
    namespace = {}
    exec(compile(ast.Module(sorted(kept, key=lambda node: node.lineno), []), str(file), "exec"), namespace)
    return namespace[name]


def with_keras(batches, blocks, steps, policy):
    """(parameters, function that trains `steps` steps and returns the seconds of one)."""
    import keras

    class Fixed(keras.utils.PyDataset):
        def __len__(self):
            return steps

        def __getitem__(self, index):
            return batches[index % len(batches)]

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):  # the logs are numbers, so the device is done
            self.seconds = time.perf_counter() - self.start

    keras.config.set_dtype_policy(policy)
    model = definition("08", "edsr")(SCALE, blocks, FILTERS)
    rate = keras.optimizers.schedules.CosineDecay(1e-4, 300_000)
    model.compile(keras.optimizers.Adam(rate), loss="mae", metrics=[sr.metrics.PSNR(luma=True, crop_border=SCALE)])
    feed, clock = Fixed(), Clock()

    def run():
        model.fit(feed, callbacks=[clock], shuffle=False, verbose=0)
        return clock.seconds / steps

    return model.count_params(), run


def torch_edsr(blocks):
    """The same network in PyTorch: NCHW in 0…255 to NCHW in 0…255."""
    import torch
    from torch import nn

    class Added(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Rescaled(nn.Sequential):
        def __init__(self, *parts):
            super().__init__(*parts)
            self.register_buffer("mean", torch.tensor(MEAN, dtype=torch.float32)[:, None, None])

        def forward(self, x):
            return super().forward((x - self.mean) / 127.5).float() * 127.5 + self.mean

    def convolution(inside, outside):
        return nn.Conv2d(inside, outside, 3, padding=1)

    def block():
        return Added(convolution(FILTERS, FILTERS), nn.ReLU(inplace=True), convolution(FILTERS, FILTERS))

    def doubled():
        return convolution(FILTERS, 4 * FILTERS), nn.PixelShuffle(2)

    body = Added(*(block() for _ in range(blocks)), convolution(FILTERS, FILTERS))
    return Rescaled(convolution(3, FILTERS), body, *doubled(), *doubled(), convolution(FILTERS, 3))


def with_torch(batches, blocks, steps, device, *, shipped=False, half=False, compiled=None):
    """(parameters, function that trains `steps` steps and returns the seconds of one)."""
    import torch

    torch.backends.cudnn.benchmark = True
    network = torch_edsr(blocks).to(device)
    if not shipped:
        network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=None if shipped else True)

    def loaded(images):
        images = torch.from_numpy(images).permute(0, 3, 1, 2)
        images = images.contiguous().float() if shipped else images  # a permuted NHWC batch is channels_last
        return images.pin_memory() if device == "cuda" else images

    def loss_of(low, high):
        with torch.autocast(device, torch.bfloat16, enabled=half):
            return torch.nn.functional.l1_loss(network(low.float()), high.float())

    # Static shapes: another batch size would otherwise be compiled for any size.
    forward = torch.compile(loss_of, mode=compiled, dynamic=False) if compiled else loss_of
    pairs = [[loaded(images) for images in batch] for batch in batches]

    def run():
        start = time.perf_counter()
        for number in range(steps):
            low, high = (images.to(device, non_blocking=True) for images in pairs[number % len(pairs)])
            optimizer.zero_grad()
            loss = forward(low, high)
            loss.backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / steps

    return sum(weights.numel() for weights in network.parameters()), run


def peers(accelerator):
    """(device, name → how PyTorch is used), or (None, {}) where it cannot use the same device."""
    if not importlib.util.find_spec("torch"):
        print("PyTorch left out: it is not installed")
        return None, {}
    import torch

    device = {"cpu": "cpu", "gpu": "cuda"}.get(accelerator)
    if device is None or (device == "cuda" and not torch.cuda.is_available()):
        print(f"PyTorch left out: it does not see the {accelerator} that Keras uses")
        return None, {}
    torch.compiler.reset()  # it stops compiling a function that it has compiled for many sizes
    ways = {
        "float32, as shipped": {"shipped": True},
        "float32, compiled": {"compiled": "default"},
        "bfloat16": {"half": True},
        "bfloat16, compiled": {"half": True, "compiled": "default"},
    }
    if device == "cuda":
        ways["bfloat16, compiled, CUDA graphs"] = {"half": True, "compiled": "reduce-overhead"}
    return device, {f"PyTorch {torch.__version__}, {name}": way for name, way in ways.items()}


def measure(batch, patch, blocks, steps, rounds, runtime):
    """Print a table for one batch size."""
    random = np.random.default_rng(0)
    shapes = [(batch, side, side, 3) for side in (patch, SCALE * patch)]
    batches = [tuple(random.integers(0, 256, shape, np.uint8) for shape in shapes) for _ in range(4)]
    ours = {
        f"Keras on {runtime.backend} {runtime.versions[runtime.backend]}, {policy}": policy
        for policy in dict.fromkeys(("float32", runtime.precision))
    }
    device, theirs = peers(runtime.accelerator)
    seconds = {}
    with sr.runtime.quiet():  # compilers write to the console
        made = {name: with_keras(batches, blocks, steps, policy) for name, policy in ours.items()}
        made |= {name: with_torch(batches, blocks, steps, device, **way) for name, way in theirs.items()}
        counts = {name: parameters for name, (parameters, _) in made.items()}
        if len(set(counts.values())) > 1 or (blocks == 16 and PARAMETERS not in counts.values()):
            raise RuntimeError(f"Expected the same network on all sides, got parameters {counts}.")
        for name, (_, run) in made.items():
            try:
                run()  # compiles
                seconds[name] = []
            except Exception as error:  # a compiler is missing, or does not know this device
                if name in ours:
                    raise
                print(f"{name} left out: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
        for _ in range(rounds):
            for name, values in seconds.items():
                values.append(1000 * made[name][1]())

    best = min(statistics.median(seconds[name]) for name in ours)
    print(f"\n{blocks} blocks, {max(counts.values()):,} parameters, batch {batch}, {patch}² → {SCALE * patch}²")
    print(f"{'':<52} {'ms/step':>8} {'lowest':>8} {'highest':>8} {'our best is':>12}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:<52} {median:8.1f} {min(values):8.1f} {max(values):8.1f} {median / best:11.2f}×")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, nargs="+")
    parser.add_argument("--patch", type=int)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    # Two frameworks share one GPU.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    runtime = sr.setup(verbose=False)
    on_cpu = runtime.accelerator == "cpu"
    print(runtime.device)
    for batch in arguments.batch or ([4] if on_cpu else [16, 64]):
        patch, steps = arguments.patch or (24 if on_cpu else 48), arguments.steps or (5 if on_cpu else 100)
        measure(batch, patch, arguments.blocks, steps, arguments.rounds, runtime)


if __name__ == "__main__":
    main()
