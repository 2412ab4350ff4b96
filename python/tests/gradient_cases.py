# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of gradients on the CPU share."""

import prefill_cases
import torch
from backward_reference import backward_reference_launch
from gradients import prefill_gradients
from mla import attention_gradients, prefilling
from reference import prefill_reference_launch
from torch_cases import Case

SCALE = 192**-0.5


def make(*arguments, requires_grad=True, **sizes):
    """Inputs by name."""
    inputs = prefill_cases.make(*arguments, **sizes)
    return {name: tensor.requires_grad_(requires_grad) for name, tensor in inputs.items()}


def bounds(device="cpu"):
    """Three sequences of 4 queries and 8 keys: one has no keys, one no queries. A row is
    behind them."""
    return {
        "cu_seqlens_q": torch.tensor([0, 1, 4, 4], dtype=torch.int32, device=device),
        "cu_seqlens_k": torch.tensor([0, 0, 6, 8], dtype=torch.int32, device=device),
    }


class Base(Case):
    def setUp(self):
        torch._dynamo.reset()

    def on_the_cpu(self):
        self.replace_launch(prefilling, side_effect=prefill_reference_launch)
        self.launch_backward = self.replace_launch(
            attention_gradients, side_effect=backward_reference_launch
        )

    def expect_gradients(self, got, inputs, dout, dlse=None, places=None, **options):
        """`places`: those of b, s, h and d in the tensors of `inputs`, in `got` and in
        dout."""
        given = [inputs[name] for name in "qkv"]
        if places:
            given = [tensor.permute(places) for tensor in given]
            got = [tensor.permute(places) for tensor in got]
            dout = dout.permute(places)
        wanted = prefill_gradients(dout, *given, SCALE, dlse, **options)
        for name, mine, want in zip(("dq", "dk", "dv"), got, wanted):
            torch.testing.assert_close(mine, want.bfloat16(), msg=lambda m: f"{name}: {m}")

    def differentiate(self, results, gradients, inputs):
        return torch.autograd.grad(results, [inputs[name] for name in "qkv"], gradients)
