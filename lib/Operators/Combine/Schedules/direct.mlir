// One role loads its part of a row's partials straight into registers. Each warp
// reduces all of the row's lse by itself, so that no barrier stands between them
// and the weights.
#mla.schedule<"direct",
  roles = [<"reduce", warps = 4, registers = 64>],
  table = [
    <"partial" in ["reduce"]>,
    <"weights" in ["reduce"]>,
    <"lse" in ["reduce"], threads = 32>,
    <"out" in ["reduce"]>]>
