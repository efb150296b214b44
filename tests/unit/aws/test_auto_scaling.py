# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of Auto Scaling."""

from __future__ import annotations

from tests.unit.engine import Site


def suspended(site: Site) -> set[str]:
    group = site.shop.group(site.shop.base_group) or {}
    return {one["ProcessName"] for one in group["SuspendedProcesses"]}


def test_no_processes_are_none_and_not_all_of_them(site: Site) -> None:
    autoscaling, name = site.rollout().autoscaling, site.shop.base_group
    autoscaling.suspend(name, ())
    assert suspended(site) == set()
    autoscaling.suspend(name, {"AlarmNotification", "AZRebalance"})
    autoscaling.resume(name, ())
    assert suspended(site) == {"AlarmNotification", "AZRebalance"}
    autoscaling.resume(name, {"AZRebalance"})
    assert suspended(site) == {"AlarmNotification"}
