#!/bin/sh
# Makes .venv with the pinned packages, and installs or names the system libraries Qt needs.
# Installs no Python package when that was done before for the same pins.
set -eu
cd "$(dirname "$0")/.."

find_python() {
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c \
            'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "kbuilder needs Python 3.11, 3.12 or 3.13, and none is on the PATH." >&2
    echo "On Debian or Ubuntu: sudo apt-get install python3 python3-venv" >&2
    exit 1
}

# apt-get as root; otherwise say what the user has to run.
install_packages() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing system packages: $*"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        echo "System packages are missing. Please run: sudo apt-get install $*" >&2
        return 1
    fi
}

python=$(find_python)
missing=$("$python" packaging/missing_libraries.py)
if [ -n "$missing" ]; then
    # Without a display the offscreen window needs only some of them: go on if the rest is there.
    # shellcheck disable=SC2086 # several words are meant
    install_packages $missing || true
fi

stamp=.venv/.installed
wanted=$(cat pyproject.toml packaging/constraints.txt packaging/tf_keras.txt packaging/setup.sh | cksum)
if [ -x .venv/bin/kbuilder ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    install_packages "python$version-venv" || exit 1
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing the pinned Python packages into .venv (about 3 GB with TensorFlow) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --constraint packaging/constraints.txt --editable '.[dev]'
# tf_keras writes and reads files of Keras 2 for the tests and for proofs; beside Keras 3, not among its packages.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
    --target .venv/tf_keras --requirement packaging/tf_keras.txt
echo "$wanted" >"$stamp"
