"""Images per second in training on 1, 2 and 4 devices.

    python benchmarks/devices.py [--devices 1 2 4] [--batch 16] [--patch 24] [--blocks 16] [--steps 20]

The network is EDSR of notebook 08, fed with ready-made batches. Each number of devices has a process of its own, in
which the devices are the GPUs that are there, or without any as many simulated ones, which share the same cores: those
show what sharing a batch costs, and cannot show a gain.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
from training_step import definition

import srhelpers as sr


def measure(devices, batch, patch, blocks, steps):
    """Images per second of the last of three epochs, after compiling."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        if not tensorflow.config.list_physical_devices("GPU"):
            simulated = [tensorflow.config.LogicalDeviceConfiguration()] * devices
            cpu = tensorflow.config.list_physical_devices("CPU")[0]
            tensorflow.config.set_logical_device_configuration(cpu, simulated)
    runtime = sr.setup(devices=devices, verbose=False)
    random = np.random.default_rng(0)
    shapes = [(batch, side, side, 3) for side in (patch, 4 * patch)]
    ready = tuple(random.integers(0, 256, shape, np.uint8) for shape in shapes)

    class Ready(keras.utils.PyDataset):
        def __len__(self):
            return steps

        def __getitem__(self, index):
            return ready

    model = definition("08", "edsr")(4, blocks, 64)
    model.compile(keras.optimizers.Adam(1e-4), loss="mae")
    for _ in range(3):
        start = time.perf_counter()
        model.fit(Ready(), shuffle=False, verbose=0)
    return {"device": runtime.device, "images": batch * steps / (time.perf_counter() - start)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=24)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--alone", action="store_true", help="one number, as JSON, in this process")
    arguments = parser.parse_args()
    sizes = arguments.batch, arguments.patch, arguments.blocks, arguments.steps
    if arguments.alone:
        print(json.dumps(measure(arguments.devices[0], *sizes)))
        return
    print(f"batch {arguments.batch}, {arguments.patch}² → {4 * arguments.patch}², {arguments.blocks} blocks")
    for devices in arguments.devices:
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        command = [sys.executable, __file__, *sys.argv[1:], "--alone", "--devices", str(devices)]
        done = subprocess.run(command, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True)
        if done.returncode:
            print(f"{devices} devices left out: {done.stderr.strip().splitlines()[-1]}")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"{devices} devices ({found['device']}): {found['images']:.1f} images/s", flush=True)


if __name__ == "__main__":
    main()
