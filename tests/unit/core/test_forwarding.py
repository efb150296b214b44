# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shares of a forward action, whatever else stands in it, and the record of what it was."""

from __future__ import annotations

import copy
import re
import string
from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.progressive.aws.plugins.module_utils.core import forwarding, naming
from ansible_collections.progressive.aws.plugins.module_utils.core.forwarding import Forward, Place
from hypothesis import given
from hypothesis import strategies as st

_ELB = "arn:aws:elasticloadbalancing:us-east-1:123456789012"


def share_of(actions: forwarding.Actions, target_group: str) -> float:
    """The share of all requests that goes to a target group, from 0 to 1."""
    known = forwarding.weights(actions)
    whole = sum(known.values())
    return known.get(target_group, 0) / whole if whole else 0.0


def share(actions: forwarding.Actions, production: str, copy: str) -> float:
    """The percent of production's requests that goes to the copy."""
    known = forwarding.weights(actions)
    both = known.get(production, 0) + known.get(copy, 0)
    return 100 * known.get(copy, 0) / both if both else 0.0


def target_group(name: str) -> str:
    return f"{_ELB}:targetgroup/{name}/73e2d6bc24d8a067"


PROD, COPY, OTHER = target_group("production"), target_group("copy"), target_group("other")
LISTENER = Place(f"{_ELB}:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2")
RULE = Place(f"{_ELB}:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee")
#: "The valid characters are letters, spaces, and numbers representable in UTF-8, plus + - = . _ : / @".
TAG_VALUE = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,256}")

#: A user's sign-in, which comes before the requests are forwarded. AWS does not give the secret.
SIGN_IN: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {"Issuer": "https://example.com", "ClientId": "abc", "Scope": "openid"},
}


def forward(known: dict[str, int], *, sticky: bool = False, alone: bool = False) -> dict[str, Any]:
    """An action as AWS describes it."""
    config = {
        "TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in known.items()],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 600}
        if sticky
        else {"Enabled": False},
    }
    action: dict[str, Any] = {"Type": "forward", "Order": 2, "ForwardConfig": config}
    return action | ({"TargetGroupArn": next(iter(known))} if alone else {})


PLAIN = [{"Type": "forward", "TargetGroupArn": PROD}]

others = st.dictionaries(
    st.sampled_from([target_group(name) for name in ("blue", "green", "grey")]), st.integers(0, 999)
)
percents = st.integers(0, 100)


@st.composite
def actions_of(draw: st.DrawFn) -> list[dict[str, Any]]:
    known = {**draw(others), PROD: draw(st.integers(1, 999))}
    order = draw(st.permutations(list(known)))
    action = forward({arn: known[arn] for arn in order}, sticky=draw(st.booleans()), alone=len(known) == 1)
    return [copy.deepcopy(SIGN_IN), action] if draw(st.booleans()) else [action]


