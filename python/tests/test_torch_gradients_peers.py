# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The errors of gradients on a GPU beside those of torch's scaled_dot_product_attention, by
each of its fused implementations that takes the sizes: at most 1.2 times as large.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python \\
        python3 python/tests/test_torch_gradients_peers.py
"""

import unittest

from test_torch_gradients import HAS_GPU, SCALE, Base

if HAS_GPU:
    import torch
    from gradients import prefill_gradients
    from mla.transformer_engine import mla_attention
    from test_torch_gradients import make
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention


class Peers(Base):
    def differentiate_by(self, backend, inputs, causal):
        """None if torch has no such kernel."""

        def attend(*tensors):
            q, k, v = (tensor.transpose(1, 2) for tensor in tensors)
            with sdpa_kernel([backend]):
                out = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=SCALE)
            return out.transpose(1, 2)

        try:
            return self.differentiate(attend, inputs, inputs["dout"])
        except RuntimeError as error:
            if "No available kernel" in str(error) or "No viable backend" in str(error):
                return None
            raise

    def expect_as_right(self, inputs, causal):
        wanted = prefill_gradients(**inputs, scale=SCALE, causal=causal)

        def errors_of(gradients):
            return [
                float((got.double() - want).norm() / want.norm())
                for got, want in zip(gradients, wanted)
            ]

        ours = errors_of(
            self.differentiate(
                lambda *tensors: mla_attention(*tensors, is_causal=causal),
                *(inputs, inputs["dout"]),
            )
        )
        compared = 0
        for backend in (SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
            gradients = self.differentiate_by(backend, inputs, causal)
            if gradients is None:
                continue
            compared += 1
            for name, mine, theirs in zip(("dq", "dk", "dv"), ours, errors_of(gradients)):
                # The peer's gradients are right as well.
                self.assertLess(theirs, 1e-2, f"{backend}: {name}")
                self.assertLessEqual(mine, 1.2 * theirs, f"{backend}: {name}")
        if not compared:
            self.skipTest("torch has no fused attention of these sizes")

    def test_errors(self):
        for b, s_q, s_kv, h, dtype, causal in (
            (1, 2048, 2048, 16, torch.bfloat16, True),
            (2, 512, 1024, 4, torch.bfloat16, False),
            (1, 1000, 1000, 4, torch.bfloat16, True),
            (1, 1024, 1024, 8, torch.float16, True),
        ):
            with self.subTest(s_q=s_q, s_kv=s_kv, dtype=dtype, causal=causal):
                self.expect_as_right(make(b, s_q, s_kv, h, dtype=dtype), causal)


if __name__ == "__main__":
    unittest.main()
