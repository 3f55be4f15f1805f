//go:build !unix

package ndjson

// syncDir does nothing: the system cannot sync a directory.
func syncDir(string) error { return nil }
