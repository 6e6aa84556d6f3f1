"""Networks that others have trained, as frozen feature extractors."""

import shutil

import keras
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
VGG_BLOCKS = {1: (64, 2), 2: (128, 2), 3: (256, 4), 4: (512, 4), 5: (512, 4)}  # channels, convolutions
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


def efficientnet_block1a(variant="b0"):
    """The start of an EfficientNet trained on ImageNet, frozen: photos → features at half their size.

    Args:
        variant: "b0", embedded in this repository (32 channels), or "b4", the article's, whose weights the
            `efficientnet` package downloads (75 MB, 48 channels).

    Returns:
        Keras model: RGB in 0…255 (N, H, W, 3) → `block1a_activation` (N, H/2, W/2, channels).

    Raises:
        ValueError: another variant.
        ModuleNotFoundError: "b4" without the `efficientnet` package.
        OSError: "b4" where its weights cannot be downloaded.

    Source: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".

    >>> import srhelpers as sr
    >>> sr.models.features.efficientnet_block1a().output_shape
    (None, None, None, 32)
    """
    if variant == "b0":
        features = store.load("efficientnetb0_block1a")
        features.trainable = False
        return features
    if variant != "b4":
        raise UserError(f"Expected the variant b0 or b4, got {variant!r}.")
    try:
        import efficientnet.keras as efficientnet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Expected the efficientnet package; run: python -m pip install efficientnet."
        ) from error
    try:
        whole = efficientnet.EfficientNetB4(include_top=False, input_shape=(None, None, 3), weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception where there is no network
        raise OSError(f"Could not get EfficientNetB4's weights ({error}).") from error
    return block1a_of(whole)


def available_block1a(wanted="b4"):
    """`efficientnet_block1a`, or the embedded variant where the wanted one cannot be had.

    Args:
        wanted: "b4" or "b0".

    Returns:
        (Keras model, the variant it is).

    >>> import srhelpers as sr
    >>> sr.models.features.available_block1a("b0")[1]
    'b0'
    """
    try:
        return efficientnet_block1a(wanted), wanted
    except (OSError, ModuleNotFoundError) as error:
        print(f"{error} Taking the embedded b0.")
        return efficientnet_block1a(), "b0"


def block1a_of(whole):
    """The first block of an EfficientNet of the `efficientnet` package, written with Keras's own layers.

    So it can be saved and loaded without that package, and it takes 0…255 like all models of this course.

    Args:
        whole: an EfficientNet of `efficientnet.keras`.

    Returns:
        Keras model as `efficientnet_block1a` gives it.

    >>> import srhelpers as sr
    >>> import efficientnet.keras  # doctest: +SKIP
    >>> sr.models.features.block1a_of(efficientnet.keras.EfficientNetB4(weights=None)).output_shape  # doctest: +SKIP
    (None, None, None, 48)
    """
    start = keras.Model(whole.input, whole.get_layer("block1a_activation").output)
    channels = start.output_shape[-1]
    scale = [1 / (255 * deviation) for deviation in IMAGENET_DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)]
    photo = keras.Input((None, None, 3))
    exact = {"dtype": "float32"}
    x = layers.Rescaling(scale, offset, **exact)(photo)
    x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, **exact)(x)
    x = layers.BatchNormalization(epsilon=start.get_layer("stem_bn").epsilon, **exact)(x)
    x = layers.Activation("silu", **exact)(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, **exact)(x)
    x = layers.BatchNormalization(epsilon=start.get_layer("block1a_bn").epsilon, **exact)(x)
    x = layers.Activation("silu", name="block1a_activation", **exact)(x)
    features = keras.Model(photo, x, name="efficientnet_block1a")
    features.set_weights(start.get_weights())
    features.trainable = False
    return features


def vgg19_weights():
    """Find VGG19's weights for ImageNet, or download them (80 MB), and tell which they are.

    Looked for in this order: the official file of Keras in the folder SR_WEIGHTS_DIR, then in the cache; the
    stand-in `vgg19_notop_fp16.weights.h5` in SR_WEIGHTS_DIR; the official address.

    In the stand-in every channel below block5_conv4 carries an unknown positive factor. block5_conv4 itself is
    the original's, so losses on it are the paper's; losses on lower layers weigh the channels otherwise.

    Returns:
        (Path of the file, "official" or "stand-in (channel-scaled below block5_conv4)"): write the second into
        every row of results.

    Raises:
        OSError: neither is here, and the download failed.

    Source: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition".

    >>> import srhelpers as sr
    >>> sr.models.features.vgg19_weights()[1]  # doctest: +SKIP
    'official'
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


def vgg19(layer="block5_conv4"):
    """VGG19 trained on ImageNet up to one of its convolutions, frozen: what the SRGAN paper's content loss compares.

    It computes in the precision of `keras.config.dtype_policy()` at the time of this call, and returns float32.
    Inside, every number is 1/16 of the original's. With ReLU that changes no result, but VGG's large activations
    stay clear of float16's limit of 65504.

    Args:
        layer: "block5_conv4" is the paper's φ5,4 (VGG54), "block2_conv2" its φ2,2 (VGG22). No layer above the
            asked one is built.

    Returns:
        Keras model: RGB in 0…255 (N, H, W, 3) → float32 features after the layer's ReLU (N, H/16, W/16, 512),
        or (N, H/2, W/2, 128) for block2_conv2. `vgg19_weights` tells whether they are the original's.

    Raises:
        ValueError: no such layer.
        OSError: as `vgg19_weights`.

    Source: Simonyan and Zisserman 2015, configuration E; Ledig et al. 2017, section 2.2.1.

    >>> import srhelpers as sr
    >>> sr.models.features.vgg19("block2_conv2").output_shape  # doctest: +SKIP
    (None, None, None, 128)
    """
    known = [f"block{block}_conv{n + 1}" for block, (_, count) in VGG_BLOCKS.items() for n in range(count)]
    if layer not in known:
        raise UserError(f"Expected a layer of {', '.join(known)}, got {layer!r}.")
    file, variant = vgg19_weights()
    photo = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 16, [-mean / 16 for mean in VGG_MEAN], dtype="float32")(photo)
    x = ops.flip(x, axis=-1)
    names = known[: known.index(layer) + 1]
    for name in names:
        block = int(name[5])
        if block > 1 and name.endswith("conv1"):
            x = layers.MaxPooling2D(name=f"block{block - 1}_pool")(x)
        channels = VGG_BLOCKS[block][0]
        x = layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)(x)
    features = keras.Model(photo, layers.Rescaling(16.0, dtype="float32")(x), name=f"vgg19_{layer}")
    features.trainable = False
    features.load_weights(file, **({"by_name": True} if variant == "official" else {}))
    for name in names:
        bias = features.get_layer(name).bias
        bias.assign(bias / 16)
    return features
