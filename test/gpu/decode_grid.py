#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.decode over a grid of shapes and options, checked against the reference in double
precision, with the harness's poison: lengths of all kinds, shared and invalid pages,
NaN in every row that nobody reads. A sample of the grid: every value of every axis
occurs about equally often, and the combinations are drawn.

    decode_grid.py simulate --jit build/bin/mla-jit --shapes 45
    decode_grid.py compile --jit build/bin/mla-jit --shapes 400 build/decode-grid
    decode_grid.py run --mla-run build/bin/mla-run build/decode-grid    # on a GPU

Prints a line per failure with the command that repeats it, and a table at the end.
"""

import grids

SIZES = ("h_q", "h_kv", "s_q", "d_qk", "page_size")
OPTIONS = ("causal", "dtype", "partials", "lse_base", "empty_lse", "batch_invariant")


class Shape(grids.Shape):
    AXES = {
        "schedule": ("swapped", "split-columns", "seesaw"),
        "h_q": (1, 3, 8, 9, 12, 16, 22, 48, 63, 64, 96, 126, 128),
        "h_kv": (1, 1, 1, 2),
        "s_q": (1, 1, 2, 3, 4, 13),
        "d_qk": (576, 576, 512),
        # "?": a contiguous cache.
        "page_size": (1, 16, 64, 128, 192, "?"),
        "rope": (False, False, True),
        "causal": ("no", "yes"),
        "dtype": ("bf16", "bf16", "f16"),
        "partials": ("out", "f32"),
        "sink": (False, True, "optional"),
        "lse_base": ("e", "2"),
        "empty_lse": ("+inf", "-inf"),
        "batch_invariant": ("no", "no", "yes"),
    }
    # With few CTAs requests are whole, with many each is cut.
    SMALL = {"b": (1, 2, 6), "tokens": (1, 20, 140, 700), "ctas": (1, 3, 7, 16, 40, 132)}
    LARGE = {"b": (1, 2, 6, 64), "tokens": (1, 20, 140, 1000, 4096), "ctas": (1, 16, 132, 160)}

    def finish(self, number, rng):
        values = self.values
        if values["h_q"] % values["h_kv"]:
            values["h_kv"] = 1
        if values["rope"]:
            values["d_qk"] = 512
        elif values["d_qk"] == 512 and values["schedule"] == "seesaw":
            # Without columns of rope, ptxas spills in seesaw for some shapes.
            values["schedule"] = "split-columns"
        pads = {"q": 8, "k_cache": 16, "out": 24, "lse": 5}
        if values["page_size"] != "?":
            pads["block_table"] = 3
        if values["rope"]:
            pads["k_rope"] = 8
        values["pad"] = {} if number % 3 else pads
        self.name = (f"{number:03}-{values['schedule']}-h{values['h_q']}-kv{values['h_kv']}"
                     f"-s{values['s_q']}-p{values['page_size']}".replace("?", "none"))

    def make_case(self, sizes):
        if self.values["page_size"] == "?":
            return {"b": sizes["b"], "page_size": sizes["tokens"], "ctas": sizes["ctas"]}
        pages = -(-sizes["tokens"] // self.values["page_size"])
        # Fewer pages than the table has entries: requests share them.
        most = max(1, sizes["b"] * pages * 3 // 4)
        return {"b": sizes["b"], "max_pages": pages, "num_pages": most, "ctas": sizes["ctas"]}

    def emit_words(self):
        values = self.values
        words = ["decode", "--sizes", grids.join_sizes({name: values[name] for name in SIZES})]
        words += [f"--{name.replace('_', '-')}={values[name]}" for name in OPTIONS]
        if values["page_size"] == "?":
            words.append("--no-block-table")
        if values["rope"]:
            words += ["--q-rope", "--k-rope"]
        if values["sink"]:
            words.append("--sink")
        if values["sink"] == "optional":
            words.append("--optional=attn_sink")
        return words

    def run_words(self):
        words = []
        if self.values["sink"] == "optional" and self.values["seed"] % 2:
            words.append("--without=attn_sink")
        return words + [f"--pad={name}={columns}" for name, columns in self.values["pad"].items()]


if __name__ == "__main__":
    grids.main(Shape, __doc__)
