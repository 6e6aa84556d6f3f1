"""Images per second of the VOC generator beside the article's way and beside tf.data, in one run.

    python benchmarks/voc_generator.py [NAME_OR_FOLDER] [--photos 600]

All three make 72×72, 144×144 and 288×288 pictures with plain bilinear resizing, batches of 64, and are
consumed as fast as they come. "first" is the epoch that decodes, "later" the mean of the next two.
"""

import argparse
import time
import warnings

import cv2
import numpy as np

import srhelpers as sr

SIZES = (72, 144, 288)
BATCH = 64


def the_articles_way(files):
    """One thread, every epoch decodes again, pixels become float64, what does not fill a batch is dropped."""
    collected = []
    for file in files:
        image = cv2.imread(str(file))
        collected.append([cv2.resize(image, (size, size)) / 255.0 for size in SIZES])
        if len(collected) == BATCH:
            yield [np.asarray(images, dtype=float) for images in zip(*collected, strict=True)]
            collected = []


def with_tf_data(files):
    """Parallel decoding and resizing, cached after the first epoch, batched and prefetched."""
    import tensorflow as tf

    def decode(file):
        image = tf.image.decode_jpeg(tf.io.read_file(file), channels=3)
        return tuple(tf.cast(tf.round(tf.image.resize(image, (size, size))), tf.uint8) for size in SIZES)

    names = tf.data.Dataset.from_tensor_slices([str(file) for file in files])
    decoded = names.map(decode, num_parallel_calls=tf.data.AUTOTUNE).cache()
    return decoded.shuffle(len(files)).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def timed(make_epoch):
    """(images per second in the first epoch, mean of the next two)."""
    rates = []
    for _ in range(3):
        start, count = time.perf_counter(), 0
        for batch in make_epoch():
            count += len(batch[0])
        rates.append(count / (time.perf_counter() - start))
    return rates[0], (rates[1] + rates[2]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="voc2007")
    parser.add_argument("--photos", type=int, default=600)
    arguments = parser.parse_args()
    files = [file for file in sr.datasets.photos(arguments.dataset) if file.suffix.lower() == ".jpg"]
    files = files[: arguments.photos]

    for file in files:  # from here on the disk is out of it
        file.read_bytes()
    generator, ours = sr.studies.multi_size.MultiSize, []

    def our_epoch():
        if not ours:
            ours.append(generator(files, batch_size=BATCH, degradation="opencv", shuffle=True))
        yield from (ours[0][index] for index in range(len(ours[0])))
        ours[0].on_epoch_end()

    rates = {"the article's way": timed(lambda: the_articles_way(files)), "MultiSize": timed(our_epoch)}
    with sr.runtime.quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = with_tf_data(files)
            next(iter(dataset.take(0)), None)  # TensorFlow starts up outside the clock
            rates["tf.data"] = timed(lambda: dataset.as_numpy_iterator())
        except ImportError:
            print("tf.data: TensorFlow is not installed")
    slowest = rates["the article's way"]
    print(f"{len(files)} photos of {arguments.dataset}, batches of {BATCH}")
    print(f"{'':<18} {'first, img/s':>13} {'later, img/s':>13} {'first, ratio':>13} {'later, ratio':>13}")
    for name, (first, later) in rates.items():
        print(f"{name:<18} {first:13.0f} {later:13.0f} {first / slowest[0]:12.1f}× {later / slowest[1]:12.1f}×")


if __name__ == "__main__":
    main()
