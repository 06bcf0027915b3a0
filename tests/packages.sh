#!/usr/bin/env bash
# The Debian packages that the tests need beside Python and make: installs those that are missing, as root.
# Exit status 1, and their names, where it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
# The JavaScript client.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
# A port server, for readers in the network.
PATH="$PATH:/usr/sbin" command -v ser2net >/dev/null || missing+=(ser2net)
# Servers that log bundles are delivered to.
PATH="$PATH:/usr/sbin" command -v sshd >/dev/null || missing+=(openssh-server)
PATH="$PATH:/usr/sbin" command -v vsftpd >/dev/null || missing+=(vsftpd)
# Metrics, rules and alerts; with promtool.
command -v prometheus >/dev/null || missing+=(prometheus)
# systemctl and systemd-analyze, for the unit of a store; nothing of it is started.
command -v systemd-analyze >/dev/null || missing+=(systemd)
# Environments with pip, of the Python that the tests run on.
read -r python < <(ops/pythons.sh 2>/dev/null) && "$python" -m ensurepip --version >/dev/null 2>&1 || missing+=(python3-venv)
((${#missing[@]})) || exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "some tests need these packages: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
