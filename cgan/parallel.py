"""The only file that says `pmap`: devices, placement, the axis name, gather and mean.

The training step sees its local rows of the batch and is handed `gather`, `mean` and `row_ids` as
`DEVICES`; the loop takes the `highest` of its votes; everything else in the project knows no
devices. State goes in and comes out unstacked (`in_axes=None`, `out_axes=None`): it is one
replicated array a leaf, so nothing has to be indexed out of a stack of replicas. With several
processes each places state and batches on its own devices only; `pmap` joins them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int, PyTree, Shaped

from cgan.axis import Axis
from cgan.config import ConfigError
from cgan.system.compile_options import CompiledStep
from cgan.system.errors import NonFiniteError

AXIS = "devices"


def own(devices: Sequence[jax.Device]) -> list[jax.Device]:
    """The devices among these that belong to this process."""
    return [device for device in devices if _is_own(device)]


def _is_own(device: jax.Device) -> bool:
    return device.process_index == jax.process_index()


def own_rows(batch_size: int, devices: Sequence[jax.Device]) -> Int[np.ndarray, " rows"]:
    """The rows of the global batch that this process's devices hold, device by device."""
    blocks = np.arange(batch_size).reshape(len(devices), -1)
    mine = [i for i, device in enumerate(devices) if _is_own(device)]
    return blocks[mine].ravel()


def _sharding(devices: Sequence[jax.Device], *axes: str) -> NamedSharding:
    return NamedSharding(Mesh(np.asarray(own(devices)), (AXIS,)), PartitionSpec(*axes))


def check_divides(batch_size: int, micro_batches: int, devices: Sequence[jax.Device]) -> None:
    """Refuse a batch that does not split evenly over devices, and there over micro-batches.

    Raises:
        ConfigError: naming the field, the value and the nearest sizes that would do.
    """
    count = len(devices)
    if batch_size % count:
        lower, upper = batch_size // count * count, -(-batch_size // count) * count
        nearest = f"{lower} or {upper}" if lower else f"{upper}"
        raise ConfigError(
            f"batch_size = {batch_size}: must be a multiple of the {count} devices; "
            f"the nearest is {nearest}"
        )
    local = batch_size // count
    if local % micro_batches:
        fitting = ", ".join(str(n) for n in range(1, local + 1) if local % n == 0)
        raise ConfigError(
            f"micro_batches = {micro_batches}: must divide the {local} rows of each of the {count} "
            f"devices: one of {fitting}"
        )


def replicate(tree: PyTree, devices: Sequence[jax.Device]) -> PyTree:
    """Place a tree whole on each of this process's devices. Leaves are copied: none aliases."""
    return _copied(jax.device_put(tree, _sharding(devices)))


@jax.jit
def _copied(tree: PyTree) -> PyTree:
    """In one program, where each shape by itself would have one."""
    return jax.tree.map(jnp.copy, tree)


def shard(tree: PyTree, devices: Sequence[jax.Device]) -> PyTree:
    """Split host arrays `[steps, rows, ...]` into `[devices, steps, rows / devices, ...]`.

    Rows and devices are those of this process: see `own_rows`.
    """
    count = len(own(devices))

    def split(leaf: np.ndarray) -> np.ndarray:
        steps, rows, *sample = leaf.shape
        local = leaf.reshape(steps, count, rows // count, *sample)
        return np.ascontiguousarray(np.moveaxis(local, 1, 0))

    return jax.device_put(jax.tree.map(split, tree), _sharding(devices, AXIS))


def own_copy(tree: PyTree, devices: Sequence[jax.Device]) -> PyTree:
    """A replicated tree as arrays of this process's devices alone; nothing is copied.

    It goes with the original: a step that is given that one to use up uses this one up too.
    """
    sharding, mine = _sharding(devices), own(devices)

    def local(leaf: Array) -> Array:
        held = {shard.device: shard.data for shard in leaf.addressable_shards}
        shards = [held[device] for device in mine]
        return jax.make_array_from_single_device_arrays(leaf.shape, sharding, shards)

    return jax.tree.map(local, tree)


def replicated_step(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]], devices: Sequence[jax.Device]
) -> CompiledStep:
    """Compile `step(state, local_batch) -> (state, metrics)` for all the devices at once.

    With the options of `compile_options`, when it is first called.

    Args:
        step: a pure function of replicated state and this device's share of the batch. What it
            returns must not depend on the device: take `mean` over the axis first.
        devices: the devices to run on.

    Returns:
        The compiled step. Its state is donated: the old one can't be used again.
    """
    mapped = jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0),
        out_axes=(None, None),
        donate_argnums=(0,),
        devices=devices,
    )
    return CompiledStep(mapped)


