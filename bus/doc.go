// Package bus keeps the log of a database: a JetStream stream in a NATS server
// that runs inside the process. It brings every value of a Logged record into
// the log, the values of all others to whoever listens, and hands the log to
// sinks and followers.
//
//	rings ─► Republisher ─► stream AIMDB_<db> ─► Consumer (one for each sink)
//	             │                            └► Follow, and any NATS client
//	             └► aimdb.<db>.live.>
//
// # Messages
//
// A value of the record "accuracy::vienna" of the database hub has the subject
// aimdb.hub.log.accuracy.vienna, or aimdb.hub.live.accuracy.vienna if it is not
// logged. Its payload is the value's JSON and nothing else. Headers: Aimdb-Key
// (the exact key), Aimdb-Time (time of the write, Unix milliseconds),
// Aimdb-Number (on what is logged, its number, see below), and Aimdb-Lost (how
// many values of the record were lost just before, or since the last message
// turned out to be lost behind the log). A loss is a message of its own, a
// records.Loss as JSON under aimdb.hub.loss.>, in the same stream, so that every
// sink gets it once and in its place. What a NATS token cannot hold is written
// as %XX.
//
// # Numbers, and what the log discards
//
// A number is written <run>.<number>: the run is the sequence of the log that
// this run of the process began behind, the number counts the record's values
// in it from 1, those lost on the way to the log included (a loss message carries the
// last number it covers). So a reader that meets a jump of the sequence, which
// is a range the log has discarded, sees from the next message of each record
// how many of its values that took, and their numbers. A number is compared
// with the last one of the same run, or with 0 if the run began behind the
// reader's position. Of a run that the reader knows only from its middle on
// (the process was started anew in between) nothing is claimed by record; the
// range is told all the same. So is it for a record that stays silent for good.
//
// # Order, and storing once
//
// Values of one record keep their order; between records there is none. One
// goroutine reads all rings and sends batches; up to four are under way. It is
// the only publisher, so it knows the next sequence, and the first message of
// each batch carries Nats-Expected-Last-Sequence: a batch that comes a second
// time, or behind one that failed, is refused by the stream. After an unclear
// answer it asks for the last sequence with a message that cannot be stored
// and therefore says what became of all before it, compares the tail of the
// log with what was sent, and sends the rest. No ids are remembered anywhere
// for this, so memory does not grow with the rate, and there is no window
// after which a repetition would be stored twice.
//
// Batches go by fast ingest (NATS ADR-50), or, with Config.Durable, as atomic
// batches of at most 1000, which the server forces to the disk once. In two runs
// of BenchmarkLog on an otherwise idle machine fast ingest was 1.4 and 1.9 times
// as fast as async publish; what Msg-Ids cost that was within the noise.
//
// # What an acknowledgement survives
//
// "Logged" means that the stream has answered: the message was written to the
// file, and survives a panic and kill -9 of the process. A power loss may take
// what was written within the last SyncInterval (default one second). With
// Config.Durable the answer comes after fsync, and power loss takes nothing. A
// sink that has stored more than the log then still has is recognised; see
// Consumer. A log in memory (no Dir) ends with the process.
//
// # Trouble
//
// While the log takes nothing (a full disk never answers), the republisher
// keeps what it has read, at most five batches, and tries again with a growing
// pause; rings go on and overrun, which is counted as loss. It is said once
// in the log, and once when it is over; Stats tells in between. JetStream shuts
// a store for good that met a full disk; when there is room again the server
// is started anew in place, and everybody reconnects. A value above
// Config.MaxValue is refused, counted, and told to who waits for it.
//
// # Slow readers
//
// Values of records that are not logged go out while somebody listens. That
// somebody has begun to is noticed within 200 ms; values produced before go to
// nobody, and no message tells of them. Who wants the value as it stands asks
// the gateway.
//
// No reader slows a writer or another reader. Sinks and followers read the log
// at their own pace; what goes by a limit before a sink has read it reaches
// its ledger with the exact range, and by record; a follower is told too. A plain subscriber that does not read is cut
// off when it holds back 64 MiB, or does not take a write for two seconds.
//
// # Who may do what
//
// Nothing listens unless Config.Listen says so. Clients from outside live in an
// account of their own, into which only this database's subjects and the
// reading part of the log's API are exported: they may subscribe, ask for the
// state of the log, read single messages of it, and read it through pull
// consumers of their own, which are ephemeral and made through a guard that
// looks into the request and makes no more than 1000; the process's own go by
// another way and are never short. Answers to them stay in their account, so that no
// answer can be sent into the log or to the API. They cannot list consumers:
// the names of the sinks' consumers are secrets made anew at each start. The
// process's own connections use a secret made at start, and inboxes nobody
// else may subscribe to. Clients from outside are not protected from each
// other: one can hear the answers that others get, since client libraries
// expect to hear theirs under _INBOX, and can have an answer of the server sent
// to a subject that others of them listen to; what counts is in the log.
//
// # Ending
//
// Republisher.Run ends its context's way: it brings what is in the rings to
// the log, for Drain at most, and says in a log line what it flushed and what
// it left. Bus.Run ends with an error if the server stops by itself. Close ends
// everything, also while others use it; they get errors.
//
// Times are Unix milliseconds, sizes bytes, sequences start at 1.
package bus
