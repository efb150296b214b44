# Copyright (c) 2026, The progressive.aws team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name a series."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of C(wiring.SERIES)."""

    DOCUMENTATION = r"""
options:
  application:
    description:
      - The application, the first part of the name of the series, as V(shop) in C(shop__checkout__prod).
      - In all three parts, each of C(- | + * / \ & $ " ' .) and space becomes two underscores.
      - Required together with O(service) and O(environment), unless O(series) is given.
    type: str
  service:
    description:
      - The service, the second part of the name of the series.
    type: str
  environment:
    description:
      - The environment, the third part of the name of the series.
    type: str
  series:
    description:
      - The name of the series, such as C(shop__checkout__prod), in place of its three parts.
      - A series is all the groups of one application, service and environment, each of them a revision.
    type: str
  series_renamed:
    description:
      - Whether a series whose revisions were made for another O(application), O(service) or O(environment) is this one
        nevertheless, because it was renamed on purpose.
      - Otherwise it is refused, since V(check-out) and V(check.out) give the same name, and are two services.
    type: bool
    default: false
"""