def checked_step(
    step: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]], devices: Sequence[jax.Device]
) -> Callable[[PyTree, PyTree], tuple[PyTree, PyTree]]:
    """Compile a step that stops at the first operation that makes a NaN. Much slower.

    Without the options of `compile_options`, so that sums may be rounded otherwise.

    Raises (the step that is returned):
        NonFiniteError: naming the operation on each device where it made a NaN.
    """
    compiled = jax.pmap(
        checkify.checkify(step, errors=checkify.nan_checks),
        axis_name=AXIS,
        in_axes=(None, 0),
        out_axes=(0, (None, None)),
        devices=devices,
    )

    def checked(state: PyTree, batches: PyTree) -> tuple[PyTree, PyTree]:
        error, result = compiled(state, batches)
        with jax.transfer_guard("allow"):
            message = error.get()
        if message is not None:
            raise NonFiniteError(message)
        return result

    return checked


def spread(
    function: Callable[[PyTree, PyTree], PyTree], devices: Sequence[jax.Device]
) -> Callable[[PyTree, PyTree], PyTree]:
    """Compile `function(params, rows) -> rows` with its rows split over devices; no gradients.

    Args:
        function: works on each row alone, whatever the other rows are.
        devices: the devices to run on. Each holds all of `params`; their number must divide the
            number of rows.
    """
    whole, split = _sharding(devices), _sharding(devices, AXIS)
    compiled = jax.jit(function, in_shardings=(whole, split), out_shardings=split)
    return lambda params, rows: compiled(params, jax.device_put(rows, split))


def chunks(tree: Any, size: int) -> list[Any]:
    """Cut a tree of `[n, ...]` arrays into pieces of one length, the last filled with first rows.

    Args:
        tree: of NumPy arrays.
        size: of a piece; a multiple of the devices that share it.
    """
    n = len(jax.tree.leaves(tree)[0])
    pieces = (np.arange(start, start + size) % n for start in range(0, n, size))
    return [jax.tree.map(lambda leaf, rows=rows: leaf[rows], tree) for rows in pieces]


def gather(local: Shaped[Array, "local *rest"]) -> Shaped[Array, "batch *rest"]:
    """Gather all the devices' rows, in the order of the global batch (inside a step only)."""
    return jax.lax.all_gather(local, AXIS, tiled=True)


def mean(tree: PyTree) -> PyTree:
    """Take the mean over devices (inside a step only)."""
    return jax.lax.pmean(tree, AXIS)


def highest(numbers: Int[Array, "..."]) -> Int[Array, ""]:
    """Take the highest of these numbers on all devices (inside a step only)."""
    return jax.lax.pmax(numbers.max(), AXIS)


def row_ids(local_size: int) -> Int[Array, " local"]:
    """The rows of the global batch that this device holds (inside a step only)."""
    return jax.lax.axis_index(AXIS) * local_size + jnp.arange(local_size)


DEVICES = Axis(gather, mean, row_ids)
"""For a step that `replicated_step` or `checked_step` compiles."""


def fetch(tree: PyTree) -> Any:
    """Bring a replicated tree to the host as NumPy arrays; waits until it is computed."""
    return jax.device_get(tree)


def max_in_flight(devices: Sequence[jax.Device]) -> int:
    """Number of dispatches that may run at once.

    Two keep an accelerator busy while the host prepares the next batch. XLA's CPU backend
    deadlocks when collectives of several dispatches share its few threads, so there it is one.
    """
    return 1 if devices[0].platform == "cpu" else 2
