"""Generator and discriminator learning together: one step of each phase.

A batch comes in, the updated networks and the losses go out. The phases are
those of the original: the generator alone, the discriminator alone, both
against each other. Every step runs through `tf.distribute`.
"""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from model import losses, matting


class MattingGAN:
    """Both networks, their optimisers and the training step.

    Attributes:
        generator: As `generator.build_generator` gives it.
        discriminator: As `discriminator.build_discriminator` gives it.
        generator_optimizer: Built on the generator's weights.
        discriminator_optimizer: Built on the discriminator's weights.
    """

    def __init__(
        self,
        *,
        generator: keras.Model,
        discriminator: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        d_coeff: float,
        use_rgba_loss: bool = False,
        jit_compile: bool = True,
    ):
        """Joins the parts; call it in the scope of the strategy.

        Args:
            generator: Takes and gives dicts, see `generator.py`.
            discriminator: Takes a dict, see `discriminator.py`.
            generator_optimizer: Not yet built.
            discriminator_optimizer: Not yet built.
            d_coeff: Weight of the adversarial loss beside the generator's own.
            use_rgba_loss: Whether to train on RGBA error as in 2018.
            jit_compile: Whether XLA compiles the gradients.
        """
        self.generator = generator
        self.discriminator = discriminator
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.d_coeff = d_coeff
        self.use_rgba_loss = use_rgba_loss
        self.strategy = tf.distribute.get_strategy()
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        self._gradients = tf.function(self._replica_gradients, jit_compile=jit_compile)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Lends the generator the moving average of its weights, if there is one.

        The optimiser keeps it (`use_ema`). Inside, the generator is the one to
        measure and to ship; afterwards it is the one that learns, as it was.
        """
        optimizer = self.generator_optimizer
        if not optimizer.use_ema or not int(optimizer.iterations):
            yield
            return
        variables = self.generator.trainable_variables
        before = [variable.numpy() for variable in variables]
        try:
            optimizer.finalize_variable_values(variables)
            yield
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    @tf.function
    def compute(self, batch: dict[str, tf.Tensor], phase: str):
        """Computes losses and gradients; no weight changes.

        A batch norm's moving statistics do, where its network is the one to learn.

        Args:
            batch: Named tensors as `dataset.py` gives them.
            phase: `generator`, `discriminator` or `adversarial`.

        Returns:
            The losses by name, each a float32 scalar over the global batch, and
            the gradients of both networks, empty where one does not learn.
        """
        values, gradients = self.strategy.run(self._gradients, (batch, phase))
        values = {
            name: self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in values.items()
        }
        return values, gradients

    @tf.function
    def apply(self, gradients) -> None:
        """Updates the networks.

        Args:
            gradients: What `compute` gave.
        """
        self.strategy.run(self._replica_apply, (gradients,))

    def _replica_gradients(self, batch, phase):
        trains_generator = phase != "discriminator"
        trains_discriminator = phase != "generator"
        values, generator_gradients, discriminator_gradients = {}, [], []
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.generator(
                generator_inputs(batch, self.generator), training=trains_generator
            )
            values |= self._generator_losses(batch, outputs)
            generator_total = tf.add_n(list(values.values()))
            if trains_discriminator:
                real, generated, weight = self._judge(batch, outputs["alpha"])
                values["adversarial_loss"] = losses.adversarial_loss(generated, weight)
                values["discriminator_loss"] = losses.discriminator_loss(
                    real, generated, weight
                )
                generator_total += self.d_coeff * values["adversarial_loss"]
                discriminator_total = self._mean(values["discriminator_loss"])
            generator_total = self._mean(generator_total)
        if trains_generator:
            generator_gradients = tape.gradient(
                generator_total, self.generator.trainable_variables
            )
        if trains_discriminator:
            discriminator_gradients = tape.gradient(
                discriminator_total, self.discriminator.trainable_variables
            )
        values = {name: self._mean(value) for name, value in values.items()}
        values["gradient_norm"] = (
            tf.linalg.global_norm(generator_gradients + discriminator_gradients)
            / self.strategy.num_replicas_in_sync
        )
        return values, (generator_gradients, discriminator_gradients)

    def _replica_apply(self, gradients):
        generator_gradients, discriminator_gradients = gradients
        if generator_gradients:
            self.generator_optimizer.apply(
                generator_gradients, self.generator.trainable_variables
            )
        if discriminator_gradients:
            self.discriminator_optimizer.apply(
                discriminator_gradients, self.discriminator.trainable_variables
            )

    def _mean(self, per_sample: tf.Tensor) -> tf.Tensor:
        """Averages over the global batch; the replicas' results add up to the mean."""
        replicas = self.strategy.num_replicas_in_sync
        return tf.reduce_mean(per_sample) / replicas

    def _generator_losses(self, batch, outputs) -> dict[str, tf.Tensor]:
        """Forms the losses of the generator alone, (B,) each, by name."""
        alpha_true, alpha_pred = batch["alpha"], outputs["alpha"]
        if self.use_rgba_loss:
            return {
                "rgba_loss": losses.rgba_loss(
                    batch["foreground"], outputs["foreground"], alpha_true, alpha_pred
                )
            }
        is_unknown = region(batch["trimap"], matting.UNKNOWN)
        values = {
            "alpha_loss": losses.alpha_loss(alpha_true, alpha_pred, is_unknown),
            "laplacian_loss": losses.laplacian_loss(alpha_true, alpha_pred, is_unknown),
        }
        if "weight" not in batch:
            return values
        weight = tf.reshape(batch["weight"], [-1])
        return {name: weight * value for name, value in values.items()}

    def _judge(self, batch, alpha_pred):
        """Shows true and predicted composites over new backgrounds.

        The foreground is the true one in both, so that the game is about alpha
        alone and no colour can be painted by it; the background is another
        sample's image.

        Returns:
            Logits of the real and of the generated composites, and the weight
            of each patch: only patches on unknown pixels count.
        """
        background = tf.roll(batch["image"], 1, axis=0)

        def judge(alpha):
            picture = background + alpha * (batch["foreground"] - background)
            return self.discriminator(
                {"composite": picture, "trimap": batch["trimap"]}, training=True
            )

        real_logits, generated_logits = judge(batch["alpha"]), judge(alpha_pred)
        is_unknown = region(batch["trimap"], matting.UNKNOWN)
        rows, columns = real_logits.shape[1:3]
        stride = is_unknown.shape[1] // (rows + 2)  # a PatchGAN loses a logit a side
        patch_weight = tf.nn.max_pool2d(is_unknown, stride, stride, "VALID")
        patch_weight = patch_weight[:, 1 : rows + 1, 1 : columns + 1]
        return real_logits, generated_logits, patch_weight


def region(trimap: tf.Tensor, code: int) -> tf.Tensor:
    """Marks the pixels of one trimap code.

    Args:
        trimap: (B, H, W, 1) uint8.
        code: One of the codes of `matting.py`.

    Returns:
        (B, H, W, 1) float32, 1 where the trimap has that code.
    """
    return tf.cast(tf.equal(trimap, tf.constant(code, tf.uint8)), tf.float32)


def generator_inputs(
    batch: dict[str, tf.Tensor], generator: keras.Model
) -> dict[str, tf.Tensor]:
    """Takes from a batch what a generator asks for.

    Args:
        batch: Named tensors.
        generator: A network with named inputs.

    Returns:
        The inputs by name.
    """
    return {tensor.name: batch[tensor.name] for tensor in generator.inputs}
