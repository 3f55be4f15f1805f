// Package pump moves the log of a database into a sink.
//
// # Batches
//
// A Pump reads the log from the checkpoint of its sink on and writes batches.
// Each one is one transaction together with its checkpoint. A value that comes
// alone is written at once. Under load a batch waits for more, from 4 ms to
// Config.Linger since the last batch was begun, or until it is full by count or
// bytes. While the sink writes, the next batch fills up by itself.
//
// # Once, and in order
//
// The values of each record are written in the order of the log. Only the sink
// says where reading begins, never the consumer. A batch whose write failed is
// written again, unless the checkpoint shows that the failure came after the
// commit. The tests of the checkpoint truth table state what each accident ends
// in:
//
//	log deleted                     read from its start; one LogMissing loss
//	                                from after the checkpoint, count unknown (0)
//	sink deleted                    all that the log has is stored again
//	sink restored from a copy       all after the copy is stored again
//	log of another database         another name: refused at start; the same
//	                                name: as a deleted log
//	log created again               as a deleted log, also if it is longer
//	log in memory, ended in order   nothing is missing: Pump.Leave made the
//	                                sink forget it
//	log in memory, process killed   as a deleted log
//	log lost its tail               the checkpoint moves back to the log's end
//	                                at start; new values are all stored
//	consumer deleted                a new one goes on after the checkpoint
//	two processes on one directory  the second is refused
//	clock set back                  order is that of the log; times are as they
//	                                were taken
//	limit reached before a sink     one LogDiscarded loss with the exact range,
//	had read it                     and one with each record's share and numbers
//	                                as the record's next value comes, if that is
//	                                of the same run of the process, or of a later
//	                                one than the checkpoint
//
// # Trouble
//
// Any error of a sink but a RefusedError is an outage: the batch is tried again
// with a jittered, growing pause, for as long as it takes. Values wait in the
// log, which bounds the wait. Entries that the sink refuses for good go into
// Batch.Refused, as dead letters, and each is counted as a loss with its sequence
// of the log; if the sink does not say which they are, the batch is halved until
// it is one entry. Each pump has its own goroutine and its own consumer, so one
// slow sink does not hold another.
//
// Pump.Run ends when its context does, without finishing what is being written.
// Call WaitStored first, with a deadline, to have all of it stored.
package pump
