# Sourced by the run scripts: what Alula needs on a Debian machine with a Swift toolchain.
# Installs only what is missing, and says so.

need_debian() {
    local missing=()
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    echo "installing ${missing[*]}"
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# need_python VENV REQUIREMENT...: a virtual environment with these packages in it.
need_python() {
    local venv=$1
    shift
    local wanted
    wanted=$(printf '%s\n' "$@")
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    if [ "$(cat "$venv/.installed" 2>/dev/null)" != "$wanted" ]; then
        echo "installing Python packages: $*"
        "$venv/bin/pip" install -q --disable-pip-version-check "$@"
        printf '%s\n' "$wanted" >"$venv/.installed"
    fi
}

# need_prometheus DIR: prometheus and promtool on the PATH, else Debian's taken apart into DIR, so that
# nothing is installed and no service begins.
need_prometheus() {
    command -v prometheus >/dev/null && command -v promtool >/dev/null && return
    if [ ! -x "$1/usr/bin/promtool" ]; then
        echo "fetching Debian's prometheus"
        local sudo=""
        [ "$(id -u)" -eq 0 ] || sudo="sudo"
        apt-cache show prometheus >/dev/null 2>&1 || $sudo apt-get update -qq
        mkdir -p "$1"
        (
            cd "$1"
            apt-get -o APT::Sandbox::User=root download -qq prometheus
            dpkg-deb -x prometheus_*.deb .
            rm prometheus_*.deb
        )
    fi
    export PATH="$1/usr/bin:$PATH"
}

need_toolchain() {
    command -v swift >/dev/null || {
        echo "a Swift toolchain is needed (6.2 or later): see https://www.swift.org/install" >&2
        exit 1
    }
    need_debian librocksdb-dev libsqlite3-dev libssl-dev openssl pkg-config
    # An interpreter that can make virtual environments; Debian's own needs a package for that.
    command -v python3 >/dev/null || need_debian python3
    python3 -c 'import ensurepip' 2>/dev/null || need_debian python3-venv
}
