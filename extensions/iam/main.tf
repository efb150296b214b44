# The policies of series.json and adopt.json, for a role that deploys one series.

variable "series" {
  description = "Application, service and environment, as the groups' tag progressive:series has them."
  type        = string
  default     = "shop__checkout__prod"
}

variable "instance_role" {
  description = "The name of the role that the instances have."
  type        = string
  default     = "shop-checkout-instance"
}

variable "adopted_group" {
  description = "The name of the live group that the first deployment replaces (canary_adopt_group)."
  type        = string
  default     = "shop-checkout-live"
}

resource "aws_iam_policy" "series" {
  description = "Deploys a series, and touches nothing else."
  policy = replace(
    replace(file("${path.module}/series.json"), "shop__checkout__prod", var.series),
    "shop-checkout-instance", var.instance_role
  )
}

resource "aws_iam_policy" "adopt" {
  description = "Adopts a live group. Not needed after the first deployment."
  policy = replace(
    replace(file("${path.module}/adopt.json"), "shop__checkout__prod", var.series),
    "shop-checkout-live", var.adopted_group
  )
}

output "policies" {
  value = [aws_iam_policy.series.arn, aws_iam_policy.adopt.arn]
}
