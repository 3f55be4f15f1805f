// Package disk says what is free on the file system of a path, and what kind of file
// system it is. Where the operating system does not tell, the error is
// errors.ErrUnsupported.
package disk

// Space is the size of a file system, in bytes.
type Space struct {
	// Free is what a user without privileges can write.
	Free, Total uint64
}
