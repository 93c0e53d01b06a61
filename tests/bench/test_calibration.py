"""What docs/predictions.md says of real purchases is what the model says of them today."""

import pytest

from app.settings import CHECKOUT
from bench.calibration import calibrated, plot, purchases, table
from tests.cdnow import FOLDER


def test_the_document_tells_what_the_model_does() -> None:
    files = FOLDER / "cdnow_orders.csv", FOLDER / "cdnow_sample_customers.txt"
    if not all(file.exists() for file in files):
        pytest.skip("the shared data is not beside the checkout")
    groups = calibrated(purchases(*files))
    assert table(groups) in (CHECKOUT / "docs" / "predictions.md").read_text()
    assert plot(groups).count("<circle") == 2 * len(groups) + 2
