// Package filelock keeps a second process, or a second user in this process,
// off a resource by a lock on a file. The operating system releases the lock
// when the process ends, however it ends, so a lock file that is left over holds
// up nobody.
package filelock
