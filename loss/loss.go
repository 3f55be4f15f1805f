package loss

// Cause says why values were lost.
type Cause string

// The causes of a loss, from the ring to the row.
const (
	// RingOverrun is a reader that was too slow for its ring.
	RingOverrun Cause = "ring_overrun"
	// MailboxOverwritten is a value that nobody took from its mailbox in
	// time. It shows in Metrics and is no entry of the ledger, since mailboxes
	// are made for it.
	MailboxOverwritten Cause = "mailbox_overwritten"
	// ProducedAfterClose is a value that came when its registry was closed.
	ProducedAfterClose Cause = "produced_after_close"
	// NotEncodable is a value that JSON cannot carry.
	NotEncodable Cause = "not_encodable"
	// LogRefused is a value that the log did not take.
	LogRefused Cause = "log_refused"
	// LogDiscarded is a range of the log that went before a sink had read it,
	// because the log reached a limit. One entry without a record tells the
	// range; then, as soon as the next value of a record shows it, one with
	// that record tells its share. See Loss.Share.
	LogDiscarded Cause = "log_discarded"
	// LogMissing is a range of the log that is not there any more because the
	// log was deleted or replaced. Whose values it held, and how many, nobody
	// knows any more.
	LogMissing Cause = "log_missing"
	// LogTruncated is a range at the end of the log that was acknowledged and has
	// vanished, by a power loss or because the disk lied.
	LogTruncated Cause = "log_truncated"
	// LogDamaged is a range inside the limits of the log that cannot be read any
	// more.
	LogDamaged Cause = "log_damaged"
	// NotLogged is a value that was accepted and was not logged when the process
	// stopped.
	NotLogged Cause = "not_logged"
	// SinkRefused is a value that a sink refused for good.
	SinkRefused Cause = "sink_refused"
)

// Loss is a number of values that did not get where they belong.
type Loss struct {
	// Record is the key of the record, empty if it cannot be known.
	Record string `json:"record"`
	Cause  Cause  `json:"cause"`
	// Count is the number of values. Without a record it is the number of messages
	// of the log for LogDiscarded, LogTruncated and LogDamaged.
	Count uint64 `json:"count"`
	// From and To are the first and last of the range, both included. They are
	// sequences of the log for SinkRefused, for LogMissing, and for LogDiscarded,
	// LogTruncated and LogDamaged without a record. Otherwise they are numbers of
	// the record in one run of the process. 0 is unknown.
	From uint64 `json:"from,omitempty"`
	To   uint64 `json:"to,omitempty"`
	// FirstTime and LastTime bound when what was lost was written, in Unix
	// milliseconds: the times of the values themselves where they are known,
	// else those of the values before and behind. 0 is unknown.
	FirstTime int64 `json:"first_time"`
	LastTime  int64 `json:"last_time"`
}

// Share reports whether the loss is one record's part of a range of the log that
// is an entry of its own. Sums over all records leave it out; sums of one record
// include it.
func (l Loss) Share() bool {
	switch l.Cause {
	case LogDiscarded, LogTruncated, LogDamaged:
		return l.Record != ""
	}
	return false
}
