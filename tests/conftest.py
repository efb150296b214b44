# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: how hypothesis draws its examples.

The profile C(ci), the default, draws the same examples in every run, so that a red test is red for everybody.
C(HYPOTHESIS_PROFILE=search) draws other ones each time, and many more, to look for what nobody has thought of.

And what all of them show together: that the collection calls what docs/iam.md allows, and nothing else.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import recorded

# No deadline for one example: the machine that runs the tests may be busy with others.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_differences: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist noted."""
    recorded.note_actions(getattr(node, "workeroutput", {}).get("noted", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Compare what was called with what is allowed; a difference fails the run like a test."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["noted"] = recorded.noted()
        return
    chosen = config.args_source != config.ArgsSource.TESTPATHS or any(
        config.getoption(name) for name in ("keyword", "markexpr", "deselect", "lf", "collectonly")
    )
    complete = not chosen and session.exitstatus == pytest.ExitCode.OK
    _differences.extend(recorded.differences(complete=complete))
    if _differences and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what differs."""
    if _differences:
        terminalreporter.section("docs/iam.md and what was called")
        for line in _differences:
            terminalreporter.line(line)
