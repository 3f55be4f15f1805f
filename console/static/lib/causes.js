// @ts-check
// The causes of losses in words.
export const causes = {
  ring_overrun: "A reader was too slow for the ring of the record, which overwrote the oldest values.",
  mailbox_overwritten: "The next value came before the reader had taken this one; mailboxes work so.",
  produced_after_close: "The value was produced after the database was closed.",
  not_encodable: "JSON cannot carry the value, such as NaN.",
  log_refused: "The log did not take the value.",
  log_discarded: "The log reached its limit before the sink had read it: the sink was away or too slow.",
  log_missing: "The log was deleted or replaced.",
  log_truncated: "The log lost its end, by a power loss or a disk that does not sync.",
  log_damaged: "Messages of the log cannot be read: the disk or its files are damaged.",
  not_logged: "The program stopped before the value was in the log.",
  history_damaged: "Rows of the history vanished or changed, and the log no longer held them.",
  sink_refused: "The store refused the value for good; it is among the dead letters.",
};
