"""Training a generator against a discriminator, and how to tell that it went wrong."""

import keras
import numpy as np
from keras import ops

from ..runtime import UserError


@keras.saving.register_keras_serializable("srhelpers")
class GAN(keras.Model):
    """A generator and the discriminator it is trained against, for plain `compile` and `fit`.

    With logits D(…) of the discriminator, the two minimise, both from the same state of the other:

    - generator: content loss + adversarial_weight · mean softplus(−D(fake)). The discriminator is held fixed;
    - discriminator: mean softplus(−D(real)) + mean softplus(D(fake)). The generator is held fixed.

    Neither part has a gradient for the other network's variables, so their sum is one loss that one optimizer
    minimises. Adam, or any other that treats each variable on its own, then does what two optimizers with the
    same settings would do; do not set `global_clipnorm`, which does not. `loss` is that sum.

    Args:
        generator: trained Keras model: low resolution in 0…255 (N, h, w, 3) → high resolution in 0…255
            (N, r·h, r·w, 3).
        discriminator: built Keras model: high resolution in 0…255 (N, H, W, 3) → logits, without a sigmoid:
            (N, 1), or (N, h, w, 1) of a PatchGAN.
        adversarial_weight: of the generator's adversarial loss. The content loss has the weight 1.

    `compile` takes the content loss as `loss`; without one the generator only minimises the adversarial loss.
    `fit`, `evaluate` and `training.fit` log, besides `loss` and the compiled metrics of the generated pictures:
    `content`, `adversarial` (both as above, without their weights), `d_loss`, and `d_real` and `d_fake`: the
    mean probability in 0…1 that the discriminator gives real and generated pictures of being real. All are
    means over pictures. Ship `gan.generator`.

    Raises:
        ValueError: the discriminator is not built; in `fit`, `require_trained` refuses the generator. It is
            asked once, before the first step: a run that goes on has step counts and is not asked again.

    Source: Goodfellow et al. 2014, section 3, with its non-saturating loss of the generator; Ledig et al. 2017
    (SRGAN), section 2.2, for the content loss and the weight.

    >>> import keras, numpy as np, srhelpers as sr
    >>> generator = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(2)])
    >>> discriminator = keras.Sequential(
    ...     [keras.Input((None, None, 3)), keras.layers.Rescaling(1 / 127.5, -1), keras.layers.Conv2D(1, 3)]
    ... )
    >>> gan = sr.training.GAN(generator, discriminator)
    >>> gan.compile(keras.optimizers.Adam(1e-4), loss="mse", metrics=[sr.metrics.PSNR()])
    >>> photos = np.full((1, 4, 4, 3), 50, "uint8"), np.full((1, 8, 8, 3), 60, "uint8")
    >>> sorted(gan.fit(*photos, verbose=0).history)
    ['adversarial', 'content', 'd_fake', 'd_loss', 'd_real', 'loss', 'psnr']
    """

    def __init__(self, generator, discriminator, *, adversarial_weight=1e-3):
        super().__init__()
        if not discriminator.built:
            raise UserError("Expected a built discriminator, got one without variables; give it a keras.Input.")
        self.generator, self.discriminator = generator, discriminator
        self.adversarial_weight = adversarial_weight
        self.logged = {
            name: keras.metrics.Mean(name) for name in ("content", "adversarial", "d_loss", "d_real", "d_fake")
        }
        self.built = True

    def call(self, inputs, training=None):
        return self.generator(inputs, training=training)

    def get_config(self):
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {**keras.saving.serialize_keras_object(networks), "adversarial_weight": self.adversarial_weight}

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))

    def fit(self, x=None, y=None, **options):
        if not self.compiled:
            raise UserError("Expected a compiled GAN; call its compile(optimizer, loss) first.")
        if not int(self.optimizer.iterations):
            batches = options.get("validation_data") or (x if y is None else (x, y))
            require_trained(self.generator, batches)
        return super().fit(x, y, **options)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        real, fake = ops.cast(y, "float32"), ops.cast(y_pred, "float32")
        content = ops.zeros(()) if self.loss is None else super().compute_loss(x, real, fake, sample_weight, training)

        # Read once: TensorFlow does not keep a second reading in front of the optimizer's update.
        weights = [ops.copy(v) for v in self.discriminator.trainable_variables]
        fixed, state = [ops.stop_gradient(w) for w in weights], self.discriminator.non_trainable_variables
        adversarial = _cross_entropy(self._logits(fixed, state, fake, training)[0], real=True)

        on_real, seen = self._logits(weights, state, real, training)
        on_fake, seen = self._logits(weights, seen, ops.stop_gradient(fake), training)
        for variable, value in zip(state, seen, strict=True):
            variable.assign(value)
        d_loss = _cross_entropy(on_real, real=True) + _cross_entropy(on_fake, real=False)

        d_real, d_fake = ops.mean(ops.sigmoid(on_real)), ops.mean(ops.sigmoid(on_fake))
        values = {"content": content, "adversarial": adversarial, "d_loss": d_loss, "d_real": d_real, "d_fake": d_fake}
        for name, value in values.items():
            self.logged[name].update_state(value, sample_weight=ops.shape(fake)[0])
        return content + self.adversarial_weight * adversarial + d_loss

    def _logits(self, weights, state, pictures, training):
        """The logits, and the state after it: what batch normalisation has seen. No variable changes."""
        logits, state = self.discriminator.stateless_call(weights, state, pictures, training=training)
        return ops.cast(logits, "float32"), state


