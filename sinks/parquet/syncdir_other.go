//go:build !unix

package parquet

// syncDir does nothing: the system cannot sync a directory.
func syncDir(string) error { return nil }
