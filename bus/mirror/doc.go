// Package mirror shows the records of a database that runs in another process, as far
// as its log and its live messages tell.
//
// A [Mirror] has a registry with a record of JSON values for each name that the log has,
// and for each name that a live message brings. A record that the log has begins with its
// last value; then each value is produced as it comes. Values of records that are not
// Remote are not kept: such a record is registered without Remote, so that its stored
// rows stay closed too.
//
// A mirror changes nothing in the log. While the servers or the log are away the last
// values stay, and [Mirror.Health] says why. It then reads on where it had ended. If the
// log is deleted and created again, it is read from its start. A record that changes from Remote to not, or back, ends the
// mirror with [ErrExposure], because a registry cannot take a record back: make another.
package mirror
