"""The simplex search of Nelder and Mead (1965): a minimum of a function of a few numbers, without derivatives."""

from collections.abc import Callable, Sequence

Point = tuple[float, ...]
Function = Callable[[Point], float]


def minimum(function: Function, start: Sequence[float], *, step: float = 0.5, precision: float = 1e-7) -> Point:
    """Where `function` is least near `start`; stops when all corners of the simplex agree to `precision`."""
    points = [tuple(start)]
    points += [(*start[:i], start[i] + step, *start[i + 1 :]) for i in range(len(start))]
    simplex = sorted((function(point), point) for point in points)
    for _ in range(1_000):
        best, worst = simplex[0], simplex[-1]
        spread = max(abs(x - y) for _, point in simplex for x, y in zip(point, best[1], strict=True))
        if spread < precision and worst[0] - best[0] < precision:
            break
        simplex = sorted(_stepped(function, simplex))
    return simplex[0][1]


def _stepped(function: Function, simplex: list[tuple[float, Point]]) -> list[tuple[float, Point]]:
    """The simplex with its worst corner reflected, stretched or drawn in, or all drawn to the best one."""
    *rest, worst = simplex
    middle = tuple(sum(values) / len(rest) for values in zip(*(point for _, point in rest), strict=True))

    def along(factor: float) -> tuple[float, Point]:
        point = tuple(m + factor * (w - m) for m, w in zip(middle, worst[1], strict=True))
        return function(point), point

    reflected = along(-1)
    if reflected[0] < simplex[0][0]:
        return [*rest, min(reflected, along(-2))]
    if reflected[0] < rest[-1][0]:
        return [*rest, reflected]
    drawn_in = along(-0.5) if reflected[0] < worst[0] else along(0.5)
    if drawn_in[0] < min(reflected[0], worst[0]):
        return [*rest, drawn_in]
    best = simplex[0][1]
    halfway = [tuple((x + y) / 2 for x, y in zip(point, best, strict=True)) for _, point in simplex[1:]]
    return [simplex[0], *((function(point), point) for point in halfway)]
