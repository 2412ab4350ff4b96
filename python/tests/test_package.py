# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.Package and workspaces on the fake driver: a package of two kernels."""

import json
import os
import pathlib
import struct
import tempfile
import unittest
from unittest import mock

import mla
from fakes import CudaArray, DLPackTensor, fake_torch, installed
from mla import _library

# First: it adds the folder of fake_package to sys.path.
from support import driver, setUpModule  # noqa: F401

from fake_package import (
    compile_package,
    make_package,
    program_parameter_sizes,
    write_package,
)

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent.parent / "test" / "Programs"


def arguments_of(make=CudaArray, rows=130, keys=600):
    """Arguments of split-sums.mlir, whose workspace has ceildiv(keys, 256) x rows
    floats."""
    return {
        "a": make("bf16", (rows, 64)),
        "b": make("bf16", (keys, 64)),
        "c": make("bf16", (64, 64)),
        "out": make("f32", (rows,)),
    }


# 3 x 130 floats, rounded up to a multiple of 256 bytes.
NEEDED = 1792


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = _library.Library(os.environ["MLA_LIBRARY"])
        patch = mock.patch.object(_library, "_library", cls.library)
        patch.start()
        cls.addClassCleanup(patch.stop)

    def expect_workspace(self, address, stream):
        """Both kernels were launched on `stream` with the workspace at `address`."""
        self.assertEqual(len(driver.launches), 2)
        for kernel, (values, launched_on, _) in zip(
            self.descriptor["kernels"], driver.launches
        ):
            self.assertEqual(launched_on, stream)
            addresses = [
                value
                for parameter, value in zip(kernel["parameters"], values)
                if parameter["kind"] == "pointer" and "workspace" in parameter
            ]
            self.assertEqual(addresses, [struct.pack("Q", address)])


