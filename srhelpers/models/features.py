"""Networks that others have trained, as frozen feature extractors."""

import shutil
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from .. import _files, runtime
from ..datasets import downloads
from ..datasets.archives import DownloadError
from ..runtime import UserError
from . import store

# What EfficientNet was trained on: RGB in 0…1, minus the mean of ImageNet, over its standard deviation.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)

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


def efficientnet_block1a(variant: str = "b0") -> keras.Model:
    """The start of an EfficientNet trained on ImageNet, frozen: RGB in 0…255 → features at half the size.

    The normalization that EfficientNet was trained with is inside. Its convolution with stride 2 rounds an odd height
    or width up: to join the features with the photo, give it even ones.

    Args:
        variant: "b0", EfficientNet-B0, which ships (32 channels), or "b4", EfficientNet-B4 (48 channels), whose
            weights the package `efficientnet` downloads (75 MB).

    Raises:
        ModuleNotFoundError, OSError: B4 without the package `efficientnet`, or without the network.

    Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks". Of what it
    calls block 1a this is the part up to the activation after the depthwise convolution.

    >>> import srhelpers as sr
    >>> sr.models.features.efficientnet_block1a().output_shape
    (None, None, None, 32)
    """
    if variant == "b0":
        features = store.load("efficientnetb0_block1a", shared=False)
        features.trainable = False
        return features
    if variant != "b4":
        raise UserError(f"Expected the variant b0 or b4, got {variant!r}.")
    try:
        import efficientnet.keras as efficientnet

        whole = efficientnet.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights="imagenet")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Expected the package efficientnet for EfficientNet-B4; run: python -m pip install efficientnet, "
            "or take the variant b0, which ships."
        ) from error
    except Exception as error:  # Keras raises a bare Exception where there is no network
        raise OSError(
            f"Could not get EfficientNet-B4's weights ({error}); take the variant b0, which ships."
        ) from error
    return _block1a_of(whole)


def _block1a_of(whole):
    """Up to the first depthwise convolution of a network of the package `efficientnet`, in layers of Keras 3.

    The package's own activation calls a function that Keras 3 has no longer, and it leaves the normalization to you.
    """
    start = keras.Model(whole.input, whole.get_layer("block1a_activation").output)
    channels = start.output_shape[-1]
    scale, offset = 1 / np.multiply(255, IMAGENET_DEVIATION), -np.divide(IMAGENET_MEAN, IMAGENET_DEVIATION)
    exact = {"dtype": "float32"}
    steps = [
        layers.Rescaling(scale.tolist(), offset.tolist(), **exact),
        layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, **exact),
        layers.BatchNormalization(epsilon=start.get_layer("stem_bn").epsilon, **exact),
        layers.Activation("silu", **exact),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False, **exact),
        layers.BatchNormalization(epsilon=start.get_layer("block1a_bn").epsilon, **exact),
        layers.Activation("silu", name="block1a_activation", **exact),
    ]
    features = keras.Sequential([keras.Input((None, None, 3)), *steps], name="efficientnet_block1a")
    features.set_weights(start.get_weights())
    features.trainable = False
    return features