class TestShifting:
    def test_a_plain_action_gets_both_target_groups(self) -> None:
        found = forwarding.shifted(PLAIN, PROD, COPY, 5)
        assert found == [
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": PROD, "Weight": 19},
                        {"TargetGroupArn": COPY, "Weight": 1},
                    ]
                },
            }
        ]

    def test_the_others_keep_their_share(self) -> None:
        found = forwarding.shifted([forward({OTHER: 1, PROD: 3})], PROD, COPY, 50)
        assert forwarding.weights(found) == {OTHER: 2, PROD: 3, COPY: 3}

    def test_production_with_weight_0_and_nobody_beside_it_has_everything(self) -> None:
        found = forwarding.shifted([forward({PROD: 0}, alone=True)], PROD, COPY, 25)
        assert forwarding.weights(found) == {PROD: 3, COPY: 1}

    @given(actions_of(), percents)
    def test_weights_are_integers_that_aws_takes(self, actions: list[dict[str, Any]], percent: int) -> None:
        known = forwarding.weights(forwarding.shifted(actions, PROD, COPY, percent))
        assert all(isinstance(weight, int) and 0 <= weight <= 999 for weight in known.values())
        assert {PROD, COPY} <= set(known)
        assert sum(known.values()) > 0

    @given(actions_of(), percents)
    def test_each_has_the_share_that_it_should_have(
        self, actions: list[dict[str, Any]], percent: int
    ) -> None:
        before, found = forwarding.weights(actions), forwarding.shifted(actions, PROD, COPY, percent)
        after = forwarding.weights(found)
        wanted = {arn: Fraction(weight, sum(before.values())) for arn, weight in before.items()}
        wanted[COPY] = wanted[PROD] * percent / 100
        wanted[PROD] -= wanted[COPY]
        for arn, one in wanted.items():
            share = Fraction(after[arn], sum(after.values()))
            # Each of at most five weights is off by less than one of at least 999.
            assert abs(share - one) < Fraction(6, 999)
            assert (share == 0) == (one == 0)

    @given(percents)
    def test_alone_the_percent_is_exact(self, percent: int) -> None:
        assert share(forwarding.shifted(PLAIN, PROD, COPY, percent), PROD, COPY) == percent

    @given(actions_of(), percents, percents)
    def test_what_was_shifted_before_makes_no_difference(
        self, actions: list[dict[str, Any]], once: int, again: int
    ) -> None:
        original = copy.deepcopy(actions)
        forwarding.shifted(actions, PROD, COPY, once)
        assert actions == original
        shifted = forwarding.shifted(actions, PROD, COPY, again)
        assert forwarding.same(shifted, forwarding.shifted(original, PROD, COPY, again))

    @given(actions_of(), percents)
    def test_all_else_stays_as_it_is(self, actions: list[dict[str, Any]], percent: int) -> None:
        for before, after in zip(actions, forwarding.shifted(actions, PROD, COPY, percent), strict=True):
            if before["Type"] != "forward":
                assert before == after
            else:
                assert "TargetGroupArn" not in after
                for one in (before, after):
                    one.pop("TargetGroupArn", None)
                    one["ForwardConfig"].pop("TargetGroups")
                assert before == after


class TestTakingTheCopyOut:
    @given(actions_of(), percents)
    def test_production_has_its_share_back(self, actions: list[dict[str, Any]], percent: int) -> None:
        found = forwarding.without(forwarding.shifted(actions, PROD, COPY, percent), PROD, COPY)
        assert COPY not in forwarding.weights(found)
        difference = share_of(found, PROD) - share_of(actions, PROD)
        assert abs(difference) < 8 / 999

    @given(actions_of())
    def test_where_it_is_not_nothing_changes(self, actions: list[dict[str, Any]]) -> None:
        assert forwarding.without(actions, PROD, COPY) == actions

    def test_production_that_somebody_has_taken_out_stays_out(self) -> None:
        found = forwarding.without([forward({COPY: 5, OTHER: 95})], PROD, COPY)
        assert set(forwarding.weights(found)) == {OTHER}

    @pytest.mark.parametrize("known", [{COPY: 100}, {COPY: 100, OTHER: 0}, {COPY: 0}])
    def test_requests_that_would_go_nowhere_go_to_production(self, known: dict[str, int]) -> None:
        found = forwarding.without([forward(known)], PROD, COPY)
        assert PROD in forwarding.weights(found)
        assert COPY not in forwarding.weights(found)


