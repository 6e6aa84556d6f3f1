"""Seconds of the upscaler beside the plain model and other runners of the same network, in one run; and its memory.

    python benchmarks/upscale.py [--rounds 3] [--only peers sizes memory models] [--csv data/results/speed.csv]

peers: a photo of one megapixel through the ×2 output of voc_residual, from uint8 to uint8. Ours in tiles of 256 and
whole, `model.predict` on the whole photo, and OpenCV's dnn module, ONNX Runtime and ncnn, which run the same network
with the same weights. They get it as ONNX, with interpolation as one node, since Keras's own export makes a dozen of
it. ncnn's bicubic has a = -0.75, so its result differs a little. The sides take turns; shown are medians. What is
not installed is left out: TensorFlow and `pip install tf2onnx onnx onnxruntime ncnn; pip install --no-deps pnnx`.

sizes: the first call on a picture of a size that is new, and the second: what compiling costs.

memory: the peak of a fresh process for 6 and 24 megapixels in tiles of 256, without the two pictures themselves.

models: seconds per megapixel of output in tiles of 256, into a table if asked for. Where tf2onnx and onnxruntime are
here, the last column is what ONNX Runtime takes of Keras's time for a tile of 128, of the file that `srhelpers export`
makes: they take turns, and both are medians. Each row is kept once it is measured.
"""

import argparse
import datetime
import importlib.util
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import srhelpers as sr

NAME, SCALE, TILE = "voc_residual", 2, 256
MEASURED = {
    "voc_residual": (2, 4),
    "voc_depth_to_space": (2, 4),
    "compact_x2": (2,),
    "compact_x3": (3,),
    "compact_x4": (4,),
    "compact_x2_robust": (2,),
    "compact_x4_robust": (4,),
    "edsr_baseline_x2": (2,),
    "edsr_baseline_x3": (3,),
    "edsr_baseline_x4": (4,),
    "krasserm_srresnet_x4": (4,),
    "isr_rrdn_gans_x4": (4,),
    "realesr_animevideov3_x4": (4,),
    "realesrgan_x4plus_anime": (4,),
    "realesrgan_x4plus": (4,),
}


def photo(height, width):
    return cv2.resize(sr.datasets.sample("astronaut"), (width, height), interpolation=cv2.INTER_CUBIC)


def as_picture(result):
    return np.clip(np.rint(result), 0, 255).astype("uint8")


def export(network, shape, file):
    """The network for one size as ONNX, with every interpolation as one node."""
    import keras

    def simple(layer):
        if isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest":
            size = [length * factor for length, factor in zip(shape, layer.size, strict=True)]
            return keras.layers.Resizing(*size, interpolation="nearest")
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=simple)
    copy.set_weights(network.get_weights())
    picture = keras.Input((*shape, 3), batch_size=1)
    fixed = keras.Model(picture, copy(picture))
    fixed(np.zeros((1, *shape, 3), "float32"))
    fixed.export(file, format="onnx", verbose=False)


def with_opencv(file):
    net = cv2.dnn.readNetFromONNX(str(file))

    def run(pixels):
        net.setInput(pixels[None].astype("float32"))
        return as_picture(net.forward()[0])

    return run


def with_onnxruntime(file):
    run = sr.models.export.runner(file)
    return lambda pixels: as_picture(run(pixels[None].astype("float32"))[0][0])


def with_ncnn(file, shape):
    import ncnn

    program = Path(importlib.util.find_spec("pnnx").origin).with_name("pnnx")  # the package would import PyTorch
    subprocess.run(
        [program, file.name, f"inputshape=[1,{shape[0]},{shape[1]},3]"],
        cwd=file.parent,
        check=True,
        capture_output=True,
    )
    net = ncnn.Net()
    for load, ending in ((net.load_param, "param"), (net.load_model, "bin")):
        if load(str(file.with_suffix(f".ncnn.{ending}"))) != 0:
            raise RuntimeError(f"Expected ncnn to load what pnnx made of {file.name}; see its log.")

    def run(pixels):
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(pixels.astype("float32")).clone())  # else the array is not kept alive
        return as_picture(np.array(extractor.extract("out0")[1]))

    return run


