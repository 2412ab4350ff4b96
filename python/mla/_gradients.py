# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which calls torch records for a backward pass, and refusals of what has no gradient."""


def _refuse_transforms(torch, is_transformed, tensors):
    """Calls that are not traced bypass torch's dispatcher, which would refuse these in
    part; of the results of a compiled call it would drop the tangents."""
    first = next(iter(tensors))
    if is_transformed:
        raise ValueError(
            f"{first}: expected a tensor outside of torch.func's transforms (vmap, grad, "
            "vjp, jvp, ...), because attention does not support them, got one inside"
        )
    # Tangents are not visible while torch compiles.
    if torch.compiler.is_compiling():
        raise ValueError(
            f"{first}: expected a compiled call outside of forward_ad.dual_level, because "
            "attention has no forward-mode gradient, got one inside"
        )
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            continue
        if torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None:
            raise ValueError(
                f"{name}: expected a tensor without a tangent, because attention has no "
                "forward-mode gradient, got one with a tangent"
            )


def is_needed(torch, **tensors):
    """Whether a gradient may be asked of the results of a call on `tensors`. `torch` is
    the module if the first is one of its tensors, else None. Raises ValueError within
    transforms that attention does not support."""
    if torch is None:
        return False
    if torch.compiler.is_compiling():
        from ._torch_library import transforms

        is_transformed, is_dual = transforms()
    else:
        is_transformed = torch._C._are_functorch_transforms_active()
        is_dual = torch.autograd.forward_ad._current_level >= 0
    if is_transformed or is_dual:
        _refuse_transforms(torch, is_transformed, tensors)
    if torch.is_grad_enabled():
        for tensor in tensors.values():
            if _requires_grad(torch, tensor):
                return True
    return False


def _requires_grad(torch, tensor):
    # torch.compile does not take a getattr with a default before torch 2.5.
    return isinstance(tensor, torch.Tensor) and tensor.requires_grad


def check_none(**arguments):
    """Refuses arguments that a call with a gradient does not take."""
    for name, argument in arguments.items():
        if argument is not None:
            raise ValueError(
                f"{name}: expected None where q, k or v requires a gradient, got "
                f"{type(argument).__name__}"
            )


def check_not_needed(function, torch, **tensors):
    """For functions that have no gradient, where a missing one could go unnoticed."""
    if not is_needed(torch, **tensors):
        return
    for name, tensor in tensors.items():
        if _requires_grad(torch, tensor):
            raise ValueError(
                f"{name}: expected a tensor that requires no gradient, or "
                f"torch.no_grad(), because {function} has no gradient; got one that "
                "requires a gradient"
            )
