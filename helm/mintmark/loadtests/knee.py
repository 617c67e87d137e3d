"""The search for the knee: more users step by step, until the slowest percent takes longer than a limit."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Seen(NamedTuple):
    """The figures at the end of a step.

    Args:
        users: The number of users.
        rate: Requests per second.
        p99: Milliseconds, over the last seconds of the step.
        failures: Failures per second.
    """

    users: int
    rate: float
    p99: float
    failures: float


@dataclass
class Steps:
    """The steps of the search.

    Args:
        users: Users that each step adds.
        seconds: Length of a step.
        limit: The highest p99 in milliseconds.
        most: The most steps.
        seen: The figures of past steps.
    """

    users: int
    seconds: float
    limit: float
    most: int = 60
    seen: list[Seen] = field(default_factory=list)

    def wanted(self, now: float, rate: float, p99: float, failures: float) -> int | None:
        """Return the number of users at ``now`` (seconds since the start); None when the limit is exceeded."""
        step = len(self.seen) + 1
        if now < step * self.seconds:
            return step * self.users
        self.seen.append(Seen(step * self.users, rate, p99, failures))
        if p99 > self.limit or failures > 0 or step >= self.most:
            return None
        return (step + 1) * self.users

    @property
    def knee(self) -> Seen | None:
        """Return the last step within the limit and without failures; None where there was none."""
        good = [step for step in self.seen if step.p99 <= self.limit and step.failures == 0]
        return good[-1] if good else None

    def summary(self) -> str:
        """Return the steps and the knee as text."""
        lines = [f"{'users':>8} {'requests/s':>12} {'p99 ms':>8} {'failures/s':>12}"]
        lines += [f"{step.users:>8} {step.rate:>12.0f} {step.p99:>8.0f} {step.failures:>12.1f}" for step in self.seen]
        knee = self.knee
        if knee is None:
            lines.append(f"No step stayed within {self.limit:.0f} ms.")
        else:
            lines.append(f"The knee: {knee.users} users, {knee.rate:.0f} requests/s, p99 {knee.p99:.0f} ms.")
            if knee is self.seen[-1]:
                lines.append("The limit was not passed: the knee lies beyond.")
        return "\n".join(lines)
