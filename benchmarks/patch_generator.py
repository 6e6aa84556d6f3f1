"""Batches per second of the patch generator beside tf.data and a PyTorch DataLoader, in one run.

    python benchmarks/patch_generator.py [NAME_OR_FOLDER] [--photos 100] [--batches 300] [--rounds 7]

All sides cut from the same decoded uint8 photos in memory: a random photo, a random piece of 48×48 pixels and
the same piece of 192×192, turned alike in one of eight ways, batches of 16, uint8, channels last. They are
consumed as fast as they come. "in fit" is `Patches` as `fit` of the Keras backend reads it. The sides take
turns; shown are medians. A peer that is not installed is left out.
"""

import argparse
import importlib.util
import random
import statistics
import time
from functools import partial

import cv2
import numpy as np

import srhelpers as sr

SCALE, SIDE, BATCH = 4, 48, 16
FLIPS = ((), (0,), (1,), (0, 1))  # axes
WARM = 30  # batches before the clock starts: more than any side keeps ready


def in_fit(patches, workers):
    """The batches as `fit` gets them."""
    import keras
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    patches.workers = workers
    adapter = PyDatasetAdapter(patches)
    return adapter.get_tf_dataset() if keras.backend.backend() == "tensorflow" else adapter.get_jax_iterator()


def with_tf_data(photos, batches):
    """Cached, shuffled, cut and turned in parallel, batched and prefetched."""
    import tensorflow as tf

    def piece(low, high):
        room = tf.shape(low)[:2] - SIDE + 1
        top, left = (tf.random.uniform((), maxval=room[axis], dtype=tf.int32) for axis in (0, 1))
        low = tf.slice(low, (top, left, 0), (SIDE, SIDE, 3))
        high = tf.slice(high, (SCALE * top, SCALE * left, 0), (SCALE * SIDE, SCALE * SIDE, 3))
        turns = [partial(turned, low, high, transposed, flips) for transposed in (0, 1) for flips in FLIPS]
        return tf.switch_case(tf.random.uniform((), maxval=8, dtype=tf.int32), turns)

    def turned(low, high, transposed, flips):
        pair = (tf.transpose(image, (1, 0, 2)) if transposed else image for image in (low, high))
        return tuple(tf.reverse(image, flips) if flips else image for image in pair)

    signature = (tf.TensorSpec((None, None, 3), tf.uint8),) * 2
    decoded = tf.data.Dataset.from_generator(lambda: iter(photos), output_signature=signature).cache()
    pieces = decoded.shuffle(len(photos)).repeat().map(piece, tf.data.AUTOTUNE, deterministic=False)
    return pieces.batch(BATCH, num_parallel_calls=tf.data.AUTOTUNE).take(batches).prefetch(tf.data.AUTOTUNE)


class Pieces:
    """Dataset for a DataLoader: the photos again and again, each time another piece."""

    def __init__(self, photos, count):
        self.photos, self.count = photos, count

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        photo = self.photos[number % len(self.photos)]
        top, left = (random.randint(0, length - SIDE) for length in photo[0].shape[:2])
        transposed, flip = random.random() < 0.5, random.choice((None, 0, 1, -1))  # -1: along both axes
        pieces = []
        for image, scale in zip(photo, (1, SCALE), strict=True):
            image = image[scale * top : scale * (top + SIDE), scale * left : scale * (left + SIDE)]
            image = cv2.transpose(image) if transposed else image
            pieces.append(np.ascontiguousarray(image) if flip is None else cv2.flip(image, flip))
        return tuple(pieces)


def with_dataloader(photos, batches, workers):
    import torch

    torch.set_num_threads(1)  # as it does in its workers: stacking small arrays is no faster with more
    pieces = Pieces(photos, batches * BATCH)
    return torch.utils.data.DataLoader(pieces, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def check(name, batch):
    """Every side must do the same work: the small piece is what bicubic makes of the large one."""
    low, high = (np.asarray(images) for images in batch)
    found = [(images.shape, str(images.dtype)) for images in (low, high)]
    expected = [((BATCH, side, side, 3), "uint8") for side in (SIDE, SCALE * SIDE)]
    if found != expected:
        raise RuntimeError(f"Expected {expected} from {name}, got {found}.")
    inside = slice(3, -3)  # the pixels whose kernel does not reach the edge of the piece
    for small, large in zip(low, high, strict=True):
        shrunk = sr.degradations.bicubic(large, (SIDE, SIDE))
        difference = np.abs(shrunk.astype(int) - small)[inside, inside].mean()
        if difference > 0.5:  # not 0: a turned piece is rounded along its other axis first
            raise RuntimeError(f"Expected aligned pieces from {name}, got a pair {difference:.1f} levels apart.")


def rate(epoch, batches):
    """Batches per second in the middle of an epoch."""
    iterator = iter(epoch)
    for _ in range(WARM):
        next(iterator)
    start = time.perf_counter()
    for _ in range(batches):
        next(iterator)
    return batches / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="photos_hq" if sr.datasets.is_here("photos_hq") else "samples")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    count = arguments.batches + WARM

    files = sr.datasets.photos(arguments.dataset)[: arguments.photos]
    patches = sr.generators.Patches(files, SCALE, SIDE, batch_size=BATCH, batches=count)
    photos = list(zip(patches.low, patches.high, strict=True))

    sides = {}  # name → function that begins an epoch
    if importlib.util.find_spec("torch"):  # first, since it forks its workers: before others start threads
        for workers in (0, 2):
            loader = with_dataloader(photos, count, workers)
            sides[f"DataLoader, num_workers={workers}"] = lambda loader=loader: loader
    else:
        print("DataLoader left out: PyTorch is not installed")
    sides["Patches"] = lambda: (patches[index] for index in range(count))
    for workers in (1, 2):
        sides[f"Patches in fit, workers={workers}"] = lambda workers=workers: in_fit(patches, workers)
    if importlib.util.find_spec("tensorflow"):
        with sr.runtime.quiet():
            dataset = with_tf_data(photos, count)
        sides["tf.data"] = lambda: dataset
    else:
        print("tf.data left out: TensorFlow is not installed")

    rates = {name: [] for name in sides}
    with sr.runtime.quiet():
        for name, begin in sides.items():
            for batch in begin():  # to its end: tf.data fills its cache
                first = batch
            check(name, first)
        for _ in range(arguments.rounds):
            for name, begin in sides.items():
                rates[name].append(rate(begin(), arguments.batches))
                patches.on_epoch_end()

    ours = statistics.median(rates["Patches"])
    print(f"{len(photos)} photos of {arguments.dataset}, batches of {BATCH} pairs, {arguments.rounds} rounds")
    print(f"{'':<27} {'batches/s':>9} {'lowest':>8} {'highest':>8} {'Patches is':>12}")
    for name, values in sorted(rates.items(), key=lambda item: item[0].startswith("Patches"), reverse=True):
        median = statistics.median(values)
        print(f"{name:<27} {median:9.0f} {min(values):8.0f} {max(values):8.0f} {ours / median:11.2f}×")


if __name__ == "__main__":
    main()
