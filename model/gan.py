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
from model.optimizer import LossScale

NORMS = ("gradient_norm", "discriminator_gradient_norm")  # of what `compute` gives


class MattingGAN:
    """Both networks, their optimisers and the training step.

    Attributes:
        generator: As `generator.build_generator` gives it.
        discriminator: As `discriminator.build_discriminator` gives it.
        generator_optimizer: Built on the generator's weights.
        discriminator_optimizer: Built on the discriminator's weights.
        loss_scale: What keeps small gradients of float16 above 0; None otherwise.
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
        is_half = generator.compute_dtype == "float16"
        self.loss_scale = LossScale() if is_half else None
        generator_optimizer.build(generator.trainable_variables)
        discriminator_optimizer.build(discriminator.trainable_variables)
        self._gradients = self._replica_gradients
        if jit_compile:
            self._gradients = tf.function(self._gradients, jit_compile=True)

    @property
    def is_averaging(self) -> bool:
        """Whether there is a moving average of the generator's weights."""
        optimizer = self.generator_optimizer
        return bool(optimizer.use_ema and optimizer.iterations.numpy())

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Lends the generator the moving average of its weights, if there is one.

        The optimiser keeps it (`use_ema`). Inside, the generator is the one to
        measure and to ship; afterwards it is the one that learns, as it was.
        """
        if not self.is_averaging:
            yield
            return
        variables = self.generator.trainable_variables
        before = [variable.numpy() for variable in variables]
        try:
            with self.strategy.scope():
                self.generator_optimizer.finalize_variable_values(variables)
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
            the gradients of both networks, empty where one does not learn; all
            summed over the replicas. With the losses, by `NORMS`, the norms of the
            gradients that there are.
        """
        results = self.strategy.run(self._summed_gradients, (batch, phase))
        # the same on every replica
        return tf.nest.map_structure(
            lambda result: self.strategy.experimental_local_results(result)[0], results
        )

    @tf.function
    def apply(self, gradients) -> None:
        """Updates the networks.

        Outside of the replicas, since the gradients are summed already: the
        optimisers clip what one device would clip, and sum nothing again.

        Args:
            gradients: What `compute` gave.
        """
        pairs = (
            (self.generator_optimizer, self.generator),
            (self.discriminator_optimizer, self.discriminator),
        )
        for (optimizer, network), values in zip(pairs, gradients, strict=True):
            if values:
                optimizer.apply(values, network.trainable_variables)

    def _summed_gradients(self, batch, phase):
        results = self._gradients(batch, phase)
        context = tf.distribute.get_replica_context()
        flat = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.nest.flatten(results))
        values, gradients = tf.nest.pack_sequence_as(results, flat)
        for name, some in zip(NORMS, gradients, strict=True):
            if some:
                values[name] = tf.linalg.global_norm(some)
        return values, gradients

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
                discriminator_total = self._scaled(
                    self._mean(values["discriminator_loss"])
                )
            generator_total = self._scaled(self._mean(generator_total))
        if trains_generator:
            generator_gradients = self._differentiate(
                tape, generator_total, self.generator
            )
        if trains_discriminator:
            discriminator_gradients = self._differentiate(
                tape, discriminator_total, self.discriminator
            )
        values = {name: self._mean(value) for name, value in values.items()}
        return values, (generator_gradients, discriminator_gradients)

    def _scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Multiplies a loss by the loss scale, if there is one."""
        return loss * self.loss_scale.factor if self.loss_scale else loss

    def _differentiate(self, tape, loss: tf.Tensor, network) -> list[tf.Tensor]:
        """Gives the gradients of a scaled loss, without the scale."""
        gradients = tape.gradient(loss, network.trainable_variables)
        if not self.loss_scale:
            return gradients
        return [gradient / self.loss_scale.factor for gradient in gradients]

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
        alpha_pred = losses.forgive_overshoot(alpha_true, alpha_pred)
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
        background = self._neighbours(batch["image"])

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

    def _neighbours(self, images: tf.Tensor) -> tf.Tensor:
        """Gives each sample the image of the one before it in the global batch.

        Replica r of R has the samples r, r + R, ... of the batch (`cluster.py`).

        Args:
            images: (B, H, W, 3), those of this replica.

        Returns:
            (B, H, W, 3).
        """
        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return tf.roll(images, 1, axis=0)
        context = tf.distribute.get_replica_context()
        # made on the device of the replica, which is where the others' come to
        gathered = context.all_gather(tf.identity(images), axis=0)
        shape = tf.shape(images)
        gathered = tf.reshape(gathered, tf.concat([[replicas], shape], 0))
        replica = context.replica_id_in_sync_group
        before = gathered[(replica - 1) % replicas]  # (B, H, W, 3)
        return tf.roll(before, tf.where(tf.equal(replica, 0), 1, 0), axis=0)


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
