// Package postgres keeps the history of records in PostgreSQL.
//
// Times are Unix milliseconds and sizes are bytes. The tables are in a PostgreSQL schema of
// their own, aimdb by default, so one database can hold several histories. The table
// record_history has the columns that it has in SQLite, and two more for event times.
// Everything else is in tables named aimdb_*. Unsigned numbers are stored as bigint with the same bits.
//
// # Opening
//
// Open makes the tables, or migrates those of an older version, in one transaction and one
// process at a time. Tables that this program has not made are refused with ErrForeign and
// what differs, a newer version with ErrNewer; both stay as they are. So is a database
// whose encoding is not UTF8, and what the server says about user, password or database. A
// server that cannot be reached is no error: the store opens when it can, and until then its
// methods fail with the reason.
//
// The role needs to own the tables, because it makes partitions. It may create the schema
// itself if it has CREATE on the database. A connection pooler has to keep a session
// together (session mode): the store uses settings, advisory locks and prepared statements
// of its sessions. With several hosts in the DSN, give target_session_attrs=read-write.
//
// # Writing
//
// A batch is one transaction of one connection. It first compares and moves the checkpoint
// and takes IDs, in one UPDATE; if the checkpoint is not the one that the batch follows,
// nothing is stored and the error is sinks.ErrCheckpointMoved. Then come the rows by COPY,
// record by record, the counts and last numbers of the records in aimdb_record, the holes,
// the ledger, and the dead letters. synchronous_commit is on, whatever the server's default is, so that a batch
// survives a power loss if the server runs with fsync; if it does not, the log of the
// program says so. IDs come from the row of the checkpoint and not from a sequence: they
// have no gaps, and a transaction that is undone gives them back.
//
// Values that are no JSON, and names or values that are no text for PostgreSQL, are refused
// for good with sinks.RefusedError before anything is sent. Every other error is an outage.
// A batch that a deadlock with a sweep ends, or whose partition a sweep drops, is tried
// again at once. A batch that waits 10 s for a lock of another program fails, so that the
// state of the sink tells why nothing is stored; lock_timeout in the DSN sets another time.
//
// # One writer
//
// Run holds a session-level advisory lock for as long as its connection lives. In any other
// process Write and Checkpoint fail with ErrInUse, and WaitActive waits. It tries every half
// second whether the lock is free, and so takes over. Two processes that both believe that
// they are the writer cannot store a batch twice, since each batch compares the checkpoint.
//
// If a connection ends while COMMIT is on its way, nobody knows whether the batch is stored.
// The next connection therefore waits for the lock, which the server's old process holds
// until its transaction has ended. What Checkpoint reads then is final.
//
// # Failover
//
// A server that took over and lacks the last transactions has an older checkpoint, and the
// log delivers what follows it. Nothing is lost or stored twice as long as the log still
// holds that. If it does not, the loss is counted.
//
// The row IDs after the checkpoint are given again, to other rows. So the writer gives the
// history another identity when the timeline of the server has changed, as it does with each
// promotion and recovery to a point in time, or when the server has fewer rows than the
// writer has stored. Cursors and positions of before are then refused. A planned switch to
// another server and a move to another cluster change the identity too. A disk that was set
// back while no writer ran is not noticed.
//
// # Verification
//
// The log numbers the values of each record. aimdb_record has the last number that was
// stored, refused or counted as lost; what a batch skips is a hole in aimdb_hole and is
// logged. Verify reads all rows, and compares them with the counts and the checkpoint. It has
// no checksum for each row as SQLite's has, because PostgreSQL has checksums of its pages:
// enable them with initdb --data-checksums or pg_checksums, so that a value which changes on
// disk is an error and not another value. Repair restores no row. It counts rows that have
// vanished as lost.
//
// # Partitions
//
// record_history is partitioned by stored_at, so that pruning by age can drop
// tables. A partition spans Config.Partition, a week by default, from a multiple of that
// since 1970, and is named record_history_ and its first millisecond. The writer makes one
// in a transaction of its own before it stores the first row for it. Queries wait meanwhile,
// since a session that plans a query while a table is attached may miss its rows. If others
// run for more than 300 ms, the table is attached beside them. Times before 1970 and from 2200 on are in record_history_early and
// record_history_late. There is no default partition, which PostgreSQL would lock and read
// each time. The span is fixed when the history is made.
// A query without a window locks every partition and is prepared for each. It started within
// 5 ms with 52 partitions, a year of the default, and within 20 to 45 ms with 474, and its plan
// took 0.4 s once per connection (PostgreSQL 15, two busy cores). So choose a span that gives
// up to some hundred partitions.
//
// # Event times
//
// A value with a time of its own is stored under that. written_at has the time of its write,
// imported is set if the row was imported or retried, and the column timed of aimdb_record
// is set if a record has such rows. Ages and rows from the future go by written_at, the order
// of storing by ID. A partition is dropped when all its rows go by these times. Its drop may
// come before older writes in other partitions are deleted, if a sweep is interrupted.
//
// Own times may be far from those of the writes. A value that is more than 52 spans from its
// write goes into a partition of 64 spans, named record_history_ and its first millisecond
// and _wide, unless one of these spans has a partition already.
//
// Retime moves rows to the partitions of their new times, in transactions of some hundred.
// EventTimes counts all rows with event times in an index. Range with StoredSince reads all
// rows of the window of such records. A row without both times that is imported or retried
// into such a record counts as written then.
//
// # Order
//
// Rows are ordered by time and, within one millisecond, by ID, which is the order in which
// they were stored. Names compare by bytes, whatever the collation of the database is.
// A clock that is set back makes these two orders differ; aimdb_record keeps the row at
// which the clock of a record was last set back, as in SQLite.
//
// # Reading
//
// A query reads page by page. Each page is a statement and a transaction of its own, so a
// slow caller holds nothing back: no vacuum, no drop of a partition, no connection. Range
// and Buckets see the rows that were stored when they began, for IDs become visible in their
// order, and may miss rows that are pruned meanwhile. A context that ends cancels the
// statement in the server. An answer without an error is whole.
//
// Names come from aimdb_record, rows from one index scan per record and partition. Such a
// statement is planned once per connection, without sequential scans, and leaves out the
// partitions outside of its window when it starts. The connections for readers have these
// settings; a sweep takes them back.
//
// # Counts
//
// aimdb_record has the number of rows and bytes of each record. Other programs may change
// record_history too. A row that they insert without an ID gets the next one, and the writer
// waits until their transaction ends. A trigger for statements notes that something has
// changed, at their commit. From then on queries look for names in the rows, and the next
// sweep or Stats counts all rows, while writes go on. Rows of others count by their times.
// Not noticed is what goes past the trigger: a partition that is changed by its own name,
// and a session that sets aimdb.counts or session_replication_role. Other roles need INSERT
// and UPDATE on aimdb_meta, and UPDATE on aimdb_checkpoint.
//
// # Retention
//
// A sweep drops a partition if all of its rows go, by whichever limit, and subtracts their
// counts in the same transaction. To drop one takes two locks for a moment, that of the
// checkpoint and that of the table. If a statement of somebody else holds the table for
// longer than some tenths of a second, the sweep gives way, deletes the rows one by one, and
// drops the empty partition next time. Rows of partitions that stay are deleted in
// transactions of some thousand, oldest first; a record has no gap if the sweep is cut off.
// Sweeps of several processes wait for each other.
//
// The size of a history is that of its tables and indexes on disk, and PruneReport.FreedBytes
// that of the partitions that were dropped. What deleted rows have left in other partitions
// is reused once autovacuum has been there, but PostgreSQL does not give it back. So the
// limit of the whole history goes by what is in use, which is estimated from the counts and
// is never more than the size on disk.
//
// # Dead letters
//
// A dead letter that is retried gets the next ID. It counts by its time, so that the row
// stored last stays the one that the log has delivered last. Retrying and dropping need no
// lock and work while another process writes.
//
// # Shapes
//
// aimdb_shape has the versions of the shapes of rows, by record and the first ID that has
// one, as in SQLite. Rows that other programs insert without an ID have version 0;
// aimdb_foreign notes their IDs until the next transaction of this program. Rewrite changes
// rows record by record, in transactions of some hundred, for which the writer waits.
//
// # Import, and another history in the same place
//
// Import adds rows of another history, with their times, beside the batches of a process
// that writes. Replace renames a schema that was filled beside into the place of a history;
// the process that writes continues with that from its checkpoint. A process that only reads
// finds the new history with its next statement; a query that takes several may miss rows
// of the old one then.
//
// # What was tried
//
// PostgreSQL 15 is what the tests run against. The SQL is plain, and PostgreSQL 12 is the
// oldest version that attaches a partition without blocking others. TimescaleDB and Citus
// were not tried. The history uses the partitions of PostgreSQL itself, and no hypertable
// and no distributed table.
package postgres
