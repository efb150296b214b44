# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon CloudWatch: metrics that are sent or published, queries over them, and alarms, after its API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.cloudwatch.alarms import Alarms
from tests.sandbox.cloudwatch.listing import list_metrics
from tests.sandbox.cloudwatch.query import Queries, get_metric_statistics
from tests.sandbox.cloudwatch.store import Store
from tests.sandbox.errors import not_modelled
from tests.sandbox.metrics.catalogue import Catalogue

if TYPE_CHECKING:
    from tests.sandbox.world import World

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class CloudWatch:
    """The service: the metrics that were sent, and its alarms."""

    def __init__(self, world: World) -> None:
        """Begin without metrics and alarms."""
        self._world = world
        self._store = Store()
        self._queries = Queries()
        self.alarms = Alarms(world, self.catalogue)
        self._operations: dict[str, Operation] = {
            "PutMetricData": lambda given: self._store.put(given, world.now()),
            "GetMetricData": lambda given: self._queries.get_metric_data(
                self.catalogue(), given, world.now()
            ),
            "GetMetricStatistics": lambda given: get_metric_statistics(self.catalogue(), given, world.now()),
            "ListMetrics": lambda given: list_metrics(self.catalogue(), given, world.now()),
            **self.alarms.operations(),
        }
        world.on_tick.append(self.alarms.tick)

    def handle(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Do an operation of the service."""
        if operation not in self._operations:
            raise not_modelled(f"cloudwatch:{operation}")
        return self._operations[operation](parameters)

    def catalogue(self) -> Catalogue:
        """Return all metrics as they are now."""
        return Catalogue(self._world, self._store)
