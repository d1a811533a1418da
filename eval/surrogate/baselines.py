"""What engineers would use in a network's place: Gaussian processes, ridge on residuals."""

import warnings

import numpy as np
from jaxtyping import Float
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV

RIDGES = np.logspace(-3, 3, 13)
RESTARTS = 2

Inputs = Float[np.ndarray, "n d"]
Outputs = Float[np.ndarray, " n"]


def gaussian_process(
    inputs: Inputs, outputs: Outputs, test_inputs: Float[np.ndarray, "m d"], seed: int
) -> Float[np.ndarray, " m"]:
    """The mean of a Gaussian process fitted to the points alone.

    A squared exponential with a length for each input, and white noise, all by maximum likelihood.

    Args:
        inputs: standardized.
        outputs: of any scale: it is standardized within.
        test_inputs: where to predict.
        seed: of the starts of the likelihood's maximization.
    """
    lengths = np.ones(inputs.shape[1])
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * RBF(lengths, (1e-1, 1e2))
    kernel += WhiteKernel(1e-2, (1e-5, 1.0))
    process = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=RESTARTS, random_state=seed
    )
    with warnings.catch_warnings():  # lengths at their bounds: an input that does not matter
        warnings.simplefilter("ignore", ConvergenceWarning)
        return process.fit(inputs, outputs).predict(test_inputs)


def ridge(
    inputs: Inputs, outputs: Outputs, test_inputs: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, " m"]:
    """A linear model whose ridge is chosen by leave-one-out cross-validation.

    Args:
        inputs: standardized.
        outputs: standardized; of residuals, those of the points over the source's predictions.
        test_inputs: where to predict.
    """
    return RidgeCV(RIDGES).fit(inputs, outputs).predict(test_inputs)
