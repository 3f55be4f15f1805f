#!/bin/sh
# The service is enabled by whoever wants it: systemctl enable --now aimdb
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A running service goes on with the new binary. $2 is the version before, for deb; $1 is 2
	# or more at an upgrade of an rpm.
	if [ "$1" = configure ] && [ -n "$2" ] || [ "$1" -ge 2 ] 2>/dev/null; then
		systemctl try-restart aimdb.service
	fi
fi
