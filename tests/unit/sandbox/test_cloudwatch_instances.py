# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instances publish: as their image's behaviour says, and as EC2's documentation says of its own metrics."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from tests.sandbox.metrics.signals import Behaviour, behaviour_of
from tests.unit.sandbox.metrics import Points, Sandbox, metric, refused

HOUR = 3600


@pytest.fixture
def aws() -> Sandbox:
    """An hour past noon."""
    return Sandbox(after=HOUR)


def read(aws: Sandbox, what: str, stat: str = "Average", end: float = HOUR, **more: Any) -> Points:
    """Return a metric such as ``Shop/Errors`` from its beginning on, of one instance unless told otherwise."""
    namespace, _, name = what.rpartition("/")
    start = more.pop("start", 0.0)
    query = metric(name, stat, namespace=namespace, dimensions=more.pop("of", {"InstanceId": "i-1"}), **more)
    return aws.read(query, start=start, end=end)


def total(aws: Sandbox, what: str, stat: str = "Sum", **more: Any) -> float:
    """Return one number for the whole hour."""
    ((_, value),) = read(aws, what, stat, period=HOUR, **more)
    return value


# --- The behaviour of an image ----------------------------------------------------------------------------


def test_requests_and_errors_come_at_the_rates_of_the_image(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"requests_per_second": 50.0, "error_rate": 0.04}
    aws.instance("i-1")
    requests, errors = total(aws, "Shop/Requests"), total(aws, "Shop/Errors")
    assert requests == pytest.approx(50 * HOUR, rel=0.02)
    assert errors / requests == pytest.approx(0.04, rel=0.1)


def test_rates_may_be_high_or_nothing(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"requests_per_second": 5000.0, "error_rate": 1.0}
    aws.world.images["ami-2"] = {"requests_per_second": 0.0}
    aws.instance("i-1")
    aws.instance("i-2", "ami-2")
    assert total(aws, "Shop/Requests") == total(aws, "Shop/Errors") == pytest.approx(5000 * HOUR, rel=0.01)
    assert total(aws, "Shop/Requests", of={"InstanceId": "i-2"}) == 0
    assert read(aws, "Shop/Latency", of={"InstanceId": "i-2"}) == []


def test_cpu_has_the_mean_spread_and_persistence_of_the_image(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"cpu": {"mean": 60.0, "sd": 5.0, "phi": 0.8}}
    aws.instance("i-1")
    values = [value for _, value in read(aws, "CWAgent/cpu_usage_active", period=1)]
    assert len(values) == HOUR
    assert statistics.fmean(values) == pytest.approx(60, abs=1.5)
    assert statistics.stdev(values) == pytest.approx(5, rel=0.15)
    assert statistics.correlation(values[:-1], values[1:]) == pytest.approx(0.8, abs=0.05)


def test_cpu_stays_between_0_and_100_percent(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"cpu": {"mean": 98.0, "sd": 30.0}}
    aws.instance("i-1")
    assert total(aws, "CWAgent/cpu_usage_active", "Maximum") == 100
    assert total(aws, "CWAgent/cpu_usage_active", "Minimum") >= 0


def test_latencies_are_those_of_the_image(aws: Sandbox) -> None:
    """A log-normal distribution: its 97.7th percentile is the median times e to twice sigma."""
    aws.world.images["ami-1"] = {"latency": {"median": 0.2, "sigma": 0.5}}
    aws.instance("i-1")
    assert total(aws, "Shop/Latency", "p50") == pytest.approx(0.2, rel=0.03)
    assert total(aws, "Shop/Latency", "p97.72") == pytest.approx(0.2 * 2.71828, rel=0.06)
    assert total(aws, "Shop/Latency", "SampleCount") == pytest.approx(total(aws, "Shop/Requests"))


