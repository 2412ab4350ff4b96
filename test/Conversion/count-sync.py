#!/usr/bin/env python3
"""Counts synchronisation ops before and after --convert-mla-to-nvvm.

usage: count-sync.py CTA.mlir NVVM.mlir

Prints one line a kind and fails if a count differs: the conversion must create,
move and merge none.
"""
import re
import sys

# cta op -> what stands for one of it in NVVM or in its inline assembly.
PAIRS = {
    r"cta\.mbarrier_wait\b": r"\bmbarrier\.try_wait\.parity\b",
    r"cta\.arrive\b": r"nvvm\.mbarrier\.arrive\b(?!\.)|@first mbarrier\.arrive\b",
    r"cta\.arrive_copies\b": r"nvvm\.cp\.async\.mbarrier\.arrive\b",
    r"cta\.arrive_expect\b": r"nvvm\.mbarrier\.arrive\.expect_tx\b",
    r"cta\.mbarrier_init_fence\b": r"nvvm\.fence\.mbarrier\.init\b",
    r"cta\.sync\b": r"nvvm\.barrier0\b",
    r"cta\.fence_async\b": r"nvvm\.fence\.proxy\b",
    r"cta\.mma_fence\b": r"nvvm\.wgmma\.fence\.aligned\b",
    r"cta\.mma_commit\b": r"nvvm\.wgmma\.commit\.group\.sync\.aligned\b",
    r"cta\.mma_wait\b": r"wgmma\.wait_group\.sync\.aligned\b",
}


def main():
    cta, nvvm = (open(path).read() for path in sys.argv[1:3])
    counts = [(before, len(re.findall(before, cta)), len(re.findall(after, nvvm)))
              for before, after in PAIRS.items()]
    # A barrier array is initialised slot by slot.
    slots = sum(int(n) for n in re.findall(
        r"cta\.mbarrier_init .*!cta\.mbarrier<(\d+)>", cta))
    counts.append(("mbarriers initialised", slots,
                   len(re.findall(r"nvvm\.mbarrier\.init\b", nvvm))))
    for name, before, after in counts:
        print(f"{name.replace(chr(92), '')}: {before} {after}")
    if not sum(before for _, before, _ in counts):
        sys.exit("error: no synchronisation in " + sys.argv[1])
    if any(before != after for _, before, after in counts):
        sys.exit("error: counts differ")


main()
