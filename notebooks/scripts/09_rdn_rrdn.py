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
# # 09 · RDN and RRDN
#
# You end with a small RDN of your own.

# %%
from functools import partial

import keras
import srhelpers as sr
from keras import layers

# %%
convolution = partial(layers.Conv2D, kernel_size=3, padding="same")


def dense_layers(x, convolutions, growth, name="1"):
    """Each convolution sees x and what all convolutions before it made; nothing is thrown away."""
    for number in range(1, convolutions + 1):
        new = convolution(growth, activation="relu", name=f"F_{name}_{number}")(x)
        x = layers.Concatenate()([x, new])
    return x


# %%
def dense_block(x, convolutions, growth, name="1"):
    """RDN's block: dense layers, fused by a 1×1 convolution, added to what came in."""
    inside = dense_layers(x, convolutions, growth, name)
    fused = convolution(x.shape[-1], kernel_size=1, name=f"LFF_{name}")(inside)
    return layers.Add()([x, fused])


# %%
def dense_blocks(photo, blocks, convolutions, growth, filters):
    """RDN without its upscaling: features of the small photo, from 0…255."""
    start = convolution(filters, name="F_m1")(layers.Rescaling(1 / 255)(photo))
    features, results = convolution(filters, name="F_0")(start), []
    for number in range(1, blocks + 1):
        features = dense_block(features, convolutions, growth, name=str(number))
        results.append(features)
    fused = convolution(filters, kernel_size=1, name="GFF_1")(layers.Concatenate()(results))
    return layers.Add()([start, convolution(filters, name="GFF_2")(fused)])


# %%
def rdn(blocks=20, convolutions=6, growth=64, filters=64, scale=2):
    """RDN as idealo has it: the defaults are its `psnr-large`, 10 blocks of 3 its `psnr-small`."""
    photo = keras.Input((None, None, 3), name="LR")
    features = dense_blocks(photo, blocks, convolutions, growth, filters)
    features = convolution(64, kernel_size=5, activation="relu", name="UPN1")(features)
    features = convolution(32, activation="relu", name="UPN2")(features)
    features = layers.UpSampling2D(scale)(convolution(3 * scale**2, name="UPN3")(features))
    colors = convolution(3, name="SR", dtype="float32")(features)
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rdn")


# %%
def residual_in_residual(x, blocks, convolutions, growth, scaling=0.2, name="1"):
    """RRDN's block: dense blocks one after the other; each and all of them together are added."""
    features = x
    for number in range(1, blocks + 1):
        inside = dense_layers(features, convolutions, growth, f"{name}_{number}")
        fused = convolution(x.shape[-1], name=f"LFF_{name}_{number}")(inside)
        features = layers.Add()([features, layers.Rescaling(scaling)(fused)])
    return layers.Add()([x, layers.Rescaling(scaling)(features)])


# %%
def rrdn(groups=10, blocks=3, convolutions=4, growth=32, filters=32, scale=4):
    """RRDN as idealo has it; the defaults are its network `gans`."""
    photo = keras.Input((None, None, 3), name="LR_input")
    start = features = convolution(filters, name="Pre_blocks_conv")(
        layers.Rescaling(1 / 255)(photo)
    )
    for number in range(1, groups + 1):
        features = residual_in_residual(features, blocks, convolutions, growth, name=str(number))
    features = layers.Add()([start, convolution(filters, name="post_blocks_conv")(features)])
    features = convolution(3 * scale**2, name="PreShuffle")(features)
    colors = convolution(3, name="SR", dtype="float32")(sr.layers.DepthToSpace(scale)(features))
    return keras.Model(photo, layers.Rescaling(255.0, dtype="float32")(colors), name="rrdn")
