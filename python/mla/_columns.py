# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pairs of torch's tensors that are columns of queries or of a cache: the latent and the
rotary part."""

from ._tensor import torch_of


def check_parts(first_name, first, second_name, second, rank):
    """Checks that both are tensors of this rank, of one dtype, that differ only in their
    last size."""
    for name, tensor in ((first_name, first), (second_name, second)):
        if torch_of(tensor) is None:
            raise TypeError(
                f"{name}: expected a torch tensor, got {type(tensor).__name__}"
            )
        if tensor.dim() != rank:
            raise ValueError(f"{name}: expected {rank} dimensions, got {tensor.dim()}")
    if second.dtype != first.dtype:
        raise TypeError(
            f"{second_name}: expected {first.dtype}, as {first_name} has, got "
            f"{second.dtype}"
        )
    expected = (*first.shape[:-1], second.shape[-1])
    if tuple(second.shape) != expected:
        raise ValueError(
            f"{second_name}: expected shape {expected}, as {first_name} has, got "
            f"{tuple(second.shape)}"
        )


def rope_of(second):
    """The tensor of the rotary part, or None if it has no columns."""
    return second if second.shape[-1] else None
