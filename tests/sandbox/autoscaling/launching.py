# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a group's launch template or configuration to an EC2 instance, or to AWS's reason why not.

The words of the failures are those of "Troubleshoot issues in Amazon EC2 Auto Scaling" and its pages
"Troubleshoot instance launch failures", "... AMI issues", in the Amazon EC2 Auto Scaling User Guide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from tests.sandbox.autoscaling.model import Group, timestamp
from tests.sandbox.autoscaling.overrides import overrides_in_order
from tests.sandbox.ec2.launch_refusals import refusal
from tests.sandbox.ec2.launch_templates import find_version
from tests.sandbox.errors import AwsError, not_modelled, validation_error

if TYPE_CHECKING:
    from tests.sandbox.world import World

#: What a launch can fail from by order: name -> AWS's message, to be filled with the launch's facts.
FAILURES = {
    "InvalidAMIID.NotFound": "The AMI ID {image_id} does not exist.",
    "InvalidAMIID.Unavailable": "AMI {image_id} is pending, and cannot be run.",
    "InsufficientInstanceCapacity": (
        "We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested"
        " ({zone}). Our system will be working on provisioning additional capacity. You can currently get"
        " {instance_type} capacity by not specifying an Availability Zone in your request or choosing"
        " another one."
    ),
    "InsufficientFreeAddressesInSubnet": (
        "There are not enough free addresses in subnet '{subnet_id}' to satisfy the requested number of"
        " instances."
    ),
    "InvalidKeyPair.NotFound": "The key pair {key_name} does not exist.",
    "InvalidGroup.NotFound": "The security group {security_group} does not exist.",
    "VcpuLimitExceeded": (
        "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance"
        " bucket that the specified instance type belongs to. Please visit"
        " http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
    ),
    "UnauthorizedOperation": (
        "You are not authorized to perform this operation. Encoded authorization failure message: sandbox."
    ),
    "Unsupported": (
        "Your requested instance type ({instance_type}) is not supported in your requested Availability Zone"
        " ({zone})."
    ),
    "InternalError": "Internal error.",
}


#: Those of an instance type: another may do.
_OF_A_TYPE = frozenset({"InsufficientInstanceCapacity", "VcpuLimitExceeded", "Unsupported"})


class LaunchFailed(Exception):
    """A launch did not succeed; its text is AWS's status message."""

    def __init__(self, reason: str, *, of_a_type: bool = False) -> None:
        """Add what Auto Scaling adds to each such message."""
        super().__init__(f"{reason} Launching EC2 instance failed.")
        self.of_a_type = of_a_type


@dataclass
class LaunchSpecification:
    """What to launch: a template's version or a configuration, resolved."""

    image_id: str
    instance_type: str
    key_name: str | None = None
    user_data: str | None = None
    security_group_ids: list[str] = field(default_factory=list)
    security_group_names: list[str] = field(default_factory=list)
    monitoring: bool = False
    block_device_mappings: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    #: As an instance of the group describes it: id, name and the number of the version.
    launch_template: dict[str, str] | None = None
    launch_configuration: str | None = None
    #: How many units an instance of it counts, and whether that was given with its type.
    weight: int = 1
    weighted: bool = False


def find_template(world: World, specification: dict[str, Any]) -> Any:
    """Return moto's launch template that ``specification`` names, by id if it has both. Raises AwsError."""
    identifier = specification.get("LaunchTemplateId")
    name = specification.get("LaunchTemplateName")
    ec2 = world.backend("ec2")
    template = ec2.launch_templates.get(identifier or ec2.launch_template_name_to_ids.get(name))
    if template is None:
        what = f"template ID {identifier}" if identifier else f"template name {name}"
        raise validation_error(
            f"You must use a valid fully-formed launch template. The specified launch template, with {what},"
            " does not exist."
        )
    return template


def template_version(template: Any, wanted: str | None) -> Any:
    """Return moto's version of a template: a number, ``$Latest`` or ``$Default`` (the default)."""
    wanted = wanted or "$Default"
    version = find_version(template, wanted)
    if version is not None:
        return version
    raise validation_error(
        "You must use a valid fully-formed launch template. Could not find the specified version"
        f" {wanted} for the launch template with ID {template.id}."
    )


