#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mla.prefill_backward over a grid of shapes, options and layouts, as prefill_grid.py for
mla.prefill.

    prefill_backward_grid.py simulate --jit build/bin/mla-jit --shapes 24
    prefill_backward_grid.py compile --jit build/bin/mla-jit --shapes 400 build/backward-grid
    prefill_backward_grid.py run --mla-run build/bin/mla-run build/backward-grid  # on a GPU
"""

import grids
import prefill_grid
from prefill_grid import LAYOUTS

OPTIONS = ("causal", "dtype", "lse_base")


class Shape(prefill_grid.Shape):
    OUTPUTS = ("dq", "dk", "dv")
    AXES = {
        **prefill_grid.Shape.AXES,
        "schedule": ("chosen",),
        "dlse": (False, True),
        # Normals of deviation 3 make weights that f16 does not hold.
        "magnitude": (0.1, 0.1, 1),
        "extreme": ("", "", "", "", "nan-q", "nan-k", "nan-v", "nan-dout"),
    }
    SMALL = {**prefill_grid.Shape.SMALL, "s_q": (0, 1, 64, 127, 129, 257)}
    LARGE = {**prefill_grid.Shape.LARGE, "s_q": (0, 1, 127, 128, 129, 513, 1000, 2048),
             "s_kv": (0, 1, 127, 257, 513, 2048)}

    def emit_words(self):
        values = self.values
        sizes = {name: values[name] for name in ("h_q", "h_kv", "d_qk", "d_v")}
        words = ["prefill_backward", "--sizes", grids.join_sizes(sizes)]
        words += [f"--{name.replace('_', '-')}={values[name]}" for name in OPTIONS]
        words += ["--dlse"] if values["dlse"] else []
        return words + (["--cu-seqlens-q", "--cu-seqlens-k"] if values["sequences"] else [])

    def run_words(self):
        values = self.values
        layouts = {"out": values["out_layout"], "dq": values["out_layout"]}
        words = [f"--magnitude={values['magnitude']}", f"--order=lse={values['lse_order']}"]
        if values["layout"] == "packed":
            # As if each row were followed by those of the other two.
            for names, pad in (
                (("q", "k", "dk"), values["d_qk"] + values["d_v"]),
                (("v", "dv"), 2 * values["d_qk"]),
                (("dout",), 8),
                (("lse",), 3),
            ):
                words += [f"--pad={name}={pad}" for name in names]
        else:
            layouts.update(dict.fromkeys(("q", "k", "v", "dout", "dk"), values["layout"]))
        if values["extreme"]:
            words.append(f"--extreme={values['extreme']}")
        return words + [f"--order={name}={LAYOUTS[layout]}"
                        for name, layout in layouts.items() if LAYOUTS[layout]]


if __name__ == "__main__":
    grids.main(Shape, __doc__)
