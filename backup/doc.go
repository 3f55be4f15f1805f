// Package backup copies a history into a directory from time to time, proves each copy,
// and keeps the newest ones.
//
// # Files
//
// A backup is one file, history-IDENTITY-NUMBER-TIME.db. IDENTITY is a part of the
// identity of the history, so that several can have one directory. NUMBER counts up, and
// alone says which backup is newer, whatever the clock says. TIME is in UTC. A file has
// its name once it was read whole and is on the disk. Until then it has the suffix .part;
// what a killed process leaves of it is removed by the next backup. Other files of the
// directory stay as they are.
//
// # Failures
//
// A backup that fails leaves those before, and is tried again after a tenth of Config.Every,
// a minute at most. Only a backup that succeeded has older ones removed. Trouble names what
// is wrong if no good backup is there, or if the newest is older than twice Config.Every.
// One process at a time makes backups of a history in a directory: it holds a lock there.
//
// # Clocks
//
// Within a process times are measured by the monotonic clock. A backup whose time lies in
// the future, as after a clock was set back, counts as made when the process started, and
// the next one is made at once.
package backup