def choices(attributes: dict[str, Any], turn: int = 0) -> list[tuple[dict[str, Any], int]]:
    """Return what a group with these attributes launches next, and what instead where that has no capacity.

    Overrides of a mixed instances policy, with their units; a group without one has one choice. ``turn`` is how many
    it has launched before, for those that take their instance types in turn.
    """
    policy = attributes.get("MixedInstancesPolicy")
    if not policy:
        return [({}, 1)]
    return overrides_in_order(policy, str(attributes.get("DesiredCapacityType", "units")), turn)


def resolve(
    world: World, attributes: dict[str, Any], choice: tuple[dict[str, Any], int]
) -> LaunchSpecification:
    """Return what a group with these attributes launches, of its ``choices``. Raises AwsError where it cannot."""
    if name := attributes.get("LaunchConfigurationName"):
        return _from_configuration(world, name)
    policy = attributes.get("MixedInstancesPolicy")
    override, weight = choice
    if policy:
        specification = policy["LaunchTemplate"]["LaunchTemplateSpecification"]
        specification = override.get("LaunchTemplateSpecification", specification)
    else:
        specification = attributes["LaunchTemplate"]
    template = find_template(world, specification)
    version = template_version(template, specification.get("Version"))
    data = version.data
    interfaces = data.get("NetworkInterfaces") or []
    groups = [group for interface in interfaces for group in interface.get("Groups") or []]
    tags = {
        tag["Key"]: tag["Value"]
        for specified in data.get("TagSpecifications") or []
        if specified.get("ResourceType") == "instance"
        for tag in specified.get("Tags") or []
    }
    return LaunchSpecification(
        image_id=_image_id(world, override.get("ImageId") or data.get("ImageId") or ""),
        instance_type=override.get("InstanceType") or data.get("InstanceType") or "m1.small",
        key_name=data.get("KeyName"),
        user_data=data.get("UserData"),
        security_group_ids=[*(data.get("SecurityGroupIds") or []), *groups],
        security_group_names=list(data.get("SecurityGroups") or []),
        monitoring=str((data.get("Monitoring") or {}).get("Enabled", "")).lower() == "true",
        block_device_mappings=list(data.get("BlockDeviceMappings") or []),
        tags=tags,
        launch_template={
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "Version": str(version.number),
        },
        weight=weight,
        weighted="WeightedCapacity" in override,
    )


def _from_configuration(world: World, name: str) -> LaunchSpecification:
    configuration = world.autoscaling.launch_configurations.get(name)
    if configuration is None:
        raise validation_error(f"Launch configuration name not found - Launch configuration {name} not found")
    groups = configuration.get("SecurityGroups") or []
    return LaunchSpecification(
        image_id=configuration["ImageId"],
        instance_type=configuration["InstanceType"],
        key_name=configuration.get("KeyName") or None,
        user_data=configuration.get("UserData") or None,
        security_group_ids=[group for group in groups if group.startswith("sg-")],
        security_group_names=[group for group in groups if not group.startswith("sg-")],
        monitoring=bool((configuration.get("InstanceMonitoring") or {}).get("Enabled", True)),
        block_device_mappings=list(configuration.get("BlockDeviceMappings") or []),
        launch_configuration=name,
    )


def _image_id(world: World, image_id: str) -> str:
    """Follow ``resolve:ssm:parameter``, "Use a Systems Manager parameter instead of an AMI ID"."""
    if not image_id.startswith("resolve:ssm:"):
        return image_id
    name = image_id.removeprefix("resolve:ssm:")
    if ":" in name:
        raise not_modelled("a version or label of a Systems Manager parameter in an image id")
    parameter = world.backend("ssm").get_parameters([name]).get(name)
    if parameter is None:
        raise validation_error(
            f"You must use a valid fully-formed launch template. The parameter {name} could not be found."
        )
    return str(parameter.value)


def check(world: World, attributes: dict[str, Any]) -> None:
    """Refuse a launch source that Auto Scaling would not take for a group."""
    specification = resolve(world, attributes, choices(attributes)[0])
    image = world.backend("ec2").amis.get(specification.image_id)
    if specification.launch_template and image is None:
        missing = (
            f"The image id '[{specification.image_id}]' does not exist"
            if specification.image_id
            else "The request must contain the parameter ImageId"
        )
        raise validation_error(f"You must use a valid fully-formed launch template. {missing}")


