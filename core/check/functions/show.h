#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// How outputs of functions are told to people, and compared.

namespace rung::check {

/// Doubles for people: "[1.5, -2, nan]".
std::string show_numbers(const std::vector<double>& numbers);
/// As long, and each equal or within `relative` of the other; NaN equals NaN.
bool same_numbers(const std::vector<double>& found, const std::vector<double>& expected, double relative);

/// Where long lists differ: "2 of 300 numbers are wrong; first number 7: expected 1.5, found 2"; empty for short ones, which
/// can be shown whole.
std::string difference_of_numbers(const std::vector<double>& found, const std::vector<double>& expected,
                                  double relative);

/// The first of two lists' numbers that differ, by its place in words: "2 of 24 numbers are wrong; the first, key 1 of
/// head 0: expected 1.5, found 2". Lists of at most 16 stand behind it whole.
/// @param place  what the number of that index is; not asked where the lists are not as long as each other
std::string first_wrong_number(const std::vector<double>& found, const std::vector<double>& expected,
                               double relative, const std::function<std::string(std::size_t)>& place);

/// Where two lists of as many counts differ, one line: "2 of 14 counts are wrong; the first, norms: expected 40, found 32"; empty
/// where they do not.
/// @param names  of the counts, in their order
std::string first_wrong_count(const std::vector<double>& found, const std::vector<double>& expected,
                              double relative, std::span<const std::string_view> names);

/// Bytes for people: "caf\xC3".
std::string show_bytes(std::string_view bytes);

}  // namespace rung::check
