# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hypothesis draws for the tests of the plan: sizes, outgoing groups, phases."""

from __future__ import annotations

from ansible_collections.progressive.aws.plugins.module_utils.core.capacity import Wanted
from ansible_collections.progressive.aws.plugins.module_utils.core.model import Capacity, Snapshot
from hypothesis import strategies as st


@st.composite
def capacities(draw: st.DrawFn, *, least: int = 0, most: int = 20) -> Capacity:
    """Sizes that a group may have."""
    desired = draw(st.integers(least, most))
    return Capacity(draw(st.integers(0, desired)), draw(st.integers(desired, most + 5)), desired)


def new_capacities(*, most: int = 20) -> st.SearchStrategy[Capacity]:
    """Sizes that a new revision may be given."""
    return capacities(least=1, most=most)


@st.composite
def outgoing_groups(
    draw: st.DrawFn, *, min_size: int = 0, max_size: int = 4, most: int = 20
) -> list[Snapshot]:
    """Outgoing groups of different revisions, in any order."""
    revisions = draw(st.lists(st.integers(1, 50), min_size=min_size, max_size=max_size, unique=True))
    return [
        Snapshot(f"shop__checkout__prod__{revision}", revision, draw(capacities(most=most)))
        for revision in revisions
    ]


def wanted_phases(desired: int) -> st.SearchStrategy[Wanted]:
    """What one phase may ask for."""
    return st.one_of(
        st.integers(1, 100).map(lambda percent: Wanted(percent=percent)),
        st.integers(1, desired).map(lambda count: Wanted(count=count)),
    )


@st.composite
def rising(draw: st.DrawFn, desired: int, *, most: int = 5) -> list[Wanted]:
    """Phases that rise to the whole: percentages, or counts."""
    if draw(st.booleans()):
        percents = draw(st.sets(st.integers(1, 99), max_size=most - 1))
        return [Wanted(percent=percent) for percent in [*sorted(percents), 100]]
    counts = draw(st.sets(st.integers(1, desired), max_size=most - 1)) - {desired}
    return [Wanted(count=count) for count in [*sorted(counts), desired]]
