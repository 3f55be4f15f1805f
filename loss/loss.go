package loss

// Cause is why values were lost.
type Cause string

// The causes of a loss, from the ring to the row.
const (
	// RingOverrun: a reader was too slow for its ring.
	RingOverrun Cause = "ring_overrun"
	// MailboxOverwritten: the next value came before a reader took this one from
	// its mailbox. It shows in the metrics only, because mailboxes are made for
	// it.
	MailboxOverwritten Cause = "mailbox_overwritten"
	// ProducedAfterClose: the value was produced after its registry was closed.
	ProducedAfterClose Cause = "produced_after_close"
	// NotEncodable: JSON cannot carry the value.
	NotEncodable Cause = "not_encodable"
	// LogRefused: the log did not take the value.
	LogRefused Cause = "log_refused"
	// LogDiscarded: the log reached a limit and discarded messages before a sink
	// had read them. One entry without a record has the range. Entries with a
	// record, which follow with the next value of that record, are shares of it.
	// See Loss.Share.
	LogDiscarded Cause = "log_discarded"
	// LogMissing: the log was deleted or replaced. The records and the number of
	// the values in the missing range are unknown.
	LogMissing Cause = "log_missing"
	// LogTruncated: acknowledged messages at the end of the log vanished, because
	// of a power loss or a disk that did not sync.
	LogTruncated Cause = "log_truncated"
	// LogDamaged: messages inside the limits of the log cannot be read.
	LogDamaged Cause = "log_damaged"
	// NotLogged: the value was accepted but not logged when the process stopped.
	NotLogged Cause = "not_logged"
	// HistoryDamaged: rows of a history vanished or changed, and the log no longer
	// holds their values.
	HistoryDamaged Cause = "history_damaged"
	// SinkRefused: a sink refused the value and will not take it later.
	SinkRefused Cause = "sink_refused"
)

// Loss is a number of values that did not reach their destination.
type Loss struct {
	// Record is the key of the record, empty if it is unknown.
	Record string `json:"record"`
	Cause  Cause  `json:"cause"`
	// Count is the number of values. For LogDiscarded, LogTruncated and LogDamaged
	// without a record it is the number of messages.
	Count uint64 `json:"count"`
	// From and To are the ends of the range, both included. They are sequences of
	// the log for SinkRefused and LogMissing, and for LogDiscarded, LogTruncated
	// and LogDamaged without a record. Otherwise they are numbers of the record's
	// values in one run of the process, and IDs of rows for HistoryDamaged. 0 means
	// unknown.
	From uint64 `json:"from,omitempty"`
	To   uint64 `json:"to,omitempty"`
	// Run tells the runs of a process apart whose numbers From and To are. It is the
	// last sequence of the log before that run.
	Run uint64 `json:"run,omitempty"`
	// FirstTime and LastTime bound the write times of the lost values, in Unix
	// milliseconds. They are the times of these values if known, otherwise those
	// of the values before and after them. 0 means unknown.
	FirstTime int64 `json:"first_time"`
	LastTime  int64 `json:"last_time"`
}

// Share reports whether the loss is the share of one record in another entry, a range
// of the log. Sums over all records must leave it out; sums of one record include it.
func (l Loss) Share() bool {
	switch l.Cause {
	case LogDiscarded, LogTruncated, LogDamaged:
		return l.Record != ""
	}
	return false
}
