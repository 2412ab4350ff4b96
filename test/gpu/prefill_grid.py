#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.prefill over a grid of shapes, options and layouts, checked against the reference in
double precision, with the harness's poison: NaN in every row that nobody reads and in all
padding, sequences of random lengths, some without queries or keys. A sample of the grid:
every value of every axis occurs about equally often, and the combinations are drawn.

    prefill_grid.py simulate --jit build/bin/mla-jit --shapes 45
    prefill_grid.py compile --jit build/bin/mla-jit --shapes 400 build/prefill-grid
    prefill_grid.py run --mla-run build/bin/mla-run build/prefill-grid    # on a GPU

Prints a line per failure with the command that repeats it, and a table at the end.
"""

import grids

OPTIONS = ("causal", "dtype", "lse_base", "empty_lse")
# Dimensions of [b, s, h, d] from the slowest to the fastest in memory.
LAYOUTS = {"bshd": "", "bhsd": "0,2,1,3", "sbhd": "1,0,2,3"}


class Shape(grids.Shape):
    AXES = {
        "schedule": ("chosen", "two-consumers", "two-consumers:block_kv=64"),
        "h_q": (1, 2, 3, 6, 8, 16),
        # Query heads of a KV head, where it divides h_q.
        "group": (1, 1, 1, 2, 3, 8),
        "dims": ((192, 128), (192, 128), (192, 128), (128, 128), (64, 64), (256, 256), (80, 48),
                 (16, 16), (112, 208)),
        "causal": ("no", "yes"),
        "dtype": ("bf16", "bf16", "f16"),
        "lse_base": ("e", "2"),
        "empty_lse": ("+inf", "-inf"),
        "sequences": (False, True),
        "layout": (*LAYOUTS, "packed"),
        "out_layout": tuple(LAYOUTS),
        "lse_order": ("0,1,2", "0,2,1", "2,0,1"),
        "magnitude": (0.1, 0.1, 1, 3),
        "extreme": ("", "", "", "", "", "nan-q", "nan-kv", "nan-v", "huge-scores",
                    "overflowing-scores"),
    }
    SMALL = {"b": (1, 2), "s_q": (0, 1, 64, 127, 129, 257), "s_kv": (0, 1, 100, 128, 300, 513),
             "bounds": (1, 2, 4, 9)}
    LARGE = {"b": (1, 2, 5), "s_q": (0, 1, 127, 128, 129, 513, 1000, 4096),
             "s_kv": (0, 1, 127, 257, 513, 2048, 4096), "bounds": (1, 2, 5, 40, 300)}

    def finish(self, number, rng):
        values = self.values
        group = values.pop("group")
        values["h_kv"] = values["h_q"] // (1 if values["h_q"] % group else group)
        values["d_qk"], values["d_v"] = values.pop("dims")
        if values["extreme"]:
            # Tolerances do not count with NaN, nor with rounded scores of 1e8.
            values["magnitude"] = 0.1
        if values["extreme"].endswith("scores"):
            values["dtype"] = "bf16"
        kind = "varlen" if values["sequences"] else "dense"
        self.name = (f"{number:03}-{kind}-h{values['h_q']}-kv{values['h_kv']}-d{values['d_qk']}"
                     f"-{values['d_v']}-{values['causal']}")

    def make_case(self, sizes):
        if self.values["sequences"]:
            return {**sizes, "b": 1}
        return {name: sizes[name] for name in ("b", "s_q", "s_kv")}

    def emit_words(self):
        values = self.values
        sizes = {name: values[name] for name in ("h_q", "h_kv", "d_qk", "d_v")}
        words = ["prefill", "--sizes", grids.join_sizes(sizes)]
        words += [f"--{name.replace('_', '-')}={values[name]}" for name in OPTIONS]
        return words + (["--cu-seqlens-q", "--cu-seqlens-k"] if values["sequences"] else [])

    def run_words(self):
        values = self.values
        words = [f"--magnitude={values['magnitude']}", f"--order=lse={values['lse_order']}"]
        layouts = {"out": values["out_layout"]}
        if values["layout"] == "packed":
            # As if each row were followed by those of the other two.
            words += [f"--pad=q={values['d_qk'] + values['d_v']}",
                      f"--pad=k={values['d_qk'] + values['d_v']}",
                      f"--pad=v={2 * values['d_qk']}", "--pad=out=8", "--pad=lse=3"]
        else:
            layouts.update(dict.fromkeys("qkv", values["layout"]))
        if values["extreme"]:
            words.append(f"--extreme={values['extreme']}")
        return words + [f"--order={name}={LAYOUTS[layout]}"
                        for name, layout in layouts.items() if LAYOUTS[layout]]


if __name__ == "__main__":
    grids.main(Shape, __doc__)
