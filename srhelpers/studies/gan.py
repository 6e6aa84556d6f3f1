"""Training a generator against a discriminator, as lesson 07 does."""

import keras
from keras import ops

from ..runtime import UserError
from ..training import require_trained


@keras.saving.register_keras_serializable("srhelpers")
class GAN(keras.Model):
    """A generator and the discriminator it is trained against, for plain `compile` and `fit`.

    With logits D(…) of the discriminator, the two minimise, both from the same state of the other:

    - generator: content loss + adversarial_weight · mean softplus(−D(fake)), the discriminator held fixed;
    - discriminator: mean softplus(−D(real)) + mean softplus(D(fake)), the generator held fixed.

    Neither part has a gradient for the other network, so their sum is one loss that one optimizer minimises. Adam,
    or any other that treats each variable on its own, then does what two with the same settings would; do not set
    `global_clipnorm`, which does not. `compile` takes the content loss; without one there is only the adversary.

    Logged besides `loss`, the sum: `content` and `adversarial` without weights, `d_loss`, and `d_real` and `d_fake`,
    the mean probability the discriminator gives real and generated pictures of being real. Save `gan.generator`.

    Args:
        generator: trained Keras model, low resolution → high resolution, both in 0…255. `fit` refuses one that
            `require_trained` does, before the first step; a run that goes on is not asked again.
        discriminator: built Keras model: high resolution in 0…255 → logits (N, 1), or (N, h, w, 1) of a PatchGAN.
        adversarial_weight: of the generator's adversarial loss; the content loss has the weight 1.

    Source: Goodfellow et al. 2014, section 3, with its non-saturating loss of the generator; Ledig et al. 2017
    (SRGAN), section 2.2, for the content loss and the weight.
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, *, adversarial_weight: float = 1e-3) -> None:
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
