#pragma once

namespace rung::simt {

/// A place in a kernel's source. As a default argument it is the line of the call, since the built-ins are evaluated
/// there; that needs neither debug information nor a tool, and costs two registers.
struct Where {
  const char* file = "";  ///< as the compiler was given it
  int line = 0;           ///< from 1; 0 where it is not known
};

/// The same line of the same file. Two calls on one line count as one place.
bool same_place(const Where& a, const Where& b);

}  // namespace rung::simt

/// The default argument of everything that a report may have to name. A macro, since the built-ins must stand in the
/// default argument itself.
#define RUNG_SIMT_HERE                 \
  ::rung::simt::Where {                \
    __builtin_FILE(), __builtin_LINE() \
  }
