# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What load balancers publish.

Quotations: "CloudWatch metrics for your Application Load Balancer" and "... for your Classic Load Balancer".
"""

from __future__ import annotations

import pytest

from tests.unit.sandbox.metrics import Points, Sandbox, metric, refused

BLUE = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/1"
GREEN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/green/2"
BALANCER = "app/shop/3"
ALL = {"LoadBalancer": BALANCER}
OF_BLUE = {"LoadBalancer": BALANCER, "TargetGroup": "targetgroup/blue/1"}
OF_GREEN = {"LoadBalancer": BALANCER, "TargetGroup": "targetgroup/green/2"}
CLASSIC = {"LoadBalancerName": "old"}


@pytest.fixture
def aws() -> Sandbox:
    """Ten minutes past noon; two blue instances behind a load balancer since before noon, and a green one."""
    sandbox = Sandbox(after=600)
    for name in ("i-1", "i-2", "i-3"):
        sandbox.instance(name, image="ami-green" if name == "i-3" else "ami-blue")
    sandbox.world.images["ami-blue"] = {"requests_per_second": 20.0, "error_rate": 0.0}
    sandbox.world.images["ami-green"] = {"requests_per_second": 20.0, "error_rate": 0.25}
    for name in ("i-1", "i-2"):
        sandbox.serve(name, BLUE, [BALANCER], since=-600)
    sandbox.serve("i-3", GREEN, [BALANCER], since=-600)
    return sandbox


def read(
    aws: Sandbox, name: str, of: dict[str, str], stat: str = "Sum", end: float = 600, period: int = 60
) -> Points:
    namespace = "AWS/ELB" if "LoadBalancerName" in of else "AWS/ApplicationELB"
    return aws.read(metric(name, stat, namespace=namespace, dimensions=of, period=period), end=end)


def total(aws: Sandbox, name: str, of: dict[str, str], stat: str = "Sum") -> float:
    ((_, value),) = read(aws, name, of, stat, period=600)
    return value


def test_requests_are_those_to_the_targets(aws: Sandbox) -> None:
    assert total(aws, "RequestCount", OF_BLUE) == pytest.approx(2 * 20 * 600, rel=0.03)
    assert total(aws, "RequestCount", ALL) == total(aws, "RequestCount", OF_BLUE) + total(
        aws, "RequestCount", OF_GREEN
    )


def test_a_request_to_the_load_balancer_is_the_instances_request(aws: Sandbox) -> None:
    own = aws.read(metric("Requests", "Sum", namespace="Shop", dimensions={"InstanceId": "i-3"}))
    assert read(aws, "RequestCount", OF_GREEN) == own


def test_each_request_is_either_good_or_bad(aws: Sandbox) -> None:
    requests = total(aws, "RequestCount", OF_GREEN)
    bad = total(aws, "HTTPCode_Target_5XX_Count", OF_GREEN)
    assert bad / requests == pytest.approx(0.25, rel=0.1)
    assert total(aws, "HTTPCode_Target_2XX_Count", OF_GREEN) == requests - bad


def test_counts_are_samples_of_one(aws: Sandbox) -> None:
    """ "The most useful statistic is Sum. Minimum, Maximum, and Average all return 1"."""
    for stat in ("Minimum", "Maximum", "Average"):
        assert total(aws, "RequestCount", ALL, stat) == 1
    assert total(aws, "RequestCount", ALL, "SampleCount") == total(aws, "RequestCount", ALL)


def test_what_did_not_happen_is_not_reported(aws: Sandbox) -> None:
    """ "Reporting criteria: There is a nonzero value"."""
    assert read(aws, "HTTPCode_Target_5XX_Count", OF_BLUE) == []
    assert len(read(aws, "HTTPCode_Target_5XX_Count", ALL)) == 10


def test_response_times_are_those_of_the_images_in_seconds(aws: Sandbox) -> None:
    aws.world.images["ami-blue"] |= {"latency": {"median": 0.1, "sigma": 0.1}}
    aws.world.images["ami-green"] |= {"latency": {"median": 0.4, "sigma": 0.1}}
    assert total(aws, "TargetResponseTime", OF_BLUE, "p50") == pytest.approx(0.1, rel=0.05)
    assert total(aws, "TargetResponseTime", OF_GREEN, "p50") == pytest.approx(0.4, rel=0.05)
    assert total(aws, "TargetResponseTime", ALL, "p99") == pytest.approx(0.5, rel=0.15)
    assert total(aws, "TargetResponseTime", ALL, "SampleCount") == pytest.approx(
        total(aws, "RequestCount", ALL)
    )


def test_requests_per_target_are_an_average(aws: Sandbox) -> None:
    """ "The only valid statistic is Sum. This represents the average not the sum"."""
    for of in ({"TargetGroup": "targetgroup/blue/1"}, OF_BLUE):
        found = read(aws, "RequestCountPerTarget", of)
        requests = read(aws, "RequestCount", OF_BLUE)
        assert found == [(at, count / 2) for at, count in requests]


def test_a_target_that_is_gone_is_not_divided_by(aws: Sandbox) -> None:
    aws.world.intervals[0].healthy_until = aws.world.now() - 300
    requests, each = (dict(read(aws, name, OF_BLUE)) for name in ("RequestCount", "RequestCountPerTarget"))
    assert (each[240], each[300]) == (requests[240] / 2, requests[300])


def test_healthy_hosts_are_counted_as_they_come_and_go(aws: Sandbox) -> None:
    aws.instance("i-4")
    aws.serve("i-4", BLUE, [BALANCER], since=150, until=300)
    assert [value for _, value in read(aws, "HealthyHostCount", OF_BLUE, "Maximum")][:6] == [2, 2, 3, 3, 3, 2]
    assert [value for _, value in read(aws, "HealthyHostCount", OF_BLUE, "Minimum")][:6] == [2, 2, 2, 3, 3, 2]


def test_a_target_group_that_loses_all_its_targets_has_none(aws: Sandbox) -> None:
    aws.world.intervals[2].healthy_until = aws.world.now() - 300
    found = read(aws, "HealthyHostCount", OF_GREEN, "Maximum")
    assert found[-3:] == [(420, 0), (480, 0), (540, 0)]
    assert read(aws, "RequestCount", OF_GREEN)[-1][0] == 240


def test_only_healthy_targets_get_requests(aws: Sandbox) -> None:
    aws.world.intervals[0].healthy_from = aws.world.now() - 300
    found = dict(read(aws, "RequestCount", OF_BLUE))
    assert found[0] == pytest.approx(20 * 60, rel=0.15)
    assert found[360] == pytest.approx(2 * 20 * 60, rel=0.15)


def test_a_minute_is_published_when_it_is_over() -> None:
    """ "Elastic Load Balancing measures and sends its metrics in 60-second intervals"."""
    aws = Sandbox(after=179)
    aws.instance("i-1")
    aws.serve("i-1", BLUE, [BALANCER], since=0)
    assert [at for at, _ in read(aws, "RequestCount", ALL)] == [0, 60]
    aws.pass_time(1)
    assert [at for at, _ in read(aws, "RequestCount", ALL)] == [0, 60, 120]
    assert read(aws, "RequestCount", ALL, period=10)[0][0] == 0
    assert len(read(aws, "RequestCount", ALL, period=10)) == 3


def test_an_instance_in_two_target_groups_serves_each_request_once(aws: Sandbox) -> None:
    before = total(aws, "RequestCount", ALL)
    aws.serve("i-3", BLUE, [BALANCER], since=-600)
    assert total(aws, "RequestCount", ALL) == before


@pytest.mark.parametrize(
    "name, of",
    [
        ("RequestCount", {"TargetGroup": "targetgroup/blue/1"}),
        ("HealthyHostCount", ALL),
        ("RequestCountPerTarget", ALL),
        ("RequestCount", {}),
        ("RequestCount", {"LoadBalancer": "app/other/4"}),
        ("RequestCount", {"LoadBalancer": BALANCER, "TargetGroup": BLUE}),
        ("RequestCount", {"LoadBalancerName": "shop"}),
    ],
)
def test_other_combinations_of_dimensions_have_no_data(aws: Sandbox, name: str, of: dict[str, str]) -> None:
    assert read(aws, name, of) == []


def test_a_classic_load_balancer_has_metrics_of_its_own() -> None:
    aws = Sandbox(after=600)
    aws.world.images["ami-1"] = {"requests_per_second": 50.0, "error_rate": 0.1, "latency": {"median": 0.3}}
    aws.instance("i-1")
    aws.serve("i-1", "old", ["old"], since=-600)
    assert total(aws, "RequestCount", CLASSIC) == pytest.approx(50 * 600, rel=0.03)
    assert total(aws, "HTTPCode_Backend_5XX", CLASSIC) == pytest.approx(5 * 600, rel=0.06)
    assert total(aws, "Latency", CLASSIC, "p50") == pytest.approx(0.3, rel=0.05)
    assert total(aws, "HealthyHostCount", CLASSIC, "Average") == 1
    good = total(aws, "HTTPCode_Backend_2XX", CLASSIC)
    assert good == total(aws, "RequestCount", CLASSIC) - total(aws, "HTTPCode_Backend_5XX", CLASSIC)
    listed = aws.call("ListMetrics", Namespace="AWS/ELB")["Metrics"]
    assert {one["Dimensions"][0]["Value"] for one in listed} == {"old"}


def test_metrics_of_load_balancers_are_listed_as_long_as_they_had_data(aws: Sandbox) -> None:
    listed = aws.call("ListMetrics", Namespace="AWS/ApplicationELB", MetricName="RequestCount")["Metrics"]
    assert [{d["Name"]: d["Value"] for d in one["Dimensions"]} for one in listed] == [ALL, OF_BLUE, OF_GREEN]
    for interval in aws.world.intervals:
        interval.healthy_until = aws.world.now()
    aws.pass_time(15 * 86_400)
    assert aws.call("ListMetrics", Namespace="AWS/ApplicationELB")["Metrics"] == []


def test_zones_are_not_modelled(aws: Sandbox) -> None:
    with refused("SandboxNotModelled", "AvailabilityZone"):
        read(aws, "RequestCount", {**ALL, "AvailabilityZone": "us-east-1a"})
