"""A program of many kernels, or of one kernel with many workspaces.

usage: many.py kernels|workspaces COUNT
"""

import sys

KERNEL = """func.func @k{number}({arguments}) attributes {{cta.verified}} {{
  scf.forall (%i) in (2) {{
    cta.role "all" warps 4 registers 168 {{
    }}
  }}
  return
}}"""

what, count = sys.argv[1], int(sys.argv[2])
if what == "kernels":
    for number in range(count):
        print(KERNEL.format(number=number, arguments=""))
else:
    arguments = (
        f'%w{number}: memref<4xf32> {{mla.name = "w{number}", mla.workspace}}'
        for number in range(count)
    )
    print(KERNEL.format(number=0, arguments=", ".join(arguments)))
