// One role loads partials from global memory into registers. Every warp reduces all
// lse values of the row, so that the weights need no barrier.
#mla.schedule<"direct",
  roles = [<"reduce", warps = 4, registers = 64>],
  table = [
    <"partial" in ["reduce"]>,
    <"weights" in ["reduce"]>,
    <"lse" in ["reduce"], threads = 32>,
    <"out" in ["reduce"]>]>
