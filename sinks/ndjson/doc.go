// Package ndjson is a sink that writes compressed lines of JSON into a directory:
//
//	00000001-20260102T150405Z.ndjson.zst       a closed file, which never changes
//	00000002-20260103T150407Z.ndjson.zst.open  the open file, which grows
//	manifest.ndjson                            one line about each closed file
//	losses.ndjson, dead_letters.ndjson         the ledger and what was refused
//
// `zstdcat FILE | jq` reads each data file, the open one too. A line is
//
//	{"record":…,"time":UNIX_MS,"value":…}
//
// as `aimdb history export` writes it, with "stored", the time of the write, if the value has a time of its own, "sequence" if [Sequences] is set, and "shape" if the version of the shape is not 0, and `aimdb history import DB FILE` takes a data
// file as it is. Times are Unix milliseconds and sizes are bytes.
//
// # Atomic batches
//
// A batch is one block at the end of the open file: a skippable frame of zstd, which
// readers of zstd ignore, and a frame with the lines. The skippable frame has the
// checkpoint, the length and the checksum of the lines, the lengths of the two other
// files, and a checksum of itself. What those two files get is written and synced
// first, so one sync of the block commits all of it. [Open] cuts off a last block that
// is not whole, and what the other files have beyond their recorded lengths. Such a
// block was never acknowledged, or is damaged; in both cases the log delivers its
// values again from the checkpoint of the block before. An open file without any whole
// block is renamed to end in .damaged.
//
// A damaged block before a whole one is not cut off. The file is closed as it is, its
// line in the manifest counts the rows in damaged blocks, and an error is logged.
// zstdcat reads such a file up to the damage.
//
// The newest data file has the checkpoint of the sink. Who deletes it makes the sink
// read the log again from the checkpoint of the file before.
//
// # Files
//
// A file has values of one log in ascending sequences. It is closed when it reaches
// [RotateBytes], when it is older than [RotateEvery] as a batch comes, when the log is
// another one or its checkpoint is set back, or by [Sink.Rotate]. Between
// calls the sink does nothing: without batches nothing is closed and nothing deleted.
// What is stored stays when a checkpoint is set back: the values that follow are other
// values with the same sequences, and go into another file.
//
// A closed file gets its name by one rename, then its line in the manifest. [KeepFor],
// by the clock of this machine, and [KeepBytes] delete the oldest closed files, never
// the newest data file. A line leaves the manifest after its file was deleted. The
// ledger and the dead letters are kept.
//
// # Copies
//
// Closed files and the manifest can be copied at any time, by rsync or to object
// storage. The manifest is replaced by rename and names only closed files, each with
// its SHA-256. A copy of the open file is at worst cut in its last block: zstdcat
// gives the whole blocks before it and then an error. Exclude *.open to copy only what
// is final. A directory is written by one process, which holds the file lock; a copy of
// the directory with its open file is a sink of its own, with the checkpoint at the
// time of the copy.
package ndjson
