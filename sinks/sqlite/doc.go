// Package sqlite keeps the history of records in one SQLite file.
//
// The table record_history and the index idx_record_time are those of upstream
// AimDB, to the letter. Everything else is in tables named aimdb_*. A file of
// upstream opens as it is, and upstream and sqlite3 can read ours.
//
// # Writing
//
// Run is an actor: one goroutine owns the one connection that writes and takes
// commands from two bounded queues. Writes come from the first. What may wait
// (pruning, giving space back, counting, importing) comes from the second, in
// steps of some milliseconds. A batch and its checkpoint are one transaction
// with synchronous=FULL: when Write returns nil, both survive a power loss.
// Errors of SQLite that a value caused become sinks.RefusedError. All others
// (disk full, file locked, I/O) are outages, after which the same batch may come
// again. When its context ends, Run finishes what it has accepted.
//
// # Reading
//
// Queries use a pool of read-only connections, whose number is the number of
// read transactions that can be open at once. Readers and the writer never wait
// for each other. Long results are read in pages, each in a transaction of its
// own, so a slow caller does not keep the write-ahead log from being
// checkpointed. Another process can; that raises an alarm in the log and in
// FileStats. A query sees the rows that were committed when it began, whichever
// process wrote them.
//
// # Order
//
// Rows are ordered by time and, within one millisecond, by ID, which is the
// order in which they were stored. A batch is stored record by record, so that
// the rows of a record are in few pages of the file. Times are Unix
// milliseconds, sizes are bytes.
//
// A clock that is set back makes these two orders differ. Queries go by time
// unless they ask for rows by storing. For those aimdb_record keeps the row at
// which the clock of a record was last set back, so that nothing is scanned. The
// statement that counts the rows of a batch writes it.
//
// # Event times
//
// Rows of values with times of their own have these as stored_at. aimdb_stored says when
// they were written, one entry for consecutive rows that a batch has stored of a record: the
// first and the last ID, and the time of the last write, at most a minute after the first.
// Ages go by it, and rows by storing come by ID. What was imported, or retried as a dead
// letter, is marked and comes after the rest. Rows without an entry were written at
// stored_at. A file without such values has no entries. Retime turns one into the other.
//
// # Counts
//
// The table aimdb_record also has the number of rows and bytes of each record.
// Rows that another program adds, which does not know that table, show as IDs
// that are not counted. A few are counted when they are found. For many, a mark
// makes the next sweep count all rows while it only reads.
//
// # Proof
//
// Each row that this program stores has a checksum in aimdb_checksum, written in the
// same transaction. Verify finds rows that vanished or changed, whoever changed them,
// and Repair stores them again as far as the log holds them; what it does not hold is
// counted as lost. Rows of other programs and of older versions have no checksum. Check
// gives them one. To prune is to delete the checksum too; rows that anything else
// deletes are missing.
//
// The checkpoint is stored twice, each time with a checksum. If one of the two is
// damaged, the other one is used and the log says so; if both are, the file is damaged.
//
// aimdb_record has the last number of each record. What a batch skips, and no entry,
// refusal or loss accounts for, is a row of aimdb_hole. A loss of a range of the log
// explains what the next number of each record skips.
//
// # Shapes
//
// aimdb_shape says from which ID on the rows of a record have which version of its shape.
// A record without an entry has version 0 throughout, as have rows of other programs.
// Rewrite changes values in steps that do not hold the writer for long, each with the
// checksums, the counts and the versions of its rows in one transaction.
//
// # One owner
//
// A store that Open returns owns its file: it holds a lock on an empty file
// beside it, NAME.lock. Only the owner may migrate the file, mark it as in use or
// as closed cleanly, or move it aside. Another Open fails with ErrInUse before it
// has touched anything. Close removes the lock file. One that a kill left does no
// harm and may be deleted while nothing runs. Readers need no lock, and with the
// option Beside a command adds or deletes rows of a file that a database owns.
//
// # Damage
//
// After a stop that was not clean, Open runs quick_check, which does not look at values;
// see Verify. A damaged file is
// moved aside and a new one is started, unless the option Strict is given. A file
// that is not SQLite, or belongs to another program or to a newer version of this
// one, is refused and stays untouched.
//
// Repair cures a damaged structure. If making the indexes again is not enough, it copies what
// can be read, row by row, into a new file, stepping over pages that cannot be read, and puts
// that in the place of the old one, which stays beside it. Rows keep their IDs. The checkpoint
// and the identity are those that the store read when it was opened. What the checksums then
// miss comes from the log or is counted as lost. Rows whose checksums cannot be read are
// accepted as they are. If a row is lost and its checksum too, the counts of the records tell
// how many there are; if those cannot be read either, the ledger has an entry with the count
// 0, which says that the number is not known. So it has if a page of the ledger or of the
// holes is lost. A file that has rows of a log and no checkpoint is not copied: the log fills
// an empty one, since its rows would be stored twice. Only the owner does this, and writes
// wait meanwhile. The option Unchecked opens a damaged file for it.
//
// Run looks at the file every second and before everything it does. While the file
// is deleted, replaced or cut short, Write and Stats fail, and after two seconds
// the owner starts again with what is at the path, as Open does. The log has to be
// read again then, from the checkpoint of that file. What is not noticed is a file
// that is written over in place without becoming shorter; use Restore for that. Replace
// puts another history in the place of one that is in use.
//
// While a file is open, nothing in the process may open and close it by other
// means than SQLite: POSIX drops all locks of a process on a file when the
// process closes any descriptor of it.
package sqlite
