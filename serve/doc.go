// Package serve runs a database that is described by settings instead of by Go: its
// records, its history, its listeners, and who may do what.
//
// # Settings
//
// [Load] reads them from the defaults, a file in YAML, the environment and flags; of two
// that give the same setting, the later one counts. It is strict. A setting that there is
// not, one that is given twice, a value of a wrong type and settings that contradict each
// other are errors that name the place as FILE:LINE:COLUMN, and where possible the setting
// that was meant. Relative paths of schemas and secrets start at the directory of the file,
// others at that of the process. A setting that is a secret, NAME, can be given as the path
// of a file that has it, NAME_file.
//
// # Records
//
// A record is declared by its key, or by a pattern for all keys that match it. Records of a
// pattern begin with the first value that a client sets, at most MaxRecords of them, and are
// there again after a restart if history has values of them. The exact key comes before
// patterns, and the most specific pattern before others. Two patterns that match the same
// keys equally well are an error.
//
// # Running
//
// [Open] opens the history and everything that listens, so that a port that is taken is
// known at once, and [Server.Run] serves until its context ends. [Server.Reload] reads the
// settings again.
package serve
