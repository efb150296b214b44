# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step keeps comes back from JSON as it was, whatever it is."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core.progress import Progress, as_plain, read
from ansible_collections.progressive.aws.plugins.module_utils.deployment.prune import PruneProgress
from ansible_collections.progressive.aws.plugins.module_utils.deployment.roll_back_options import (
    RollBackProgress,
)
from ansible_collections.progressive.aws.plugins.module_utils.deployment.set_up import SetUpProgress
from ansible_collections.progressive.aws.plugins.module_utils.deployment.upgrade import UpgradeProgress
from ansible_collections.progressive.aws.plugins.module_utils.reporting.write_report import ReportProgress
from ansible_collections.progressive.aws.plugins.module_utils.verification.baseline import (
    VerificationProgress,
)
from hypothesis import given, settings
from hypothesis import strategies as st

KINDS = [
    Progress,
    SetUpProgress,
    UpgradeProgress,
    RollBackProgress,
    PruneProgress,
    VerificationProgress,
    ReportProgress,
]
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Any: st.text(max_size=3),
    str: st.text(max_size=3),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
}


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of what an annotation says."""
    if kind in PLAIN:
        return PLAIN[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{one.name: of(hints[one.name]) for one in dataclasses.fields(kind)})
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is dict:
        return st.dictionaries(of(arguments[0]), of(arguments[1]), max_size=2)
    if origin in (list, tuple):
        return st.lists(of(arguments[0]), max_size=2).map(origin)
    return st.one_of(*(of(one) for one in arguments))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_kept_comes_back_from_json(kind: type[Progress]) -> None:
    @settings(max_examples=50)
    @given(of(kind))
    def comes_back(kept: Progress) -> None:
        assert read(kind, json.loads(json.dumps(as_plain(kept)))) == kept

    comes_back()


def test_nothing_kept_is_a_beginning_and_what_others_keep_is_left_out() -> None:
    assert read(UpgradeProgress, {}) == UpgradeProgress()
    assert read(UpgradeProgress, {"patience": {"spent": 1.0}, "owned": True}) == UpgradeProgress(owned=True)
