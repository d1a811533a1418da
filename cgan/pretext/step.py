"""One step of a pretext: images posed, answered and graded, and Adam on all that answered.

As in a GAN's step (`cgan/step.py`) a device holds its rows of the batch, and answers are gathered:
the contrastive pretext tells an image from those of all devices.
"""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cgan import accumulation
from cgan.accumulation import Means, Terms
from cgan.axis import Axis
from cgan.finite import Outcome, is_finite
from cgan.pretext.parts import PretextParts, PretextState
from cgan.pretext.task import Answered, Trained
from cgan.types import Batch, Params, Samples

STAGES = ("images", "the answers", "the gradients")
"""Names of what a step computes, in this order."""
FINITE = "answers are finite"

Rows = tuple[Int[Array, " n"], Samples]
"""Numbers of some rows in the batch, and their images."""


class PretextStep:
    """The step of a pretraining, a pure function `(state, batches) -> (state, outcome)`."""

    def __init__(self, parts: PretextParts, axis: Axis) -> None:
        self.parts, self.axis = parts, axis

    def __call__(self, state: PretextState, batches: Batch) -> tuple[PretextState, Outcome]:
        """Take as many steps as `batches` holds: `[steps, local, ...]`; metrics are `[steps]`."""
        return jax.lax.scan(self.one_step, state, batches)

    def one_step(self, state: PretextState, batch: Batch) -> tuple[PretextState, Outcome]:
        """Take one step of Adam on the mean of the task's losses."""
        parts, axis, task = self.parts, self.axis, self.parts.task
        images = parts.source.encode(batch.x)
        ids, classes = axis.row_ids(len(images)), jnp.asarray(batch.label)
        whole_classes = axis.gather(classes)
        stats = parts.networks.update_stats(state.discriminator, state.discriminator_stats)

        def answer_rows(trained: Trained, rows: Rows) -> tuple[object, Terms]:
            draws = parts.draws("train", rows[0], state.step, state.step)
            return task.answer(trained, stats, task.pose(draws, rows[1])), {}

        def grade_batch(learnt: Params, answers: object) -> tuple[Terms, Means]:
            answered = Answered(answers, self.gathered(answers), ids, classes, whole_classes)
            terms, readings = task.grade(learnt, answered)
            return terms, readings | {FINITE: is_finite(answers).astype(jnp.float32)}

        params = (state.trained, state.learnt)
        gradients, means = accumulation.gradients(
            answer_rows, grade_batch, *params, (ids, images), parts.config.micro_batches
        )
        finite = [is_finite(images), means.pop(FINITE) > 0, is_finite(gradients)]
        gradients, means = axis.mean((gradients, means))
        updates, optim_state = parts.optimizer.update(gradients, state.optim, params)
        trained, learnt = optax.apply_updates(params, updates)
        metrics: dict[str, Float[Array, ""]] = {f"pretext/{n}": of for n, of in means.items()}
        metrics["pretext/grad_norm"] = optax.tree.norm(gradients)
        state = PretextState(
            step=state.step + 1,
            generator=trained.generator,
            discriminator=trained.discriminator,
            discriminator_stats=stats,
            readout=trained.readout,
            learnt=task.project(learnt),
            optim=optim_state,
        )
        return state, Outcome(metrics, axis.gather(jnp.stack(finite)[None]))

    def gathered(self, answers: object) -> object:
        """The answers of all devices.

        Raises:
            ValueError: they don't hold the batch: the axis is not theirs.
        """
        whole = jax.tree.map(self.axis.gather, answers)
        found, size = len(jax.tree.leaves(whole)[0]), self.parts.config.batch_size
        if found != size:
            raise ValueError(
                f"the step was given {found} rows of a batch of {size}; on several devices it "
                "must gather them: PretextStep(parts, parallel.DEVICES)"
            )
        return whole
