"""What holds for every test. Where live tests are required, one that is skipped has failed."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a wall-clock time, so a slow machine makes none fail: no deadline, no check of speed.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", PATIENT, max_examples=100)
settings.register_profile("deep", PATIENT, max_examples=10_000)
# Chosen with --hypothesis-profile=deep.
settings.load_profile("default")

REQUIRE_LIVE = os.environ.get("OSTIARY_REQUIRE_LIVE") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a live test into a failure in CI: there everything it needs is installed."""
    report = yield
    if REQUIRE_LIVE and report.skipped and item.get_closest_marker("live") is not None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and live tests are required here: {report.longrepr}"
    return report
