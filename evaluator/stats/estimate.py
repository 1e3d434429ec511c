"""What every figure is: a value with its interval, and how that was got."""

from typing import Literal, NamedTuple

Method = Literal["t", "clustered-t", "wilson", "bca", "clustered-bca", "bootstrap", "glm", "none"]


class Estimate(NamedTuple):
    """A figure and its 95 % interval; both ends are None where there are too few to say."""

    value: float
    low: float | None
    high: float | None
    se: float | None
    """Standard error; of clustered figures by clusters."""
    n: int
    """Values behind it."""
    clusters: int
    """Questions behind them."""
    method: Method

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit."""
        low, high, se = (None if part is None else part * factor for part in (self.low, self.high, self.se))
        return self._replace(value=self.value * factor, low=low, high=high, se=se)
