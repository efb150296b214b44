# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is given as input, the answer is a correct plan or a clear error, and never a traceback.

10,000 inputs of the steps' options; HYPOTHESIS_PROFILE=search draws others each time.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.progressive.aws.plugins.module_utils.core import naming
from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import RESIZE_ORDERS, Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.errors import InvalidInput, RolloutError
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import Prune, PruneOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back import RollBack
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
    RollBackOptions,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUp, SetUpOptions
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import (
    Upgrade,
    UpgradeOptions,
)
from ansible_collections.progressive.aws.plugins.module_utils.verification.settings import read_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.engine import Site

EXAMPLES = int(os.environ.get("INPUTS", "2500"))

numbers = st.one_of(st.none(), st.integers(-3, 12), st.integers())
texts = st.one_of(
    st.sampled_from(["", " ", "shop", "a b", "x" * 300, "__", "prod\n", "é", "a=b"]), st.text(max_size=40)
)
wanted = st.builds(Wanted, percent=numbers, count=numbers, name=texts)
phases = st.one_of(st.none(), st.lists(wanted, max_size=4).map(tuple))
quickly = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def is_clear(error: RolloutError) -> bool:
    text = str(error)
    assert text, "an error without words"
    assert "Traceback" not in text
    if isinstance(error, InvalidInput):
        assert error.problems
        assert all(problem.strip() for problem in error.problems)
    return True


@quickly
@given(application=texts, service=texts, environment=texts)
def test_names_are_fit_for_a_group_or_refused(application: str, service: str, environment: str) -> None:
    try:
        name = naming.series_name(application, service, environment)
    except InvalidInput as error:
        assert is_clear(error)
        return
    assert 1 <= len(naming.group_name(name, 999_999)) <= naming.LONGEST_GROUP_NAME
    assert name.isascii()


@quickly
@given(
    sizes=st.tuples(numbers, numbers, numbers),
    phases=phases,
    image=st.sampled_from(["good", "", "ami-0", "ami-00000000000000000", "x" * 300, " "]),
    base=st.sampled_from(["good", "", "nobody", "x" * 300]),
    user_data=st.one_of(st.none(), st.text(max_size=20)),
    tags=st.dictionaries(texts, texts, max_size=3),
    identifier=st.one_of(st.none(), texts),
)
def test_a_set_up_is_planned_correctly_or_refused(
    site: Site,
    sizes: tuple[int | None, int | None, int | None],
    phases: tuple[Wanted, ...] | None,
    image: str,
    base: str,
    **more: Any,
) -> None:
    site.new_image = site.new_image or site.image("drawn")
    minimum, maximum, desired = sizes
    try:
        step = SetUp(
            site.rollout(),
            SetUpOptions(
                series=site.shop.series,
                base_group=site.shop.base_group if base == "good" else base,
                image_id=site.new_image if image == "good" else image,
                min_size=minimum,
                max_size=maximum,
                desired_capacity=desired,
                phases=phases,
                user_data=more["user_data"],
                tags=more["tags"],
                deployment_id=more["identifier"],
            ),
            check_mode=True,
        )
        planned = site.run(step, check_mode=True).result
    except RolloutError as error:
        assert is_clear(error)
        return
    capacity = planned["capacity"]
    assert 0 <= capacity["min_size"] <= capacity["desired_capacity"] <= capacity["max_size"]
    news = [phase["new"] for phase in planned["phases"]]
    assert news == sorted(news)
    if phases is not None:
        assert news[-1] == capacity["desired_capacity"]


@quickly
@given(
    group=texts,
    wanted=wanted,
    order=st.sampled_from(RESIZE_ORDERS),
    settle_time=st.floats(allow_nan=False, allow_infinity=False),
    keep=st.integers(),
    keep_failed=st.booleans(),
)
def test_other_steps_are_refused_clearly_where_nothing_fits(
    site: Site, group: str, wanted: Wanted, **more: Any
) -> None:
    steps = (
        lambda: Upgrade(site.rollout(), UpgradeOptions(group, wanted, more["order"], more["settle_time"])),
        lambda: RollBack(
            site.rollout(),
            RollBackOptions(group=group, keep_failed=more["keep_failed"], settle_time=more["settle_time"]),
        ),
        lambda: Prune(site.rollout(), PruneOptions(site.shop.series, more["keep"])),
    )
    for step in steps:
        try:
            outcome = site.run(step())
        except RolloutError as error:
            assert is_clear(error)
        else:
            assert not outcome.changed


options = st.fixed_dictionaries(
    {},
    optional={
        "group": texts,
        "metrics": st.lists(
            st.fixed_dictionaries(
                {"name": texts},
                optional={
                    "namespace": texts,
                    "metric_name": texts,
                    "expression": texts,
                    "statistic": texts,
                    "period": st.integers(-1, 4000),
                    "minimum": st.floats(),
                    "maximum": st.floats(),
                    "datapoints_to_fail": st.integers(-1, 5),
                    "dimensions": st.dictionaries(texts, texts, max_size=2),
                },
            ),
            max_size=3,
        ),
        "alarms": st.lists(texts, max_size=2),
        "duration": st.integers(-1, 4000),
        "warmup": st.integers(-1, 100),
        "interval": st.one_of(st.none(), st.integers(-1, 100)),
        "delay": st.one_of(st.none(), st.integers(-1, 100)),
    },
)


@quickly
@given(given_options=options)
def test_a_verification_is_read_or_refused(given_options: dict[str, Any]) -> None:
    try:
        read_settings(given_options)
    except InvalidInput as error:
        assert is_clear(error)
