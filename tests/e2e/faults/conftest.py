"""What the tests say in common is shown like their own when it is not so."""

import pytest

pytest.register_assert_rewrite("tests.e2e.faults.course")