def _cross_entropy(logits, real):
    return ops.mean(ops.softplus(-logits if real else logits))


def require_trained(generator, batches):
    """Refuse to go on with a generator that is worse than copying pixels.

    A discriminator tells the pictures of an untrained generator from photos at once, and then teaches it nothing.

    Args:
        generator: Keras model as `GAN` takes it.
        batches: `keras.utils.PyDataset`, whose first batch is looked at, or one batch: low and high resolution,
            (N, h, w, 3) and (N, r·h, r·w, 3), in 0…255.

    Raises:
        ValueError: the mean squared error over the batch is larger than that of copying every pixel r×r times.

    Source: Ledig et al. 2017 (SRGAN), section 3.2: the generator begins as SRResNet, "to avoid undesired local
    optima".

    >>> import keras, numpy as np, srhelpers as sr
    >>> batch = np.full((1, 4, 4, 3), 50, "uint8"), np.full((1, 8, 8, 3), 60, "uint8")
    >>> copying = keras.Sequential([keras.Input((None, None, 3)), keras.layers.UpSampling2D(2)])
    >>> sr.training.require_trained(copying, batch)
    """
    low, high = batches if isinstance(batches, tuple) else batches[0]
    high = np.asarray(high, "float32")
    scale = high.shape[1] // low.shape[1]
    copied = np.repeat(np.repeat(low, scale, 1), scale, 2)
    made = ops.convert_to_numpy(ops.cast(generator(low, training=False), "float32"))
    found, least = (np.mean(np.square(pictures - high)) for pictures in (made, copied))
    # `not <=`: NaN is refused too. The rest is for float32, in which 255 · (x / 255) may differ from x.
    if not found <= least + 1e-3:
        with np.errstate(divide="ignore"):
            found, least = 10 * np.log10(255**2 / np.array([found, least]))
        raise UserError(
            f"Expected a generator trained on a pixel loss, got one of {found:.2f} dB PSNR where copying pixels has "
            f'{least:.2f} dB; train it first with compile(optimizer, "mse"), or load a trained one.'
        )


def collapse(floor, *, patience=3):
    """The guard for adversarial training: `training.fit(gan, …, guard=collapse(floor=20))`.

    Args:
        floor: the smallest `val_psnr` that is no collapse, in dB. Adversarial training costs a decibel or two
            against the generator it started from.
        patience: after how many epochs in a row a saturated discriminator counts. It is saturated where its
            means over real and over generated pictures, `d_real` and `d_fake`, both lie within 0.01 of 0 or 1:
            it tells all of them apart, or calls all of them the same. Its gradient is gone then.

    Returns:
        Function for `training.fit`: history → None, or what is wrong.

    Raises:
        ValueError: when called, the history lacks one of these metrics.

    >>> import srhelpers as sr
    >>> guard = sr.training.collapse(floor=20, patience=2)
    >>> epoch = {"val_psnr": 24.0, "d_real": 0.7, "d_fake": 0.2}
    >>> guard([epoch])
    >>> guard([epoch, epoch | {"val_psnr": 11.0}])
    'val_psnr is 11.00 dB, below 20 dB'
    >>> guard([epoch | {"d_real": 0.999, "d_fake": 0.001}] * 2)
    'the discriminator is saturated for 2 epochs: d_real 0.9990, d_fake 0.0010'
    """

    def guard(history):
        newest = history[-1]
        missing = [name for name in ("val_psnr", "d_real", "d_fake") if name not in newest]
        if missing:
            raise UserError(
                f"Expected the history of a GAN with validation, got none of {', '.join(missing)}; give training.fit "
                "a GAN compiled with metrics=[metrics.PSNR()] and validation batches."
            )
        if not newest["val_psnr"] >= floor:
            return f"val_psnr is {newest['val_psnr']:.2f} dB, below {floor:g} dB"
        recent = [row[name] for row in history[-patience:] for name in ("d_real", "d_fake")]
        if len(history) >= patience and all(min(mean, 1 - mean) < 0.01 for mean in recent):
            d_real, d_fake = recent[-2:]
            return f"the discriminator is saturated for {patience} epochs: d_real {d_real:.4f}, d_fake {d_fake:.4f}"
        return None

    return guard