def launch(
    world: World, group: Group, subnet: Any, choice: tuple[dict[str, Any], int]
) -> tuple[Any, LaunchSpecification]:
    """Start an instance of ``group`` in moto's ``subnet``; it is pending. Raises LaunchFailed."""
    try:
        specification = resolve(world, group.attributes, choice)
    except AwsError as error:
        raise LaunchFailed(error.message.removesuffix(".") + ".") from error
    ec2 = world.backend("ec2")
    _fail_by_order(world, group, specification, subnet)
    image = ec2.amis.get(specification.image_id)
    facts = {"image_id": specification.image_id, "key_name": specification.key_name}
    if image is None:
        raise LaunchFailed(FAILURES["InvalidAMIID.NotFound"].format(**facts))
    if image.state != "available":
        raise LaunchFailed(FAILURES["InvalidAMIID.Unavailable"].format(**facts))
    if specification.key_name and specification.key_name not in ec2.key_pairs:
        raise LaunchFailed(FAILURES["InvalidKeyPair.NotFound"].format(**facts))
    refused = refusal(ec2, image, specification.instance_type, specification.block_device_mappings)
    if refused:
        raise LaunchFailed(f"{refused.removesuffix('.')}.")
    if subnet.available_ip_address_count <= 0:
        raise LaunchFailed(FAILURES["InsufficientFreeAddressesInSubnet"].format(subnet_id=subnet.id))
    tags = dict(specification.tags)
    tags |= {tag["Key"]: tag["Value"] for tag in group.tags.values() if tag["PropagateAtLaunch"]}
    tags["aws:autoscaling:groupName"] = group.name
    if specification.launch_template:
        tags["aws:ec2launchtemplate:id"] = specification.launch_template["LaunchTemplateId"]
        tags["aws:ec2launchtemplate:version"] = specification.launch_template["Version"]
    try:
        reservation = ec2.run_instances(
            specification.image_id,
            1,
            specification.user_data,
            specification.security_group_names,
            security_group_ids=specification.security_group_ids,
            instance_type=specification.instance_type,
            # Or moto would look whether the type is offered, through all types for each instance, to no avail.
            is_instance_type_default=True,
            region_name=world.settings.region,
            subnet_id=subnet.id,
            key_name=specification.key_name,
            monitoring_state="enabled" if specification.monitoring else "disabled",
            associate_public_ip=None,
            tags={"instance": tags},
        )
    except (HTTPException, ServiceException) as error:
        said = getattr(error, "message", None) or getattr(error, "description", str(error))
        raise LaunchFailed(f"{str(said).removesuffix('.')}.") from error
    instance = reservation.instances[0]
    instance._state.name, instance._state.code = "pending", 0
    instance.launch_time = timestamp(world.now()).replace(tzinfo=None)
    return instance, specification


def _fail_by_order(world: World, group: Group, specification: LaunchSpecification, subnet: Any) -> None:
    """Fail if the image's behaviour or an ordered launch failure says so."""
    code = world.images.get(specification.image_id, {}).get("launch_error")
    code = code or world.launch_failures.take(
        group=group.name,
        image_id=specification.image_id,
        instance_type=specification.instance_type,
        zone=subnet.availability_zone,
        subnet_id=subnet.id,
    )
    if not code:
        return
    words = FAILURES.get(code, code).format(
        image_id=specification.image_id,
        instance_type=specification.instance_type,
        zone=subnet.availability_zone,
        subnet_id=subnet.id,
        key_name=specification.key_name or "missing",
        security_group=next(iter(specification.security_group_ids), "missing"),
    )
    if "MixedInstancesPolicy" in group.attributes and code in FAILURES:
        # What groups with several types say ("Could not launch On-Demand Instances. VcpuLimitExceeded - You have...").
        words = f"Could not launch On-Demand Instances. {code} - {words}"
    raise LaunchFailed(words, of_a_type=code in _OF_A_TYPE)


@dataclass
class LaunchFailure:
    """An order to let launches fail, some or all of them."""

    code: str
    #: Only launches whose facts (group, image_id, instance_type, zone, subnet_id) equal these.
    match: dict[str, str] = field(default_factory=dict)
    #: How often; for ever if None.
    times: int | None = None


class LaunchFailures:
    """The orders that let launches fail."""

    def __init__(self) -> None:
        """Begin without any."""
        self.orders: list[LaunchFailure] = []

    def take(self, **facts: str) -> str | None:
        """Return the code with which a launch of these facts fails, if it does."""
        for order in self.orders:
            if any(facts.get(name) != value for name, value in order.match.items()):
                continue
            if order.times is not None:
                order.times -= 1
                if order.times <= 0:
                    self.orders.remove(order)
            return order.code
        return None
