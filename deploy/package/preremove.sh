#!/bin/sh
# $1 is "remove" for deb, and 0 for the removal of an rpm; at an upgrade the service goes on.
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ] && { [ "$1" = remove ] || [ "$1" = 0 ]; }; then
	systemctl disable --now aimdb.service
fi
