#pragma once

#include "core/error.h"

namespace rung::check {

/// The kind by name, as texts and reports say it: "usage".
constexpr const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_input:
      return "bad_input";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::full:
      return "full";
  }
  return "unknown";
}

}  // namespace rung::check
