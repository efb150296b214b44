# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All metrics there are: those that were sent, and those that AWS services publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.sandbox.cloudwatch.lateness import arrived
from tests.sandbox.cloudwatch.series import Metric, MetricKey, Series, Window, aggregate
from tests.sandbox.cloudwatch.store import Store
from tests.sandbox.cloudwatch.validation import words
from tests.sandbox.errors import not_modelled
from tests.sandbox.metrics import load_balancing as load_balancing
from tests.sandbox.metrics import published as published

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: Metrics that AWS publishes and the sandbox does not: asking for one must not look like "no data".
_REFUSED = {
    published.EC2: words(
        """CPUCreditBalance CPUCreditUsage CPUSurplusCreditBalance CPUSurplusCreditsCharged DiskReadBytes
        DiskReadOps DiskWriteBytes DiskWriteOps EBSReadBytes EBSReadOps EBSWriteBytes EBSWriteOps
        EBSByteBalance% EBSIOBalance% MetadataNoToken MetadataNoTokenRejected NetworkPacketsIn
        NetworkPacketsOut StatusCheckFailed_AttachedEBS StatusCheckFailed_System"""
    ),
    load_balancing.ALB: words(
        """ActiveConnectionCount AnomalousHostCount ClientTLSNegotiationErrorCount ConsumedLCUs
        HTTPCode_ELB_3XX_Count HTTPCode_ELB_4XX_Count HTTPCode_ELB_500_Count HTTPCode_ELB_502_Count
        HTTPCode_ELB_503_Count HTTPCode_ELB_504_Count HTTPCode_ELB_5XX_Count HTTPCode_Target_3XX_Count
        HTTPCode_Target_4XX_Count HealthyStateDNS HealthyStateRouting IPv6ProcessedBytes IPv6RequestCount
        MitigatedHostCount NewConnectionCount PeakLCUs ProcessedBytes RejectedConnectionCount RuleEvaluations
        TargetConnectionErrorCount TargetTLSNegotiationErrorCount UnHealthyHostCount UnhealthyRoutingRequestCount
        UnhealthyStateDNS UnhealthyStateRouting"""
    ),
    load_balancing.CLASSIC: words(
        """BackendConnectionErrors EstimatedALBActiveConnectionCount EstimatedALBConsumedLCUs
        EstimatedALBNewConnectionCount EstimatedProcessedBytes HTTPCode_Backend_3XX HTTPCode_Backend_4XX
        HTTPCode_ELB_4XX HTTPCode_ELB_5XX SpilloverCount SurgeQueueLength UnHealthyHostCount"""
    ),
    # There is no queue here, so that none has any data.
    "AWS/SQS": words(""),
}


def check_modelled(key: MetricKey) -> None:
    """Raise not_modelled for a metric that AWS would have and the sandbox has not.

    A name that AWS does not know either is no error: CloudWatch answers it with no data.
    """
    if not key.namespace.startswith("AWS/"):
        return
    refused = _REFUSED.get(key.namespace)
    if refused is None:
        raise not_modelled(f"the metrics of namespace {key.namespace}")
    if key.name in refused:
        raise not_modelled(f"the metric {key.name} of {key.namespace}")
    if key.dimension("AvailabilityZone") is not None:
        raise not_modelled(f"the dimension AvailabilityZone of {key.namespace}")


class Catalogue:
    """The metrics as they are at one moment."""

    def __init__(self, world: World, store: Store) -> None:
        """Look at the world once."""
        self._store = store
        self._snapshot = published.Snapshot(world)
        self._completing = world.settings.completing_seconds

    def find(self, key: MetricKey) -> list[Metric]:
        """Return the metric of this key in each of its units; empty if it has no data."""
        found: list[Metric] = [*self._store.find(key)]
        make = published.INSTANCE_METRICS.get((key.namespace, key.name))
        if make is not None:
            instances = published.instances_of(self._snapshot, key)
            if instances:
                found.append(make(instances))
        balanced = load_balancing.load_balancer_metric(self._snapshot, key)
        if balanced is not None:
            found.append(balanced)
        return found

    def keys(self, since: float) -> list[MetricKey]:
        """Return the keys of all metrics with data since then (epoch seconds), sorted."""

        def all_keys() -> Iterator[MetricKey]:
            yield from self._store.keys(since)
            yield from published.instance_keys(self._snapshot, since)
            yield from load_balancing.load_balancer_keys(self._snapshot, since)

        return sorted(set(all_keys()))

    def read(self, key: MetricKey, statistic: str, unit: str | None, window: Window) -> Series:
        """Return a statistic of a metric over the periods of a window.

        A unit other than that of the data gives no data: CloudWatch converts nothing. Without one, "if the
        metric is published with multiple types of units", what it does "is not defined" (PutMetricAlarm).
        """
        found = self.find(key)
        if unit is None and len({metric.unit for metric in found}) > 1:
            raise not_modelled(f"reading {key.name}, which has several units, without a Unit")
        columns = [
            column
            for metric in found
            if unit in (None, metric.unit)
            for column in metric.columns(window.start, window.end, window.now)
        ]
        if self._completing:
            columns = list(arrived(columns, key, window.now, self._completing))
        timestamps, values = aggregate(columns, window, statistic)
        return Series(timestamps, values, window.period, key.label, key)

    def units(self, key: MetricKey) -> list[str]:
        """Return the units that a metric has data in."""
        return sorted({metric.unit for metric in self.find(key)})
