// Package bus keeps the log of a database: a JetStream stream in any NATS server.
// Package natsd has the embedded server, and documents who may read the log and what
// happens to slow clients. The bus publishes the values of Logged records into the
// log and those of other Remote records to live subscribers, and delivers the log to
// sinks and followers.
//
//	rings ─► Republisher ─► stream AIMDB_<db> ─► Consumer (one for each sink)
//	             │                            └► Follow, and any NATS client
//	             └► aimdb.<db>.live.>
//
// # Messages
//
// A value of the record "accuracy::vienna" of the database hub has a subject of its
// kind, which ends in the segments of the key:
//
//	aimdb.hub.log.accuracy.vienna      a logged value of a Remote record
//	aimdb.hub.private.accuracy.vienna  a logged value of another record
//	aimdb.hub.live.accuracy.vienna     a value of a Remote record that is not logged
//
// The payload is the JSON of the value and nothing else. The headers are:
//
//	Aimdb-Key     the exact key
//	Aimdb-Time    the time of the write in Unix milliseconds
//	Aimdb-Event   the own time of the value, if its record has such times; see below
//	Aimdb-Number  the number of a logged value, see below
//	Aimdb-Lost    how many values of the record were lost since its previous message
//	Aimdb-Shape   the version of the shape of the value, if it is not 0
//
// A loss is a message too: a loss.Loss as JSON under aimdb.hub.loss.>, in the same
// stream, so that each sink receives it once and in order. Bytes that a NATS token
// cannot hold are written as %XX.
//
// # Private records
//
// A record is private if it is not Remote. Clients from outside get the kinds log and
// live and nothing else. Losses are closed to them because they name private records
// too. Values of a private record that is not logged are not published at all.
//
// A private record can have messages of the kind log: from a run in which it was
// Remote, or from an earlier version. The process itself reads them as before.
// [Bus.FormerlyRemote] finds them, so that the server can keep clients from them. What
// a private record has logged stays private when it becomes Remote.
//
// # Event time
//
// Values of a record with records.Config.EventTime have a time of their own, which each of
// its messages carries in Aimdb-Event: the time of the write if the value has none. A sink
// stores the value under it. Losses, ages and the order of the log go by the time of the
// write and by sequences.
//
// # Numbers, and what the log discards
//
// Aimdb-Number is <run>.<number>.<length>. The length is the size of the payload in
// bytes. The run is the last sequence of the log before this run of the process. The
// number counts the values of the record within the run, from
// 1, including those lost on the way to the log; a loss message has the number of the
// last value it covers. A reader that finds a gap in the sequences reports the range
// as discarded. From the next message of each record it also learns how many values
// of that record were discarded, and their numbers. It compares the number with the
// record's previous one in the same run, or with 0 if the run began after the reader's
// start. For a run that the reader knows only in part, and for a record that never
// publishes again, it reports the range only.
//
// # Order, and storing once
//
// Values of one record keep their order. Between records there is no order. One
// goroutine reads all rings and sends batches, of which up to four are in flight. It
// is the only publisher of the stream, so it knows the next sequence, and the first
// message of each batch carries Nats-Expected-Last-Sequence. The stream refuses a batch
// that is repeated, or that follows one that failed. After an unclear answer the
// republisher asks for the last sequence, compares the tail of the log with what it
// sent, and sends the rest. It asks with a message that the stream must refuse, so the
// answer also shows what became of all messages before it. No message ids are kept, so
// memory does not grow with the rate, and there is no duplicate window that can expire.
//
// Batches use fast ingest (NATS ADR-50). With Config.Durable they are atomic batches of
// at most 1000 messages, which the server syncs once. In two runs of BenchmarkLog on an
// otherwise idle machine fast ingest was 1.4 and 1.9 times as fast as async publish;
// the cost of Msg-Ids was within the noise.
//
// # Servers of others
//
// With Config.Shared the server is not run by this process: package cluster has the
// connections to it. The log may be replicated. A stream that exists is used only if its
// settings are those wanted. Several databases share a server.
//
// The republisher then does not ask for the last sequence with a message that is refused:
// the refusal of a replicated stream does not tell it. It appends a marker, a message under
// aimdb.hub.loss.%writer, when it starts and after each unclear answer, and reads the
// acknowledgement. A sink receives a marker as a [Message] that only moves its position.
//
// A log has one writer: the one that was opened last. An earlier one finds the marker of a
// later one, and [Republisher.Run] returns [ErrTakenOver]. If somebody deletes the stream,
// it is created again with another identity as soon as the republisher notices, and what a
// sink had not stored of the first log is counted as log_missing. The first marker of the
// next log names the first log and its end, for sinks in other processes. A writer that
// has nothing to write learns of a takeover and of a deletion with its next value; its
// sinks and followers notice a deletion within 5 s.
//
// A batch of fast ingest can leave messages on their way over another server of a cluster.
// If these arrive while the republisher sends the rest of the batch again, the log holds
// them twice. Within a run the numbers of a record only grow, so [Bus.Consumer],
// [Bus.Follow] and [Bus.Verify] know the second one and pass over it: to a sink it is a
// marker. A reader knows the numbers that it has received itself. One that begins between
// the two, as after a restart of the sink, takes the second one for a value, and it is
// stored twice; package sqlite does not notice that either.
//
// A server that comes back from an older disk can have lost messages that a sink has stored
// and that the republisher has not seen acknowledged. They are sent again with the same
// sequences, and the sink reads on after them.
//
// One process reads the log as a sink of a name: the one that began last. An earlier one
// gets [ErrSinkTaken] until the other one ends.
//
// # What an acknowledgement survives
//
// "Logged" means that the stream has acknowledged: the message is written to the file
// and survives a panic or kill -9 of the process. A power loss may take what was written
// since the server's last sync. With Config.Durable, and a server that syncs before it
// acknowledges, it takes nothing. [Bus.Consumer] recognises a sink that has stored more
// than the log still has. A log in memory ends with the server.
//
// # Verification
//
// [Bus.Verify] reads the log after the checkpoint of a sink and compares it with what
// it should hold: with its mark, with the fingerprint of the checkpoint, with its own
// sequences and with the numbers of each record. It finds what a [Consumer] would count
// as lost, before anybody has counted it, and what the log itself names as lost. It
// writes nothing. [OpenExisting] opens the log of a stopped database for that, without
// setting its limits or filling its end; [Bus.Read] reads a range again.
//
// # Outages
//
// While the log takes no values, the republisher holds what it has read, at most five
// batches, and retries with a growing pause. The rings continue and overrun, which is
// counted as loss. The outage is logged once at its start and once at its end; Stats
// shows it meanwhile. If the log does not answer within a second, the embedded server looks
// whether its disk takes data, and [Bus.Writable] tells those who wait. After a full disk JetStream keeps its store stopped even when
// there is room again, so the server reopens it in place and all connections reconnect.
// A value above Config.MaxValue is refused and counted, and its producer gets an error
// if it waits.
//
// # Records that come later
//
// The republisher publishes records that are added to the registry while it runs, from
// their first value on. Their numbers count from 1, as in each run.
//
// # Live values
//
// Values of Remote records that are not logged are published while somebody subscribes
// to them.
// A new subscription is noticed within 250 ms. Values produced before are not published,
// and no message reports them; ask a gateway for the current value.
//
// # Independence of readers
//
// No reader slows a writer or another reader. Sinks and followers read the log at their
// own pace. If a limit discards messages before a sink has read them, the sink's ledger
// receives the exact range and each record's share. A follower receives them too. A
// reader in another process opens the log with OpenExisting.
//
// # Shutdown
//
// When the context of Republisher.Run ends, it drains the rings into the log, for Drain
// at most, and logs how many values it flushed and left. Bus.Run returns an error if the
// server stops by itself. Close ends everything; calls in progress return errors.
//
// Times are Unix milliseconds, sizes are bytes, and sequences start at 1.
package bus