def test_some_requests_are_slow(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {
        "latency": {"median": 0.1, "sigma": 0.1, "slow_share": 0.05, "slow_factor": 20.0}
    }
    aws.instance("i-1")
    assert total(aws, "Shop/Latency", "p50") == pytest.approx(0.1, rel=0.05)
    assert total(aws, "Shop/Latency", "p98") == pytest.approx(2.0, rel=0.1)
    assert total(aws, "Shop/Latency", "PR(:1)") == pytest.approx(95, abs=0.5)


def test_memory_creeps_up_from_the_launch_on(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"memory": {"start": 40.0, "per_minute": 0.5, "sd": 0.1}}
    aws.instance("i-1", launched=0)
    values = dict(read(aws, "CWAgent/mem_used_percent", period=60))
    assert values[0] == pytest.approx(40.25, abs=0.1)
    assert values[1800] == pytest.approx(55.25, abs=0.1)
    aws.world.images["ami-2"] = {"memory": {"start": 90.0, "per_minute": 1.0}}
    aws.instance("i-2", "ami-2", launched=0)
    assert read(aws, "CWAgent/mem_used_percent", of={"InstanceId": "i-2"})[-1][1] == 100


def test_one_of_some_instances_is_bad(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"error_rate": 0.0, "one_bad": {"every": 3, "error_rate": 0.5}}
    aws.world.images["ami-2"] = {"cpu": {"mean": 10.0}, "one_bad": {"offset": 0, "cpu": {"mean": 90.0}}}
    for number in range(6):
        aws.instance(f"i-a{number}")
        aws.instance(f"i-b{number}", "ami-2")
    errors = [total(aws, "Shop/Errors", of={"InstanceId": f"i-a{number}"}) > 0 for number in range(6)]
    assert errors == [False, False, True] * 2
    cpu = [total(aws, "CWAgent/cpu_usage_active", "Average", of={"InstanceId": f"i-b{n}"}) for n in range(6)]
    assert [value > 50 for value in cpu] == [True, False, False, False, True, False]


def test_an_instance_may_stop_publishing_while_ec2_goes_on(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"stop_after": 600}
    aws.instance("i-1", launched=0)
    for what in ("Shop/Requests", "Shop/Latency", "CWAgent/cpu_usage_active", "CWAgent/mem_used_percent"):
        assert [at for at, _ in read(aws, what)][-1] == 540, what
    assert [at for at, _ in read(aws, "AWS/EC2/CPUUtilization", period=300)][-1] == 3300


def test_status_checks_fail_when_the_image_says_so(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"status_check_failed_after": 1200}
    aws.instance("i-1", launched=0)
    for name in ("StatusCheckFailed", "StatusCheckFailed_Instance"):
        found = dict(read(aws, f"AWS/EC2/{name}", "Maximum"))
        assert (found[1140], found[1200], found[3540]) == (0, 1, 1)


@pytest.mark.parametrize("resolution", [1, 5, 10, 30, 60])
def test_samples_come_in_the_resolution_of_the_image(aws: Sandbox, resolution: int) -> None:
    aws.world.images["ami-1"] = {"resolution": resolution, "requests_per_second": 20.0}
    aws.instance("i-1")
    found = read(aws, "Shop/Requests", "SampleCount", end=600)
    assert found == [(60.0 * number, 60 / resolution) for number in range(10)]
    assert total(aws, "Shop/Requests") == pytest.approx(20 * HOUR, rel=0.02)


def test_an_image_of_which_nothing_is_said_behaves_as_usual(aws: Sandbox) -> None:
    aws.instance("i-1", "ami-unknown")
    usual = Behaviour()
    assert total(aws, "CWAgent/cpu_usage_active", "Average") == pytest.approx(usual.cpu_mean, abs=1)
    assert total(aws, "Shop/Requests") == pytest.approx(usual.requests_per_second * HOUR, rel=0.03)


@pytest.mark.parametrize(
    "image, words",
    [
        ({"cpu": {"average": 5}}, "cpu has no 'average'; it has mean, sd, phi"),
        ({"latency": {"p50": 5}}, "latency has no 'p50'"),
        ({"cpu": {"phi": 1.0}}, "phi"),
        ({"error_rate": 2}, "error_rate"),
        ({"resolution": 7}, "resolution 7"),
        ({"one_bad": {"memory": {"leak": 1}}}, "memory has no 'leak'"),
    ],
)
def test_impossible_behaviour_is_an_error(image: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        behaviour_of(image, 3)


def test_the_same_question_has_the_same_answer(aws: Sandbox) -> None:
    """Nothing is stored, so a minute must come out the same however it is asked for."""
    aws.world.images["ami-1"] = {"requests_per_second": 30.0}
    aws.instance("i-1")
    minutes = read(aws, "Shop/Errors", "Sum", end=1800)
    assert minutes == read(aws, "Shop/Errors", "Sum", end=1800)
    for start in (0, 660):
        seconds = read(aws, "Shop/Errors", "Sum", start=start, end=start + 60, period=1)
        assert dict(minutes)[start] == sum(value for _, value in seconds)
    aws.pass_time(600)
    assert minutes == read(aws, "Shop/Errors", "Sum", end=1800)


# --- When something is published --------------------------------------------------------------------------


def test_a_sample_is_published_when_its_second_is_over() -> None:
    aws = Sandbox(after=3.5)
    aws.instance("i-1")
    assert [at for at, _ in read(aws, "Shop/Requests", period=1)] == [0, 1, 2]
    aws.pass_time(0.5)
    assert [at for at, _ in read(aws, "Shop/Requests", period=1)] == [0, 1, 2, 3]


def test_the_agent_publishes_from_the_launch_and_the_application_once_in_service(aws: Sandbox) -> None:
    aws.instance("i-1", launched=600, warm_up=120, terminated=1800)
    times = {
        what: [at for at, _ in read(aws, what)]
        for what in ("CWAgent/cpu_usage_active", "Shop/Requests", "Shop/Latency")
    }
    assert (times["CWAgent/cpu_usage_active"][0], times["CWAgent/cpu_usage_active"][-1]) == (600, 1740)
    assert (times["Shop/Requests"][0], times["Shop/Requests"][-1]) == (720, 1740)
    assert times["Shop/Latency"] == times["Shop/Requests"]


def test_an_instance_that_never_came_into_service_serves_nobody(aws: Sandbox) -> None:
    aws.instance("i-1")
    aws.world.records[0].in_service_at = None
    assert read(aws, "Shop/Requests") == []
    assert read(aws, "CWAgent/cpu_usage_active") != []


def test_units_are_those_of_the_metrics(aws: Sandbox) -> None:
    aws.instance("i-1")
    units = {
        "Shop/Requests": "Count",
        "Shop/Latency": "Seconds",
        "CWAgent/mem_used_percent": "Percent",
        "AWS/EC2/CPUUtilization": "Percent",
        "AWS/EC2/NetworkIn": "Bytes",
    }
    for what, unit in units.items():
        assert read(aws, what, period=300, unit=unit) != [], what
        assert read(aws, what, period=300, unit="Bits") == [], what


# --- Groups -----------------------------------------------------------------------------------------------


def test_a_group_has_the_samples_of_all_its_instances(aws: Sandbox) -> None:
    for number in range(3):
        aws.instance(f"i-{number}", group="blue")
    aws.instance("i-other", group="green")
    aws.instance("i-alone", group=None)
    blue = {"AutoScalingGroupName": "blue"}
    assert total(aws, "Shop/Requests", "SampleCount", of=blue) == 3 * HOUR
    parts = [total(aws, "Shop/Requests", of={"InstanceId": f"i-{number}"}) for number in range(3)]
    assert total(aws, "Shop/Requests", of=blue) == sum(parts)
    cpu = [total(aws, "AWS/EC2/CPUUtilization", "Average", of={"InstanceId": f"i-{n}"}) for n in range(3)]
    assert total(aws, "AWS/EC2/CPUUtilization", "Average", of=blue) == pytest.approx(statistics.fmean(cpu))


@pytest.mark.parametrize(
    "what, of",
    [
        ("Shop/Requests", {}),
        ("Shop/Requests", {"ImageId": "ami-1"}),
        ("Shop/Requests", {"InstanceId": "i-1", "AutoScalingGroupName": "group"}),
        ("CWAgent/cpu_usage_active", {"InstanceType": "m5.large"}),
        ("AWS/EC2/CPUUtilization", {"InstanceId": "i-2"}),
        ("AWS/EC2/CPUUtilisation", {"InstanceId": "i-1"}),
        ("Shop/CPUUtilization", {"InstanceId": "i-1"}),
    ],
)
def test_other_combinations_of_dimensions_have_no_data(aws: Sandbox, what: str, of: dict[str, str]) -> None:
    aws.instance("i-1")
    assert read(aws, what, of=of) == []


# --- EC2's own metrics ------------------------------------------------------------------------------------


def test_basic_monitoring_publishes_every_five_minutes() -> None:
    aws = Sandbox(after=899)
    aws.instance("i-1")
    assert [at for at, _ in read(aws, "AWS/EC2/CPUUtilization")] == [0, 300]
    aws.pass_time(1)
    assert [at for at, _ in read(aws, "AWS/EC2/CPUUtilization")] == [0, 300, 600]
    assert read(aws, "AWS/EC2/CPUUtilization", "SampleCount") == [(0, 1), (300, 1), (600, 1)]


def test_detailed_monitoring_publishes_every_minute() -> None:
    aws = Sandbox(after=181)
    aws.world.images["ami-1"] = {"detailed_monitoring": True}
    aws.instance("i-1")
    assert [at for at, _ in read(aws, "AWS/EC2/CPUUtilization")] == [0, 60, 120]


def test_status_checks_are_there_every_minute_in_any_case() -> None:
    """ "status check metrics are available at 1-minute frequency"."""
    aws = Sandbox(after=181)
    aws.instance("i-1")
    assert read(aws, "AWS/EC2/StatusCheckFailed") == [(0, 0), (60, 0), (120, 0)]


def test_the_hypervisor_sees_what_the_agent_sees(aws: Sandbox) -> None:
    aws.instance("i-1")
    agent = dict(read(aws, "CWAgent/cpu_usage_active", period=300))
    assert dict(read(aws, "AWS/EC2/CPUUtilization", period=300)) == pytest.approx(agent)


def test_network_traffic_follows_the_requests(aws: Sandbox) -> None:
    aws.instance("i-1", launched=0, warm_up=600)
    found = dict(read(aws, "AWS/EC2/NetworkIn", "Sum", period=300))
    assert (found[0], found[300]) == (0, 0)
    requests = dict(read(aws, "Shop/Requests", "Sum", period=300))
    assert found[900] / requests[900] == found[1200] / requests[1200] > 0


@pytest.mark.parametrize("of", [{}, {"ImageId": "ami-1"}, {"InstanceType": "m5.large"}])
def test_only_detailed_monitoring_is_aggregated_over_images_types_and_all(
    aws: Sandbox, of: dict[str, str]
) -> None:
    aws.instance("i-1")
    assert read(aws, "AWS/EC2/CPUUtilization", of=of) == []
    aws.world.images["ami-1"] = {"detailed_monitoring": True}
    aws.instance("i-2")
    assert read(aws, "AWS/EC2/CPUUtilization", "SampleCount", of=of, end=60) == [(0, 2)]


def test_zones_are_not_modelled(aws: Sandbox) -> None:
    with refused("SandboxNotModelled", "AvailabilityZone"):
        read(aws, "AWS/EC2/CPUUtilization", of={"AvailabilityZone": "us-east-1a"})


def test_metrics_of_instances_are_listed_and_found(aws: Sandbox) -> None:
    aws.instance("i-1", group="blue")
    aws.instance("i-2", group="blue")
    listed = aws.call("ListMetrics", Namespace="Shop", MetricName="Errors")["Metrics"]
    assert [one["Dimensions"][0]["Value"] for one in listed] == ["blue", "i-1", "i-2"]
    search = "SEARCH('{Shop,InstanceId} MetricName=\"Requests\"', 'SampleCount', 60)"
    assert aws.calculate(f"SUM({search})", start=0, end=120) == [120, 120]


def test_an_instance_that_is_long_gone_is_listed_no_more(aws: Sandbox) -> None:
    aws.instance("i-1", terminated=0)
    assert aws.call("ListMetrics", Namespace="Shop")["Metrics"] != []
    aws.pass_time(14 * 86400)
    assert aws.call("ListMetrics", Namespace="Shop")["Metrics"] == []


def test_an_alarm_sees_the_metrics_of_a_group(aws: Sandbox) -> None:
    aws.world.images["ami-1"] = {"cpu": {"mean": 90.0}, "detailed_monitoring": True}
    aws.instance("i-1")
    aws.alarm(
        Namespace="AWS/EC2",
        MetricName="CPUUtilization",
        Statistic="Average",
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "group"}],
        EvaluationPeriods=3,
        Threshold=70.0,
    )
    aws.world.tick()
    assert aws.state() == "ALARM"


