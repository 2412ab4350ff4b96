# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of torch that are column ranges of one tensor: the latent and the rotary part
of queries and of a cache."""

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


def join(first, second):
    """The tensor whose first columns are `first`, and whose next ones are `second`;
    None if they do not lie in memory like that. Both passed check_parts."""
    width = first.shape[-1]
    if second.shape[-1] == 0:
        return first
    steps = tuple(first.stride())
    adjacent = (
        steps[-1] == 1
        and tuple(second.stride()) == steps
        and second.device == first.device
        and second.data_ptr() == first.data_ptr() + width * first.element_size()
        # Neighbours of two allocations are no tensor.
        and second.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
    )
    if not adjacent:
        return None
    return first.as_strided((*first.shape[:-1], width + second.shape[-1]), steps)


def join_queries(torch, first, second):
    """As join, by a copy if need be: queries are small."""
    joined = join(first, second)
    return torch.cat((first, second), -1) if joined is None else joined


def join_cache(first_name, first, second_name, second):
    """As join. Raises ValueError where it would take a copy of the cache."""
    joined = join(first, second)
    if joined is None:
        raise ValueError(
            f"{second_name}: expected the columns behind those of {first_name} in one "
            f"tensor of {first.shape[-1] + second.shape[-1]} columns, got memory apart: "
            "the kernels read one row for each token"
        )
    return joined
