// Package needed ends a test that lacks a program, a device or data of this machine: it is
// skipped on the machine of a developer and fails in CI, which must have all of them.
package needed
