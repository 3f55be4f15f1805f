//go:build !linux

package sdnotify

// Reloading is what to send before a reload, with READY=1 after it.
func Reloading() []string { return []string{"RELOADING=1"} }
