#!/bin/sh
# Puts code-server, VS Code as a page of a web server, into a folder: `code_server.sh build/code-server`.
# Needs node 20 with its headers and a C++ compiler; takes minutes, once. Nothing but npm's packages is fetched:
# their own install scripts, which download more, are not run.
set -eu
VERSION=4.100.3
mkdir -p "$1"
cd "$1"
[ "$(cat ready 2>/dev/null)" = "$VERSION" ] && exit 0
quietly="--ignore-scripts --no-audit --no-fund --loglevel=error"
export npm_config_nodedir="${npm_config_nodedir:-/usr}" # where node's headers are

npm install $quietly --prefix . "code-server@$VERSION"
npm rebuild argon2 --build-from-source --loglevel=error
cd node_modules/code-server/lib/vscode
npm install $quietly --omit=dev
npm rebuild @vscode/spdlog native-watchdog --loglevel=error
npm rebuild node-pty >/dev/null 2>&1 || echo "no terminals: node-pty was not built"
ln -sfn node_modules node_modules.asar
cd ../../../..
echo "$VERSION" > ready