def compare(rounds):
    import keras

    model, pixels = sr.models.load(NAME), photo(1024, 1024)
    network = keras.Model(model.inputs[0], model.outputs[sr.upscaling.scales(model).index(SCALE)])
    sides = {
        f"upscale, tile={TILE}": lambda pixels: sr.upscaling.upscale(pixels, model, scale=SCALE, tile=TILE),
        "upscale, whole": lambda pixels: sr.upscaling.upscale(pixels, model, scale=SCALE),
        "model.predict, whole": lambda pixels: as_picture(network.predict(pixels[None], verbose=0)[0]),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.onnx")
        needed = ("tensorflow", "tf2onnx", "onnx")
        if all(map(importlib.util.find_spec, needed)) and keras.backend.backend() == "tensorflow":
            with sr.runtime.quiet():
                export(network, pixels.shape[:2], file)
            sides["OpenCV dnn"] = with_opencv(file)
            if importlib.util.find_spec("onnxruntime"):
                sides["ONNX Runtime"] = with_onnxruntime(file)
            if importlib.util.find_spec("ncnn") and importlib.util.find_spec("pnnx"):
                sides["ncnn"] = with_ncnn(file, pixels.shape[:2])
        else:
            print("other runners left out: they need TensorFlow, tf2onnx and onnx")

        seconds, reference = {name: [] for name in sides}, None
        for turn in range(1 + rounds):
            for name, run in sides.items():
                start = time.perf_counter()
                result = run(pixels)
                seconds[name] += [time.perf_counter() - start] * bool(turn)  # the first compiles
                reference = result if reference is None else reference
                difference = np.abs(result.astype(int) - reference).mean()
                if difference > 0.5:
                    raise RuntimeError(f"Expected the same picture from {name}, got one {difference:.2f} levels off.")
    ours = statistics.median(seconds[f"upscale, tile={TILE}"])
    print(f"{NAME} ×{SCALE}, {pixels.shape[1]}×{pixels.shape[0]} pixels, {sr.runtime.device()}, {rounds} rounds")
    print(f"{'':<22} {'seconds':>8} {'lowest':>8} {'highest':>8} {'ours takes':>11}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:<22} {median:8.2f} {min(values):8.2f} {max(values):8.2f} {ours / median:10.2f}×")


def sizes():
    print(f"{'seconds, median of ten small sizes':<36} {'first call':>10} {'second':>8}")
    for name in ("voc_residual", "edsr_baseline_x2"):
        model, seconds = sr.models.load(name), ([], [])
        for number in range(-3, 10):
            pixels = photo(72 + 7 * number, 96 + 5 * number)
            for calls in seconds:
                start = time.perf_counter()
                sr.upscaling.upscale(pixels, model, scale=SCALE)
                calls += [time.perf_counter() - start] * (number >= 0)
        print(f"{name:<36} {statistics.median(seconds[0]):10.3f} {statistics.median(seconds[1]):8.3f}")


def peak(megapixels):
    """Millions of bytes at the peak of this process, and those of the two pictures."""
    pixels = photo(2000, 3000) if megapixels == 6 else photo(4000, 6000)
    result = sr.upscaling.upscale(pixels, NAME, scale=SCALE, tile=TILE)
    if Path("/proc/self/status").exists():  # on Linux getrusage counts what the parent held before this process began
        used = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    else:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(used / 1e6, (pixels.nbytes + result.nbytes) / 1e6)


def memory():
    print(f"{NAME} ×{SCALE}, tile={TILE}: MB at the peak of a fresh process")
    for megapixels in (6, 24):
        command = [sys.executable, __file__, "--peak", str(megapixels)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        used, pictures = map(float, done.stdout.split())
        print(
            f"{megapixels:3} megapixels: {used:6.0f}, of that pictures {pictures:5.0f}, the rest {used - pictures:5.0f}"
        )


def against_onnxruntime(model, scale, window, rounds):
    """What ONNX Runtime takes of the time of Keras for one window and one of the model's outputs."""
    import keras

    needed = ("tensorflow", "tf2onnx", "onnxruntime")
    if not all(map(importlib.util.find_spec, needed)) or keras.backend.backend() != "tensorflow":
        return float("nan")
    network = keras.Model(model.inputs[0], model.outputs[sr.upscaling.scales(model).index(scale)])
    pictures = window[None].astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        sr.models.export.save(network, Path(folder, "network.onnx"), "onnx")
        sides = (network.predict_on_batch, sr.models.export.runner(Path(folder, "network.onnx")))
        seconds = ([], [])
        for turn in range(1 + rounds):
            for run, times in zip(sides, seconds, strict=True):
                start = time.perf_counter()
                run(pictures)
                times += [time.perf_counter() - start] * bool(turn)  # the first compiles
    keras_takes, onnxruntime_takes = map(statistics.median, seconds)
    return onnxruntime_takes / keras_takes


def models(csv, rounds):
    import pandas as pd

    pixels = photo(2 * TILE, 2 * TILE)
    for name, scales in MEASURED.items():
        model = sr.models.load(name)
        overlap = sr.upscaling.engine.overlap_of(model, most=sr.upscaling.folders.OVERLAP)
        for scale in scales:
            side = TILE + 2 * overlap
            sr.upscaling.upscale(pixels[:side, :side], model, scale=scale)  # compiles the size of the windows below
            start = time.perf_counter()
            result = sr.upscaling.upscale(pixels, model, scale=scale, tile=TILE, overlap=overlap)
            seconds = (time.perf_counter() - start) / (result.shape[0] * result.shape[1] / 1e6)
            ratio = against_onnxruntime(model, scale, pixels[: TILE // 2, : TILE // 2], rounds)
            known = {"model": name, "scale": scale, "tile": TILE, "seconds_per_megapixel": seconds}
            where = {"device": sr.runtime.device(), "date": datetime.date.today().isoformat()}
            row = pd.DataFrame([known | {"onnxruntime_to_keras": ratio} | where])
            print(f"{name:<28} ×{scale} {seconds:6.2f} s per megapixel; ONNX Runtime / Keras {ratio:.2f}", flush=True)
            if csv:
                sr.metrics.save(row, csv, key=("model", "scale", "tile"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=("peers", "sizes", "memory", "models"))
    parser.add_argument("--csv", help="where the table of models is kept")
    parser.add_argument("--peak", type=int, choices=(6, 24), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        return peak(arguments.peak)
    for part, run in (("peers", lambda: compare(arguments.rounds)), ("sizes", sizes), ("memory", memory)):
        if part in (arguments.only or (part,)):
            run()
            print()
    if "models" in (arguments.only or ("models",)):
        models(arguments.csv, arguments.rounds)


if __name__ == "__main__":
    main()