class TestTheSame:
    def test_both_ways_to_name_one_target_group(self) -> None:
        assert forwarding.same(PLAIN, [forward({PROD: 1}, alone=True)])

    @pytest.mark.parametrize(
        "other",
        [
            [forward({PROD: 1}, sticky=True)],
            [forward({OTHER: 1})],
            [forward({PROD: 1, COPY: 0})],
            [SIGN_IN, forward({PROD: 1})],
            [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
            [],
        ],
    )
    def test_another_is_not(self, other: list[dict[str, Any]]) -> None:
        assert not forwarding.same(PLAIN, other)

    def test_a_secret_that_aws_does_not_give_makes_no_difference(self) -> None:
        written = copy.deepcopy(SIGN_IN)
        written["AuthenticateOidcConfig"]["UseExistingClientSecret"] = True
        assert forwarding.same([written, *PLAIN], [SIGN_IN, *PLAIN])


class TestWhatCannotBeShifted:
    def test_six_target_groups(self) -> None:
        five = forward({PROD: 1, **{target_group(f"other{number}"): 1 for number in range(4)}})
        assert "AWS takes 5" in " ".join(forwarding.problems([five], PROD))
        assert not forwarding.problems(forwarding.shifted([forward({PROD: 1})], PROD, COPY, 5), PROD, COPY)

    def test_another_target_group_or_none(self) -> None:
        assert "does not forward to" in forwarding.problems([forward({OTHER: 1})], PROD)[0]
        assert forwarding.problems([SIGN_IN], PROD) == ["it forwards to no target group"]

    def test_a_share_of_nothing(self) -> None:
        assert "weight 0" in forwarding.problems([forward({PROD: 0, OTHER: 1})], PROD)[0]


class TestNames:
    @given(st.text(min_size=1, max_size=255), st.text(min_size=1, max_size=32))
    def test_are_ones_that_aws_takes(self, group: str, production: str) -> None:
        name = forwarding.copy_name(group, production)
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?", name)

    def test_differ_by_group_and_production(self) -> None:
        names = {forwarding.copy_name(group, name) for group in ("a__1", "a__2") for name in ("x", "y")}
        assert len(names) == 4

    def test_say_whose_they_are(self) -> None:
        assert forwarding.copy_name("shop__checkout__prod__7", "web").startswith("shop-checkout-prod-7-")

    @given(
        st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=240),
        st.integers(1, 999_999),
        st.text(max_size=32),
    )
    def test_lead_to_the_series(self, series: str, revision: int, production: str) -> None:
        name = forwarding.copy_name(naming.group_name(series, revision), production)
        assert forwarding.may_be_copy(name, series)

    @pytest.mark.parametrize(
        "name", ["web", "shop-7", "shop-checkout-prod-7", "shop-checkout-prod-x-0123456789"]
    )
    def test_of_others_lead_to_none(self, name: str) -> None:
        assert not forwarding.may_be_copy(name, "shop__checkout__prod")


class TestTheRecord:
    @given(st.lists(actions_of(), max_size=6), st.booleans())
    def test_gives_back_what_was_written_byte_for_byte(
        self, several: list[list[dict[str, Any]]], stage: bool
    ) -> None:
        forwards = tuple(Forward(RULE, tuple(actions), stage) for actions in several)
        tags = forwarding.write_record(forwards)
        assert all(TAG_VALUE.fullmatch(value) for value in tags.values())
        read = forwarding.read_record({"Name": "web", **tags})
        assert read == forwards
        # The order of the keys as well.
        assert repr(read) == repr(forwards)

    def test_of_a_listener_and_a_rule_takes_a_few_tags(self) -> None:
        tags = forwarding.write_record(
            [
                Forward(LISTENER, (forward({PROD: 1}, alone=True),)),
                Forward(RULE, (SIGN_IN, forward({PROD: 1}))),
            ]
        )
        assert len(tags) <= 3

    def test_of_no_tags_is_none(self) -> None:
        assert forwarding.read_record({"Name": "web"}) == ()

    def test_that_somebody_has_changed_is_none(self) -> None:
        tags = forwarding.write_record([Forward(LISTENER, (SIGN_IN, *PLAIN, forward({PROD: 3, OTHER: 7})))])
        first = f"{forwarding.RECORD}0"
        for broken in (
            {first: tags[first][:-9] + "AAAAAAAAA"},
            {first: "no record"},
            {f"{forwarding.RECORD}1": tags[first]},
        ):
            with pytest.raises(ValueError, match="not as they were written"):
                forwarding.read_record(tags | broken if first in broken else broken)

    def test_that_does_not_fit_is_told(self) -> None:
        tags = {f"key{number}": "x" for number in range(46)} | {"progressive:series": "a"}
        assert not forwarding.too_many_tags(tags)
        tags |= {f"{forwarding.RECORD}{number}": "x" for number in range(4)}
        assert "would need 51 tags" in forwarding.too_many_tags(tags)[0]


def test_places_say_what_they_are() -> None:
    assert RULE.is_rule
    assert not LISTENER.is_rule
    assert str(LISTENER) == "listener app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"
