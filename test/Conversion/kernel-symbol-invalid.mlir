// Names of kernels that PTX cannot spell, or has a meaning for, and modules with
// more than the kernel in them.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @"a-b"}}
func.func @"a-b"() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @"a b"}}
func.func @"a b"() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @a.b}}
func.func @a.b() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @"0a"}}
func.func @"0a"() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @_}}
func.func @_() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @"%a"}}
func.func @"%a"() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @"\C3\A9"}}
func.func @"\C3\A9"() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that has no meaning in PTX, got @WARP_SZ}}
func.func @WARP_SZ() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that has no meaning in PTX, got @__cuda_mine}}
func.func @__cuda_mine() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that has no meaning in PTX, got @mla_shared}}
func.func @mla_shared() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected a kernel name that PTX can spell (1 to 1024 letters, digits, '_' and '$'; first no digit, and not '_' or '$' alone), got @xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}}
func.func @xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{'func.func' op expected nothing but kernels beside the kernel @kernel in its module: it would not be lowered}}
func.func @helper(%a: index) -> index {
  return %a : index
}

func.func @kernel() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @kernel() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{'memref.global' op expected nothing but kernels beside the kernel @kernel in its module}}
memref.global "private" @table : memref<4xf32> = dense<0.0>
