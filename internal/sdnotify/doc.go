// Package sdnotify tells systemd what a service does, by the protocol of sd_notify(3):
// datagrams to the socket that NOTIFY_SOCKET names. Without that variable nobody is told, and
// no call fails.
package sdnotify
