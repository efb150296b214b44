# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launch configurations, after "Auto Scaling launch configurations" in the user guide."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox.autoscaling.model import timestamp
from tests.sandbox.errors import AwsError, not_modelled, validation_error
from tests.sandbox.paging import page

if TYPE_CHECKING:
    from tests.sandbox.autoscaling.service import AutoScaling

_MOST = 200


class Configurations:
    """The operations on launch configurations. They cannot be changed after their creation."""

    def __init__(self, service: AutoScaling) -> None:
        """Work on the launch configurations of ``service``."""
        self._service = service

    def operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Return which operations are done here."""
        return {
            "CreateLaunchConfiguration": self.create,
            "DescribeLaunchConfigurations": self.describe,
            "DeleteLaunchConfiguration": self.delete,
        }

    def create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Create one; its name is unique in the region."""
        name = parameters["LaunchConfigurationName"]
        known = self._service.launch_configurations
        if name in known:
            raise AwsError(
                "AlreadyExists",
                "Launch Configuration by this name already exists - A launch configuration already exists with the"
                f" name {name}",
            )
        if len(known) >= _MOST:
            raise AwsError("LimitExceeded", f"LaunchConfiguration limit exceeded: {_MOST}")
        if "InstanceId" in parameters:
            raise not_modelled("a launch configuration after the model of an instance (InstanceId)")
        for member in ("ImageId", "InstanceType"):
            if not parameters.get(member):
                raise validation_error(f"Valid requests must contain the parameter {member}")
        if parameters["ImageId"] not in self._service.world.backend("ec2").amis:
            raise validation_error("AMI cannot be described")
        world = self._service.world
        described = dict(parameters)
        for member in ("KeyName", "UserData", "KernelId", "RamdiskId"):
            described.setdefault(member, "")
        for member in ("SecurityGroups", "ClassicLinkVPCSecurityGroups", "BlockDeviceMappings"):
            described.setdefault(member, [])
        described.setdefault("InstanceMonitoring", {"Enabled": True})
        described.setdefault("EbsOptimized", False)
        if described["UserData"]:
            try:
                base64.b64decode(described["UserData"], validate=True)
            except ValueError:
                raise validation_error("Invalid base64 encoding of user data") from None
        described["LaunchConfigurationARN"] = self._service.arn(
            "launchConfiguration", f"{uuid.uuid4()}:launchConfigurationName/{name}"
        )
        described["CreatedTime"] = timestamp(world.now())
        known[name] = described
        return {}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Describe the named ones, or all. Unknown names are left out."""
        names = parameters.get("LaunchConfigurationNames")
        known = self._service.launch_configurations
        found = [known[name] for name in names if name in known] if names else list(known.values())
        return page("LaunchConfigurations", found, parameters, 50, 100)

    def delete(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Delete one that no group uses."""
        name = parameters["LaunchConfigurationName"]
        if name not in self._service.launch_configurations:
            raise validation_error(
                f"Launch configuration name not found - Launch configuration {name} not found"
            )
        for group in self._service.groups.values():
            if group.attributes.get("LaunchConfigurationName") == name:
                raise AwsError(
                    "ResourceInUse",
                    f"Cannot delete launch configuration {name} because it is attached to AutoScalingGroup"
                    f" {group.name}",
                )
        del self._service.launch_configurations[name]
        return {}
