"""The settings of a memory bank: what the discriminator meets again of earlier steps."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import check_types, not_negative, require
from cgan.config.run_config import BATCH_AT_MOST
from cgan.config.setting import AllBut, check_read, setting

BankOf = Literal["embeddings", "samples"]


@dataclass(frozen=True)
class Bank:
    """Samples of earlier steps, as further negatives of the discriminator. See docs/bank.md."""

    size: int = 0
    """Samples that are kept, a multiple of the batch; 0 keeps none."""
    of: BankOf = setting("embeddings", read_by={"size": AllBut(0)})
    """Keep embeddings of reals and fakes as they were, or fakes to be scored anew by the batch."""

    def __post_init__(self) -> None:
        check_types(self, "bank.")
        not_negative(self, "bank.", "size", at_most=BATCH_AT_MOST)
        check_read(self, "bank.")

    @property
    def is_off(self) -> bool:
        """Whether nothing is kept."""
        return self.size == 0

    def check_whole_batches(self, batch_size: int) -> None:
        """Refuse a size that is no multiple of the batch: each step writes one as a whole.

        Raises:
            ConfigError: naming the nearest sizes that would do.
        """
        lower = self.size // batch_size * batch_size
        nearest = f"{lower} or {lower + batch_size}" if lower else f"{batch_size}"
        expected = f"a multiple of batch_size = {batch_size}; the nearest is {nearest}"
        require(self.size % batch_size == 0, "bank.size", self.size, expected)

    def check_shorter(self, batch_size: int, samples: int, of_what: str) -> None:
        """Refuse a bank of reals that is not shorter than the data less one batch.

        Raises:
            ConfigError: naming the longest that would do.
        """
        longest = max(samples - batch_size - 1, 0) // batch_size * batch_size
        expected = (
            f"at most {longest} with {of_what} and batch_size = {batch_size}: in a longer bank a "
            "real would meet itself as it was in the last epoch"
        )
        require(self.size <= longest, "bank.size", self.size, expected)
