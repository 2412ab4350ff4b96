#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a small DeepSeek-V2 with random weights three times from the same start: with
mla_attention, with attention in float32, and with torch's scaled_dot_product_attention.

    MLA_LIBRARY=<libmla-jit.so> PYTHONPATH=python python3 examples/train_block.py

The model is that of transformers, if it is installed, else it is written below. It prints
the losses, the errors of the first step's gradients and the times of a step, and fails
unless

  - the first gradients are as close to those of float32 as those of torch's attention
  - the loss curve is as close to that of float32 as that of torch's attention
  - training again gives the same losses, to the bit
"""

import argparse
import math
import os
import statistics
import sys
import time

# Read when cuBLAS is first used; without it its sums may be in any order.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from mla.transformer_engine import mla_attention  # noqa: E402
from torch import nn  # noqa: E402

NOPE, ROPE, D_V, LATENT, VOCABULARY = 128, 64, 128, 512, 512

# ------------------------------------------------------------------------------
# Attention: causal, of tensors [batch, heads, sequence, depth]
# ------------------------------------------------------------------------------


def attend_mla(q, k, v, scale):
    return mla_attention(
        q, k, v, softmax_scale=scale, is_causal=True, qkv_format="bhsd"
    )


def attend_float32(q, k, v, scale):
    logits = q.float() @ k.float().transpose(-1, -2) * scale
    hidden = torch.ones(logits.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    weights = logits.masked_fill(hidden, -math.inf).softmax(-1)
    return (weights @ v.float()).to(q.dtype)


def attend_torch(q, k, v, scale):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)


ATTENTION = {"mla": attend_mla, "float32": attend_float32, "torch": attend_torch}

# The name of the one that models call, and if not None the tensors of each call by name,
# which keep their gradients.
chosen, kept = "mla", None


def attend(q, k, v, scale):
    q, k, v = (tensor.bfloat16() for tensor in (q, k, v))
    if kept is not None:
        call = len(kept) // 3
        for name, tensor in (("q", q), ("k", k), ("v", v)):
            tensor.retain_grad()
            kept[f"{name} of layer {call}"] = tensor
    return ATTENTION[chosen](q, k, v, scale)


# ------------------------------------------------------------------------------
# The model with torch alone
# ------------------------------------------------------------------------------


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, 1e-6)


def rotate(x):
    """Rotary embedding of [batch, heads, sequence, ROPE]."""
    position = torch.arange(x.shape[2], device=x.device, dtype=torch.float32)
    frequency = 10000.0 ** -(torch.arange(0, ROPE, 2, device=x.device) / ROPE)
    angle = position[:, None] * frequency
    turn = torch.polar(torch.ones_like(angle), angle)
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * turn).flatten(-2).to(x.dtype)


class Attention(nn.Module):
    """Multi-head latent attention before absorption: keys and values of all heads come
    from one latent of each token, and a rotary part of the keys that the heads share."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(hidden, heads * (NOPE + ROPE), bias=False)
        self.kv_a_proj = nn.Linear(hidden, LATENT + ROPE, bias=False)
        self.kv_a_norm = Norm(LATENT)
        self.kv_b_proj = nn.Linear(LATENT, heads * (NOPE + D_V), bias=False)
        self.o_proj = nn.Linear(heads * D_V, hidden, bias=False)

    def forward(self, x):
        q = self.q_proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        q_nope, q_rope = q.split((NOPE, ROPE), -1)
        latent, k_rope = self.kv_a_proj(x).split((LATENT, ROPE), -1)
        kv = self.kv_b_proj(self.kv_a_norm(latent)).unflatten(-1, (self.heads, -1))
        k_nope, v = kv.transpose(1, 2).split((NOPE, D_V), -1)
        k_rope = rotate(k_rope.unsqueeze(1)).expand(-1, self.heads, -1, -1)
        q = torch.cat((q_nope, rotate(q_rope)), -1)
        k = torch.cat((k_nope, k_rope), -1)
        out = attend(q, k, v, (NOPE + ROPE) ** -0.5)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, hidden, heads):
        super().__init__()
        self.attention_norm, self.attention = Norm(hidden), Attention(hidden, heads)
        self.mlp_norm = Norm(hidden)
        self.gate_up = nn.Linear(hidden, 2 * 4 * hidden, bias=False)
        self.down = nn.Linear(4 * hidden, hidden, bias=False)

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, options.hidden)
        self.blocks = nn.ModuleList(
            Block(options.hidden, options.heads) for _ in range(options.layers)
        )
        self.norm = Norm(options.hidden)
        self.head = nn.Linear(options.hidden, VOCABULARY, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


# ------------------------------------------------------------------------------
# The model of transformers
# ------------------------------------------------------------------------------


def transformers_model(options):
    """Raises ImportError if it is not installed, or has no DeepSeek-V2."""
    from transformers import AttentionInterface, DeepseekV2Config, DeepseekV2ForCausalLM

    def call(module, query, key, value, attention_mask, scaling, **_):
        if attention_mask is not None:
            raise ValueError("attention_mask: expected None, got a tensor")
        return attend(query, key, value, scaling).transpose(1, 2), None

    AttentionInterface.register("train_block", call)
    config = DeepseekV2Config(
        vocab_size=VOCABULARY,
        hidden_size=options.hidden,
        intermediate_size=4 * options.hidden,
        num_hidden_layers=options.layers,
        # No mixture of experts.
        first_k_dense_replace=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.heads,
        kv_lora_rank=LATENT,
        q_lora_rank=None,
        qk_nope_head_dim=NOPE,
        qk_rope_head_dim=ROPE,
        v_head_dim=D_V,
        max_position_embeddings=options.sequence,
        attn_implementation="train_block",
    )

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = DeepseekV2ForCausalLM(config)

        def forward(self, tokens):
            return self.model(input_ids=tokens, use_cache=False).logits

    return Wrapped()


def make_model(options):
    """The same weights each time."""
    torch.manual_seed(0)
    if options.model != "torch":
        try:
            return transformers_model(options).to(options.device)
        except ImportError:
            if options.model == "transformers":
                raise
    return Model(options).to(options.device)


# ------------------------------------------------------------------------------
# Training
# ------------------------------------------------------------------------------


class Batches:
    """Tokens that follow one of four others, in sequences whose second half repeats the
    first: a model learns the former without attention, the latter with it."""

    def __init__(self, options):
        self.options = options
        self.generator = torch.Generator().manual_seed(1)
        shape = VOCABULARY, 4
        self.following = torch.randint(VOCABULARY, shape, generator=self.generator)

    def next(self):
        size = self.options.batch
        half = self.options.sequence // 2 + 1
        token = torch.randint(VOCABULARY, (size,), generator=self.generator)
        tokens = [token]
        for choice in torch.randint(4, (half - 1, size), generator=self.generator):
            tokens.append(self.following[tokens[-1], choice])
        first = torch.stack(tokens, 1)
        both = torch.cat((first, first), 1)[:, : self.options.sequence + 1]
        return both.to(self.options.device)


class Training:
    def __init__(self, attention, options):
        self.attention, self.options = attention, options
        self.model = make_model(options)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=options.rate)

    def loss(self, tokens):
        global chosen
        chosen = self.attention
        with torch.autocast(self.options.device, torch.bfloat16):
            logits = self.model(tokens[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())

    def step(self, tokens):
        self.optimizer.zero_grad()
        loss = self.loss(tokens)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def run(self):
        """The losses of all steps, and the gradients of the first: of parameters, and of
        what attention reads."""
        global kept
        batches, losses, kept = Batches(self.options), [], {}
        for number in range(self.options.steps):
            losses.append(self.step(batches.next()))
            if number == 0:
                tensors = {**kept, **dict(self.model.named_parameters())}
                first = {name: tensor.grad.clone() for name, tensor in tensors.items()}
                kept = None
        return torch.stack(losses).tolist(), first


def worst_error(gradients, wanted):
    """The largest relative error, in the Frobenius norm, of a gradient; and whose."""
    errors = {
        name: float((gradients[name] - want).norm() / want.norm())
        for name, want in wanted.items()
        if want.norm() > 0
    }
    return max((error, name) for name, error in errors.items())


def distance(losses, wanted):
    return statistics.fmean(abs(a - b) for a, b in zip(losses, wanted))


def step_times(options, rounds=5, steps=8):
    """Median seconds of a step by attention, which take turns."""
    torch.use_deterministic_algorithms(False)
    trainings = {name: Training(name, options) for name in ATTENTION}
    tokens = Batches(options).next()
    times = {name: [] for name in trainings}
    for number in range(rounds + 1):
        for name, training in trainings.items():
            float(training.step(tokens))
            start = time.perf_counter()
            for _ in range(steps):
                loss = training.step(tokens)
            # Waits for the device.
            float(loss)
            if number:
                times[name].append((time.perf_counter() - start) / steps)
    return {name: statistics.median(values) for name, values in times.items()}


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rate", type=float, default=5e-4, help="of learning")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sequence", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=1024)
    models = "auto", "torch", "transformers"
    parser.add_argument("--model", choices=models, default="auto")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-times", action="store_true", help="do not time steps")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    torch.use_deterministic_algorithms(True, warn_only=True)
    runs = {name: Training(name, options).run() for name in ATTENTION}
    again, _ = Training("mla", options).run()

    print("step  " + "  ".join(f"{name:>8}" for name in runs))
    for step in sorted({*range(0, options.steps, 20), options.steps - 1}):
        losses = "  ".join(f"{losses[step]:8.5f}" for losses, _ in runs.values())
        print(f"{step + 1:4}  {losses}")

    wanted, wanted_gradients = runs["float32"]
    errors, distances = {}, {}
    for name in ("mla", "torch"):
        losses, gradients = runs[name]
        errors[name], place = worst_error(gradients, wanted_gradients)
        distances[name] = distance(losses, wanted)
        print(
            f"{name} against float32: gradients of step 1 at most {errors[name]:.2e} "
            f"({place}), losses {distances[name]:.2e} on average"
        )
    if not options.no_times:
        for name, seconds in step_times(options).items():
            print(f"{name}: {seconds * 1e3:.2f} ms a step")

    losses = runs["mla"][0]
    faults = []
    if not all(map(math.isfinite, losses)) or losses[-1] >= losses[0]:
        faults.append(f"the loss went from {losses[0]} to {losses[-1]}")
    if again != losses:
        step = next(i for i, pair in enumerate(zip(losses, again)) if pair[0] != pair[1])
        faults.append(f"training again gave another loss in step {step + 1}")
    # Two roundings of bf16 are as far from each other as from float32.
    if errors["mla"] > 2 * errors["torch"] + 1e-3:
        faults.append("the first gradients are further from float32 than torch's")
    if distances["mla"] > 2 * distances["torch"] + 5e-3:
        faults.append("the losses are further from float32 than torch's")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if not faults:
        print("trained twice with the same losses, to the bit")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
