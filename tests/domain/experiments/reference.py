"""SciPy's answers to the questions that domain/experiments answers by the standard library."""

from scipy import stats


def chi_square_tail(x: float, freedom: int) -> float:
    return float(stats.chi2.sf(x, freedom))


def t_two_sided(t: float, freedom: float) -> float:
    return float(2 * stats.t.sf(abs(t), freedom))


def t_quantile(confidence: float, freedom: float) -> float:
    return float(stats.t.ppf(0.5 + confidence / 2, freedom))


def pearson_p(table: list[list[int]]) -> float:
    """Of a contingency table, without Yates' correction."""
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def welch_p(a: list[float], b: list[float]) -> float:
    return float(stats.ttest_ind(a, b, equal_var=False).pvalue)


def goodness_p(observed: list[int], expected: list[float]) -> float:
    return float(stats.chisquare(observed, expected).pvalue)


def katz(a: tuple[int, int], b: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of b's rate divided by a's; each is successes and number."""
    found = stats.contingency.relative_risk(b[0], b[1], a[0], a[1]).confidence_interval(0.95)
    return float(found.low), float(found.high)
