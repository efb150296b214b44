# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of M(progressive.aws.canary_notify): see reconcile.py."""

from __future__ import annotations

from ansible_collections.progressive.aws.plugins.plugin_utils.reconcile import ActionModule

__all__ = ["ActionModule"]
