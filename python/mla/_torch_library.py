# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How torch_ops and torch_autograd register operators of torch."""

import torch

from ._tensor import describe_torch

# A fragment, because other libraries may add to the namespace. Not
# torch.library.custom_op, whose calls take about three times as long.
operators = torch.library.Library("mla", "FRAGMENT")


def define(schema, implementation, fake):
    """Registers an operator and returns it."""
    name = schema[: schema.index("(")]
    # Inductor may not change the layouts that the caller chose, because the launch
    # checks strides. Before torch 2.7 only their order could be fixed.
    layout = getattr(torch.Tag, "needs_exact_strides", torch.Tag.needs_fixed_stride_order)
    operators.define(schema, tags=(torch.Tag.pt2_compliant_tag, layout))
    # For every device: the launch reports tensors on a wrong one.
    operators.impl(name, implementation, "CompositeExplicitAutograd")
    torch.library.register_fake(f"mla::{name}", fake, lib=operators)
    return getattr(torch.ops.mla, name)


def check_tensors(check, given):
    """Checks what a launch checks without addresses and a kernel. It reads only the
    sizes that kernels are compiled for, because torch.compile guards sizes read."""
    check({name: describe_torch(name, tensor) for name, tensor in given.items()})


@torch.compiler.assume_constant_result
def transforms():
    """Whether torch.compile traces inside one of torch.func's transforms, and inside
    forward_ad.dual_level. It compiles again where that changes."""
    level = torch.autograd.forward_ad._current_level
    return torch._C._are_functorch_transforms_active(), level >= 0
