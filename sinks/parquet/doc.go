// Package parquet writes values into Parquet files, as an export of a history and as a
// sink for cold data. All files have one schema:
//
//	record_name  string, dictionary encoded
//	stored_at    timestamp in milliseconds, UTC
//	value_json   JSON, the bytes of the value
//	sequence     int64, the position in the log; null in an export of a history
//
// They are compressed with zstd and partitioned by record and UTC day, as Hive does it:
//
//	record=accuracy%3A%3Avienna/day=2026-11-27/….parquet
//
// so `SELECT … FROM read_parquet('DIR/record=*/day=*/*.parquet', hive_partitioning =
// true)` reads them in DuckDB. In the name of a directory each byte of a key but a-z,
// 0-9, '.', '_' and '-' is escaped as in a URL, so that two keys share no directory on a
// file system that ignores case or normalizes Unicode. A longer name than 240 bytes is
// cut and ends in '~' and a hash: record_name has the key in any case. The rows of a file
// have the order in which they were written. Times are Unix milliseconds and sizes are
// bytes.
//
// A file is written under tmp, checked for its number of rows, synced and renamed: what
// has its final name is whole.
//
// # The sink
//
// A Parquet file cannot be read before it is finished, and many small ones are slow. So
// a [Sink] stages batches in a sink of package ndjson:
//
//	staging/                  the staged values, checkpoint, ledger and dead letters
//	manifest/SOURCE.json      the Parquet files made of one staged file
//	record=…/day=…/SOURCE-FIRST-LAST.parquet
//	tmp/                      files without a final name, emptied by Open
//
// SOURCE is the name of the staged file, FIRST and LAST are sequences. Write returns when
// the batch is synced in staging. A goroutine of the sink converts a staged file when it
// is closed: by [Config].RotateBytes, by RotateEvery, as a UTC day ends, or by
// [Sink.Rotate]. It sorts the rows by record and day in bounded memory, with files under
// tmp, and writes one Parquet file for each record and day. All of them are synced before
// the manifest of the staged file appears, and the staged file is deleted after that.
// The names depend only on the staged file. So a conversion that was killed is done
// again by the next Open, replaces what it had written, and stores each value once.
//
// What is not converted yet is read from staging as NDJSON. The newest staged file has
// the checkpoint and stays although it is converted. [ReadManifests] says which staged
// files are: a reader of both leaves them out.
//
// If a conversion fails, an error is logged and it is tried again after a minute. If more
// than 16 closed files wait, Write fails with that error, as an outage.
//
// Rows in damaged blocks of a staged file are counted in its manifest and logged as an
// error; that file is kept in staging. KeepFor, by the clock of this machine, and
// KeepBytes delete the oldest Parquet files, all those of one staged file together.
// Ledger and dead letters are kept, as package ndjson describes them.
//
// A directory is written by one process; the lock is that of staging. Errors of a sink
// in use or closed are those of package ndjson.
package parquet
