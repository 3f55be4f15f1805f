#!/bin/sh
# /var/lib/aimdb, the values, stays: also when the package is purged. Remove it by hand.
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