class Program(Base):
    """split-sums.mlir as a package."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            compile_package(
                os.environ["MLA_TEST_JIT"], PROGRAMS / "split-sums.mlir", folder
            )
            text = pathlib.Path(folder, "kernel.json").read_text()
            cls.descriptor = json.loads(text)
            cls.package = mla.Package(folder)

    def setUp(self):
        driver.reset_program(program_parameter_sizes(self.descriptor))


class TwoKernels(Program):
    def expect_error(self, kind, text, **changes):
        arguments = {**arguments_of(), **changes}
        with self.assertRaises(kind) as caught:
            self.package(**arguments)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(driver.launches, [])

    def test_arguments(self):
        self.assertEqual(sorted(self.package.arguments), ["a", "b", "c", "out"])
        self.assertEqual(self.package.optional, frozenset())
        self.assertEqual(self.package.workspace_bytes(**arguments_of()), NEEDED)
        more = self.package.workspace_bytes(**arguments_of(keys=6000))
        self.assertEqual(more, 24 * 130 * 4 // 256 * 256 + 256)

    def test_a_workspace_is_given(self):
        for make, shape, dtype in [
            (CudaArray, (NEEDED,), "u8"),
            (DLPackTensor, (NEEDED,), "u8"),
            (CudaArray, (16, NEEDED // 16), "f32"),
        ]:
            with self.subTest(make=make, dtype=dtype):
                self.setUp()
                workspace = make(dtype, shape)
                self.package(**arguments_of(), workspace=workspace, stream=77)
                self.expect_workspace(workspace.address, 77)

    def test_phases(self):
        workspace = CudaArray("u8", (NEEDED,))
        # All kernels of the program are of this phase.
        self.package(**arguments_of(), workspace=workspace, phase="launch")
        self.expect_workspace(workspace.address, 0)
        self.setUp()
        self.package(**arguments_of(), workspace=workspace, phase="plan")
        self.assertEqual(driver.launches, [])
        self.expect_error(
            TypeError,
            f"workspace: expected {NEEDED} bytes, which the phases share, got None",
            phase="launch",
        )
        self.expect_error(
            ValueError,
            "phase: expected 'all' or 'plan' or 'launch', got 'run'",
            phase="run",
        )

    def test_workspaces_that_do_not_fit(self):
        self.expect_error(
            TypeError,
            f"workspace: expected {NEEDED} bytes on device 0, got None; only torch",
        )
        self.expect_error(
            ValueError,
            f"workspace: expected {NEEDED} bytes or more, got 1791 bytes",
            workspace=CudaArray("u8", (NEEDED - 1,)),
        )
        self.expect_error(
            ValueError,
            f"workspace: expected {NEEDED} bytes or more, got 0 bytes",
            workspace=CudaArray("u8", (0,)),
        )
        self.expect_error(
            ValueError,
            f"workspace: expected {NEEDED} bytes aligned to 256 bytes, got 2000 bytes at "
            "0x7f1234000010",
            workspace=CudaArray("u8", (2000,), data=0x7F1234000010),
        )
        self.expect_error(
            ValueError,
            "workspace: expected contiguous memory, got shape (2, 2000) and strides",
            workspace=CudaArray("u8", (2, 2000), strides=(4000, 1)),
        )
        self.expect_error(
            TypeError,
            "workspace: expected a tensor with __dlpack__ or __cuda_array_interface__, "
            "got int",
            workspace=0x7F1234000000,
        )

    def test_a_workspace_on_another_device(self):
        driver.set_devices(2)
        workspace = CudaArray("u8", (2000,))
        driver.set_pointer_device(workspace.address, 1)
        self.expect_error(
            ValueError,
            f"workspace: expected {NEEDED} bytes on device 0, got 2000 bytes on device 1",
            workspace=workspace,
        )

    def test_a_workspace_over_an_argument(self):
        arguments = arguments_of()
        self.expect_error(
            ValueError,
            "'workspace': expected memory apart from that of argument 'b'",
            **arguments,
            workspace=CudaArray("u8", (NEEDED,), data=arguments["b"].address),
        )

    def test_names_of_arguments(self):
        arguments = arguments_of()
        del arguments["c"]
        for changed, got in [
            (arguments, "a, b, out"),
            ({**arguments_of(), "d": 1}, "a, b, c, out, d"),
        ]:
            with self.assertRaises(TypeError) as caught:
                self.package(**changed)
            self.assertIn("arguments: expected a, b, ", str(caught.exception))
            self.assertIn(f", got {got}", str(caught.exception))

    def test_tensors_are_checked(self):
        workspace = CudaArray("u8", (2000,))
        self.expect_error(
            ValueError, "'c'", c=CudaArray("bf16", (63, 64)), workspace=workspace
        )

    def test_no_package(self):
        with self.assertRaises(mla.MLAError) as caught:
            mla.Package("/nowhere")
        self.assertIn("/nowhere", str(caught.exception))


class WithTorch(Program):
    """Torch allocates the workspace."""

    def setUp(self):
        super().setUp()
        self.torch = fake_torch({0: 5, 1: 6})
        install = installed(self.torch)
        install.__enter__()
        self.addCleanup(install.__exit__)

    def call(self, **more):
        self.package(**arguments_of(self.torch.Tensor), **more)

    def test_it_is_allocated(self):
        # Twice: the second call finds the first one's launch.
        for _ in range(2):
            super().setUp()
            self.torch.made.clear()
            self.call()
            ((workspace, stream),) = self.torch.made
            self.assertEqual((workspace.word, workspace.sizes), ("u8", (NEEDED,)))
            self.assertEqual(stream, 5)
            self.expect_workspace(workspace.address, 5)

    def test_on_a_stream_that_is_not_current(self):
        self.call(stream=9)
        ((workspace, stream),) = self.torch.made
        self.assertEqual(stream, 9)
        self.expect_workspace(workspace.address, 9)

    def test_it_is_given(self):
        workspace = self.torch.Tensor("f32", (NEEDED // 4,))
        self.call(workspace=workspace)
        self.assertEqual(self.torch.made, [])
        self.expect_workspace(workspace.address, 5)
        for ordinal, text in [
            (None, "workspace: expected a CUDA tensor, got one on cpu"),
            (1, f"expected {NEEDED} bytes on device 0, got {NEEDED} bytes on device 1"),
        ]:
            other = self.torch.Tensor("u8", (NEEDED,), device=ordinal)
            with self.assertRaises(ValueError) as caught:
                self.call(workspace=other)
            self.assertIn(text, str(caught.exception))

    def test_operands_on_two_devices(self):
        arguments = arguments_of(self.torch.Tensor)
        arguments["c"] = self.torch.Tensor("bf16", (64, 64), device=1)
        with self.assertRaises(ValueError) as caught:
            self.package(**arguments)
        self.assertIn(
            "c: expected a tensor on device 0, as a is, got one on device 1",
            str(caught.exception),
        )


class OfAnOperator(Base):
    """combine with a package that has a workspace and a second kernel."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            jit = os.environ["MLA_TEST_JIT"]
            package = make_package(jit, folder, operator="combine")
            descriptor = json.loads((package / "kernel.json").read_text())
            descriptor["workspaces"] = [
                {"name": "scratch", "dtype": "f32", "shape": ["splits", "rows"]}
            ]
            (kernel,) = descriptor["kernels"]
            kernel["parameters"].append({"kind": "pointer", "workspace": 0})
            descriptor["kernels"].append({**kernel, "symbol": "again"})
            write_package(package, descriptor)
            cls.descriptor = descriptor
            cls.library.add_packages(folder)

    def setUp(self):
        driver.reset_program(program_parameter_sizes(self.descriptor))

    def arguments_of(self, make):
        return {
            "partial_out": make("f32", (4, 100, 512)),
            "partial_lse": make("f32", (4, 100)),
            "out": make("bf16", (100, 512)),
            "lse": make("f32", (100,)),
        }

    def test_it_is_given(self):
        workspace = CudaArray("u8", (1792,))
        mla.combine(**self.arguments_of(CudaArray), workspace=workspace, stream=3)
        self.expect_workspace(workspace.address, 3)

    def test_it_is_missing(self):
        with self.assertRaises(TypeError) as caught:
            mla.combine(**self.arguments_of(CudaArray))
        self.assertIn(
            "workspace: expected 1792 bytes on device 0, got None", str(caught.exception)
        )
        self.assertEqual(driver.launches, [])

    def test_torch_allocates(self):
        with installed(fake_torch({0: 5})) as torch:
            mla.combine(**self.arguments_of(torch.Tensor))
            ((workspace, stream),) = torch.made
            self.assertEqual((workspace.sizes, stream), ((1792,), 5))
            self.expect_workspace(workspace.address, 5)


if __name__ == "__main__":
    unittest.main()
