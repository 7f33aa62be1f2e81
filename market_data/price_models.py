"""Models of joint monthly log prices, calibrated on a history: what future months may bring, and how sure that is.

    x_t = ln(price in yuan/t) at month t;  a factor is price at month t over today's price, exp(x_t - x_0)

Block bootstrap     `block_bootstrap`: the months that were, in blocks, shuffled
Mean-reverting      `mean_reversion`: x' = x + (1 - b)(theta - x) + e

Both give `log_factors`: shape (instruments, months, draws), draw by draw the same whatever else is asked (see
`random_streams`). An instrument whose history is too short is left flat, with a finding. How well they do: `backtest`.
Here lives the choice between them.
"""

from typing import Literal, get_args

from market_data.block_bootstrap import BlockBootstrap, Drift, block_bootstrap
from market_data.mean_reversion import MeanReverting, mean_reverting
from market_data.price_statistics import PriceHistory
from optimizer.errors import BadInput
from optimizer.findings import fault

type ModelKind = Literal["bootstrap", "mean-reverting"]
MODEL_KINDS: tuple[str, ...] = get_args(ModelKind.__value__)
type PriceModel = BlockBootstrap | MeanReverting


def calibrate(
    history: PriceHistory,
    kind: ModelKind,
    *,
    block_months: int | None = None,
    drift: Drift = "removed",
    correct_bias: bool = True,
) -> PriceModel:
    """A model of monthly prices, with everything it rests on.

    `block_months` and `drift` are the bootstrap's, `correct_bias` is the mean-reverting model's. Both defaults are what
    did better on held-out months of real prices: the mean of a few years' returns says next to nothing about the next.

    Without `block_months` the blocks have n^(1/3) months, rounded up: the rate at which bias and variance of the block
    bootstrap balance (Kuensch 1989; Hall, Horowitz and Jing 1995), with 1 for the unknown constant.

    Raises:
        BadInput: an unknown kind or drift, or blocks longer than the sample.
    """
    found = [
        fault(
            "choice",
            f"应为以下之一: {', '.join(known)}",
            f"should be one of: {', '.join(known)}",
            path=path,
            value=value,
        )
        for path, value, known in (("model", kind, MODEL_KINDS), ("drift", drift, get_args(Drift.__value__)))
        if value not in known
    ]
    if found:
        raise BadInput(found)
    if kind == "bootstrap":
        return block_bootstrap(history, block_months, drift)
    return mean_reverting(history, correct_bias)
