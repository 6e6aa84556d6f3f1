# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: tags,-all
#     notebook_metadata_filter: jupytext,kernelspec,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · Real-ESRGAN
#
# You end with a network of your own that cleans and upscales damaged photos, and with the published
# networks on real ones.
#
# %%
# Install the course's helper package if it is missing (on Colab and Kaggle).
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.append("..")  # a clone
if not find_spec("srhelpers"):
    wheels = Path(os.environ.get("SR_KAGGLE_INPUT", "/kaggle/input")).rglob("srhelpers-*.whl")
    source = max(map(str, wheels), default="git+https://github.com/OWNER/super-resolution")
    backend = [] if find_spec("tensorflow") or find_spec("jax") else ["tensorflow"]
    pip = subprocess.run([sys.executable, "-m", "pip", "install", "-q", source, *backend])
    assert pip.returncode == 0, (
        "Turn the internet on, or add the srhelpers wheel as a dataset; it needs Python ≥ 3.11 and Keras ≥ 3.12."
    )

# %%
from functools import partial

import keras
from keras import layers

import srhelpers as sr

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")
prelu = partial(layers.PReLU, shared_axes=[1, 2])  # one slope for each feature map


def srvgg(convolutions=16, channels=64, scale=4, upsampling=layers.UpSampling2D):
    """Real-ESRGAN's network for clips: a plain stack of convolutions, added to the upscaled photo."""
    photo = keras.Input((None, None, 3))
    start = features = layers.Rescaling(1 / 255, dtype="float32")(photo)
    for _ in range(1 + convolutions):
        features = prelu()(convolution(channels)(features))
    small = keras.initializers.RandomNormal(stddev=1e-3)
    detail = convolution(3 * scale**2, kernel_initializer=small, dtype="float32")(features)
    colors = layers.Add(dtype="float32")([upsampling(scale)(start), sr.layers.DepthToSpace(scale)(detail)])
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="srvgg")


# %%
leaky = partial(layers.LeakyReLU, negative_slope=0.2)


def dense_block(x, channels, growth, beta):
    """Five convolutions; each of the first four sees all that came before it."""
    inside = x
    for _ in range(4):
        inside = layers.Concatenate()([inside, leaky()(convolution(growth)(inside))])
    return layers.Add()([x, layers.Rescaling(beta)(convolution(channels)(inside))])


# %%
def rrdbnet(blocks=23, channels=64, growth=32, beta=0.2):
    """RRDBNet ×4, the generator of ESRGAN and Real-ESRGAN: 23 blocks of three dense blocks."""
    photo = keras.Input((None, None, 3))
    start = features = convolution(channels)(layers.Rescaling(1 / 255, dtype="float32")(photo))
    for _ in range(blocks):
        inside = features
        for _ in range(3):
            inside = dense_block(inside, channels, growth, beta)
        features = layers.Add()([features, layers.Rescaling(beta)(inside)])
    features = layers.Add()([start, convolution(channels)(features)])
    for _ in range(2):
        features = leaky()(convolution(channels)(layers.UpSampling2D(2)(features)))
    colors = convolution(3, dtype="float32")(leaky()(convolution(channels)(features)))
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rrdbnet")