def test_instances_of_an_image_differ_by_its_spread(aws: Sandbox) -> None:
    aws.world.images["ami-uneven"] = {"resolution": 10, "spread": 0.1, "cpu": {"mean": 30.0, "sd": 0.0}}
    levels = []
    for number in range(30):
        aws.instance(f"i-uneven{number}", image="ami-uneven")
        of = {"InstanceId": f"i-uneven{number}"}
        points = aws.read(metric("cpu_usage_active", namespace="CWAgent", dimensions=of), end=600)
        (level,) = {round(value, 6) for __, value in points}
        levels.append(level)
    assert 30 * 0.06 < statistics.stdev(levels) < 30 * 0.14


def test_a_load_is_the_same_for_all_and_goes_up_and_down(aws: Sandbox) -> None:
    load = {"swing": 0.5, "period": 600}
    aws.world.images["ami-loaded"] = {
        "resolution": 10,
        "requests_per_second": 50.0,
        "load": load,
        "cpu": {"mean": 30.0, "sd": 0.0},
    }
    read = {}
    for name in ("i-loaded1", "i-loaded2"):
        aws.instance(name, image="ami-loaded")
        of = {"InstanceId": name}
        read[name] = aws.read(metric("cpu_usage_active", namespace="CWAgent", dimensions=of), end=600)
        requests = aws.read(metric("Requests", "Sum", namespace="Shop", dimensions=of), end=600)
        counts = [value for __, value in requests]
        assert max(counts) > 2 * min(counts)
    values = [value for __, value in read["i-loaded1"]]
    assert read["i-loaded1"] == read["i-loaded2"]
    assert max(values) == pytest.approx(45, rel=0.05) and min(values) == pytest.approx(15, rel=0.1)
