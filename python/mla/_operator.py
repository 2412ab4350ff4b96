# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shape classes and sizes of operators, by their tables: calls and kernels are matched
by them."""

import collections
import functools
import itertools

from ._abi import DTYPES, DYNAMIC
from ._operators import OPERATORS
from ._tensor import common_device


class _Sizes:
    """Base of the tuple of an operator's run-time sizes. In a kernel's tuple DYNAMIC
    stands for a size that the kernel takes at run time."""

    def fit(self, call):
        return all(mine in (DYNAMIC, size) for mine, size in zip(self, call))


class Operator:
    """An operator by its name.

    shape_class: a named tuple of the properties that every kernel is compiled for:
        static sizes, presence of each optional argument, options, element types
    sizes: a named tuple of the run-time sizes
    """

    def __init__(self, name):
        self.name, self.table = name, OPERATORS[name]
        operands = self.table["operands"]
        sizes = self.table["sizes"]
        self.static = [size for size, limits in sizes.items() if limits["static"]]
        dynamic = [
            size
            for size, limits in sizes.items()
            if not limits["static"] and limits["least"] < limits["most"]
        ]
        self.optional = [name for name, operand in operands.items() if operand["optional"]]
        choices = {**self.table["options"], **self.table["element_types"]}
        fields = self.static + self.optional + list(choices)
        defaults = [values[0] for values in choices.values()]
        self.shape_class = type(
            name,
            (collections.namedtuple(name, fields, defaults=defaults),),
            {"operator": self, "__slots__": ()},
        )
        self.sizes = type(
            "Sizes",
            (_Sizes, collections.namedtuple("Sizes", dynamic)),
            {"__slots__": ()},
        )

    def _size(self, size, tensors):
        """The size `size` of tensors or arguments, by name. DYNAMIC if they have none
        with this dimension."""
        operands = self.table["operands"]
        # A launch may omit optional ones.
        for name in sorted(operands, key=lambda name: operands[name]["optional"]):
            dims = operands[name]["dims"]
            if size in dims and name in tensors:
                return tensors[name].shape[dims.index(size)]
        return DYNAMIC

    def _element_types(self, tensors):
        for variable in self.table["element_types"]:
            for name, operand in self.table["operands"].items():
                if operand["variable"] == variable:
                    yield DTYPES[tensors[name].dtype]
                    break

    def shape_classes_of(self, arguments, optional, options):
        """Shape classes of the calls that a kernel with these arguments serves; a call
        may leave out those in `optional`."""

        def given(name):
            with_it = [True] if name in arguments else []
            without = [False] if not with_it or name in optional else []
            return with_it + without

        static = [self._size(size, arguments) for size in self.static]
        words = [
            options.get(option, values[0])
            for option, values in self.table["options"].items()
        ]
        return [
            self.shape_class(*static, *has, *words, *self._element_types(arguments))
            for has in itertools.product(*map(given, self.optional))
        ]

    def shape_class_of(self, tensors, options):
        """Shape class of a call; `options` are words in the order of the table."""
        return self.shape_class(
            *(self._size(size, tensors) for size in self.static),
            *(name in tensors for name in self.optional),
            *options,
            *self._element_types(tensors),
        )

    def sizes_of(self, tensors):
        return self.sizes(*(self._size(size, tensors) for size in self.sizes._fields))

    def check(self, tensors):
        """Checks dtypes, ranks and devices of the tensors of a call, by name, which the
        choice of a kernel depends on. Every launch checks shapes, strides and addresses.
        Returns the device's ordinal. Raises TypeError and ValueError."""
        first = {}
        for name, tensor in tensors.items():
            operand = self.table["operands"][name]
            dtype, expected = DTYPES[tensor.dtype], operand["elements"]
            if dtype not in expected:
                raise TypeError(f"{name}: expected {' or '.join(expected)}, got {dtype}")
            other = first.setdefault(operand["variable"] or name, name)
            if DTYPES[tensors[other].dtype] != dtype:
                raise TypeError(
                    f"{name}: expected {DTYPES[tensors[other].dtype]}, as {other} has, "
                    f"got {dtype}"
                )
            if tensor.rank != len(operand["dims"]):
                raise ValueError(
                    f"{name}: expected {len(operand['dims'])} dimensions, got "
                    f"{tensor.rank}"
                )
        return common_device(tensors)


@functools.lru_cache(maxsize=None)
def operator(name) -> Operator:
    return Operator(name)
