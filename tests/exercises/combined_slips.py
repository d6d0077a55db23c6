"""Many slips of one file in one program, so that it is compiled and linked once and not once for each.

Slips of a file mostly differ in what a few functions do. combine() makes one text of such slips, in which the body of a
function is a switch over all of its versions; CHOICE, a variable of the environment, says which slip the program is.
Slips that differ elsewhere, such as in a signature or a constant, go into different texts.
"""

import re

CHOICE = "RUNG_SLIP"

# Without the profiler's hooks, for kernels ask it, too.
CHOOSE = f"""
#include <cstdlib>
namespace {{
[[gnu::noinline, gnu::no_sanitize("thread")]] int slip_to_run() {{
  const char* chosen = std::getenv("{CHOICE}");
  return chosen ? std::atoi(chosen) : -1;
}}
}}  // namespace
"""

# What begins at the start of a line and is no function.
NO_FUNCTION = re.compile(r"(namespace|using|class|struct|enum|extern|constexpr|const|inline constexpr|static_assert)\b")


class Function:
    """One with its body, and whatever stands before it since the function before."""

    def __init__(self, before, signature, body):
        self.before, self.signature = before, signature
        # A kernel's shared memory is there once for all versions. (Its sizes are constants of the file.)
        self.shared = [line for line in body if re.match(r"\s*(extern )?__shared__ ", line)]
        self.body = "\n".join(line for line in body if line not in self.shared)
        self.key = " ".join(bare(signature))  # tells it from another function
        self.name = re.split(r"[ *&]", re.sub(r"__launch_bounds__\(.*?\)", "", self.key).partition("(")[0])[-1]


def bare(lines):
    """Without comments, empty lines and includes."""
    lines = [re.sub(r"\s*//.*", "", line).strip() for line in lines]
    return [line for line in lines if line and not line.startswith("#include")]


def functions(text):
    """Those of a text, as our format has them: from the start of a line to a closing brace alone at the start of one. The
    last one stands for what is left."""
    lines = text.splitlines()
    found, before = [], []
    at = 0
    while at < len(lines):
        opening, end = None, at
        if re.match(r"[A-Za-z_\[]", lines[at]) and not NO_FUNCTION.match(lines[at]):
            while end < len(lines) and lines[end] != "}":
                code = re.sub(r"\s*//.*", "", lines[end])
                if opening is None and code.endswith("{"):
                    opening = end
                if opening is None and code.endswith((";", "}")):
                    break
                end += 1
        if opening is not None and end < len(lines):
            found.append(Function(before, lines[at:opening + 1], lines[opening + 1:end]))
            before = []
        else:
            before += lines[at:end + 1]
        at = end + 1
    return [*found, Function(before, [], [])]


def outside(found):
    """What versions must share to stand in one text: all but what functions do. Functions may be missing, of those that
    have nothing before them."""
    names = {}
    for function in found:
        names.setdefault(function.name, []).append(function.key)
    between = [(bare(function.before), function.key) for function in found if bare(function.before)]
    return between, names, {function.key: bare(function.shared) for function in found}


def fits(one, other):
    """Whether two texts, as outside() has them, can be combined."""
    return (one[0] == other[0] and all(one[1][name] == other[1][name] for name in one[1].keys() & other[1].keys()) and
            all(one[2][key] == other[2][key] for key in one[2].keys() & other[2].keys()))


def write(texts):
    """One text of those that fit. @param texts  functions by the number of the slip"""
    order = []  # the keys of all functions; one that only some have before what they have after it
    versions = {}
    for number, found in texts.items():
        at = len(order)
        for function in reversed(found):
            if function.key in order:
                at = order.index(function.key)
            else:
                order.insert(at, function.key)
            versions.setdefault(function.key, {})[number] = function
    includes = dict.fromkeys(line for found in texts.values() for function in found for line in function.before if line.startswith("#include"))
    lines = [*includes, CHOOSE]
    for key in order:
        one, *others = versions[key].values()
        lines += [line for line in one.before if not line.startswith("#include")] + one.signature
        if not one.signature:
            continue
        lines += one.shared
        if all(other.body == one.body for other in others):
            lines.append(one.body)
        else:
            of_body = {}
            for number, function in versions[key].items():
                of_body.setdefault(function.body, []).append(f"case {number}:")
            default = max(of_body, key=lambda body: len(of_body[body]))
            lines.append("switch (slip_to_run()) {")
            for body, cases in of_body.items():
                lines += ["default:" if body == default else " ".join(cases), "{", body, "} break;"]
            lines.append("}")
        lines.append("}")
    return "\n".join(lines) + "\n"


def combine(slips):
    """@param slips  texts
    @return texts, each with the numbers of the slips that it has: it does what slips[i] does where CHOICE is i. A slip that
            fits no other stands alone, as it is."""
    groups = []
    for number, text in enumerate(slips):
        found = functions(text)
        for group in groups:
            if all(fits(outside(found), outside(other)) for other in group.values()):
                group[number] = found
                break
        else:
            groups.append({number: found})
    return [(slips[min(group)] if len(group) == 1 else write(group), list(group)) for group in groups]
