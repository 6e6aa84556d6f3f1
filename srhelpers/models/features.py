"""Networks that others have trained, as frozen feature extractors."""

import shutil
from pathlib import Path

import keras
from keras import layers, ops

from .. import _files, runtime
from ..datasets import downloads
from ..datasets.archives import DownloadError
from ..runtime import UserError

# What VGG19 was trained on: BGR in 0…255, minus this mean (here in the order RGB).
VGG_MEAN = (123.68, 116.779, 103.939)
VGG_FILE = downloads.Archive(
    "vgg19",
    (
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    checksum="md5:253f8cb515780f3b799900260a226db6",
    about_size=80_134_624,
)
VGG_STAND_IN = "vgg19_notop_fp16.weights.h5"


def vgg19_weights() -> tuple[Path, str]:
    """The file of VGG19's weights for ImageNet, and "official", or what else they are: say so with every result.

    Looked for in this order: the official file of Keras in the folder SR_WEIGHTS_DIR, then in the cache; the
    stand-in `vgg19_notop_fp16.weights.h5` in SR_WEIGHTS_DIR; the official address (80 MB).

    In the stand-in every channel below block5_conv4 carries an unknown positive factor. block5_conv4 itself is
    the original's, so losses on it are the paper's; losses on lower layers weigh the channels otherwise.
    """
    given, kept = runtime.folder("weights"), runtime.folder("cache") / "pretrained" / VGG_FILE.filename
    if given and (given / VGG_FILE.filename).exists():
        return given / VGG_FILE.filename, "official"
    if kept.exists():
        return kept, "official"
    if given and (given / VGG_STAND_IN).exists():
        return given / VGG_STAND_IN, "stand-in (channel-scaled below block5_conv4)"
    try:
        with _files.locked(kept, f"downloads {VGG_FILE.filename}"):
            if not kept.exists():
                whole = downloads.fetch(VGG_FILE, kept.parent)
                whole.replace(kept)
                shutil.rmtree(whole.parent)
    except DownloadError as error:
        raise OSError(
            f"Expected the network, or {VGG_FILE.filename} in the folder SR_WEIGHTS_DIR (now {given or 'not set'}); "
            f"get it from {VGG_FILE.urls[0]} and set SR_WEIGHTS_DIR. {error}"
        ) from error
    return kept, "official"


def vgg19(layer: str = "block5_conv4") -> keras.Model:
    """VGG19 trained on ImageNet up to one of its convolutions, frozen: what the SRGAN paper's content loss compares.

    It computes in the precision of `keras.config.dtype_policy()` at the time of this call, and returns float32.
    Inside, every number is 1/16 of the original's. With ReLU that changes no result, but VGG's large activations
    stay clear of float16's limit of 65504.

    It takes RGB in 0…255, and gives what comes after the layer's ReLU: of "block5_conv4", the paper's φ5,4 (VGG54),
    (N, H/16, W/16, 512), of "block2_conv2", its φ2,2 (VGG22), (N, H/2, W/2, 128).

    Source: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    configuration E; Ledig et al. 2017, section 2.2.1.
    """
    whole = keras.applications.VGG19(include_top=False, weights=None, input_shape=(None, None, 3))
    convolutions = {known.name: known for known in whole.layers if isinstance(known, layers.Conv2D)}
    if layer not in convolutions:
        raise UserError(f"Expected a layer of {', '.join(convolutions)}, got {layer!r}.")
    file, variant = vgg19_weights()
    whole.load_weights(file, **({"by_name": True} if variant == "official" else {}))
    for convolution in convolutions.values():
        convolution.bias.assign(convolution.bias / 16)
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 16, [-mean / 16 for mean in VGG_MEAN], dtype="float32")(photo)
    x = keras.Model(whole.input, whole.get_layer(layer).output)(ops.flip(x, axis=-1))
    features = keras.Model(photo, layers.Rescaling(16.0, dtype="float32")(x), name=f"vgg19_{layer}")
    features.trainable = False
    return features
