"""Nobody works here but the controllers that a test starts: an outage would end the one that all tests share."""

import pytest

pytest.register_assert_rewrite("tests.e2e.faults.course", "tests.e2e.outages.replicas")


@pytest.fixture(scope="session")
def controller() -> None:
    """None that is shared."""
