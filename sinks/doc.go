// Package sinks moves the log of a database into sinks: databases, files,
// whatever implements Sink. Package sinktest is the suite that every sink must
// pass, package memory the smallest sink that does.
//
// # Batches
//
// A Pump reads the log behind the sink's checkpoint and writes batches, each
// one transaction together with its checkpoint. A lone value is written at
// once. Under load a batch waits for more, as long as has proved good (4 ms to
// PumpConfig.Linger since the last batch was begun), or until it is full by
// count or bytes; and while the sink writes, the next batch comes together by
// itself.
//
// # Once, and in order
//
// The values of each record are written in the order of the log. Where reading begins is the
// sink's word alone, never the consumer's. A batch whose write failed is
// written again; if the failure came behind the commit, the checkpoint tells,
// and it is not. What each accident ends in is stated in the tests of the
// checkpoint truth table:
//
//	log deleted                     read from its start; one LogMissing loss
//	                                from behind the checkpoint, count unknown (0)
//	sink deleted                    all that the log has is stored again
//	sink restored from a copy       all behind the copy is stored again
//	log of another database         another name: refused at start; the same
//	                                name: as a deleted log
//	log made anew                   as a deleted log, also if it is longer
//	log in memory, ended in order   nothing is missing: Pump.Leave made the
//	                                sink forget it
//	log in memory, process killed   as a deleted log
//	log lost its tail               the checkpoint moves back to the log's end
//	                                at start; new values are all stored
//	consumer deleted                a new one goes on behind the checkpoint
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
// Any error of a sink but a RefusedError is an outage: the batch is tried
// again with a jittered, growing pause, for as long as it takes. Values wait in
// the log, which is what bounds the wait. A batch that is refused for good is
// halved until what is refused is one value; that goes into Batch.Refused, a
// dead letter, and is counted as a loss with its sequence of the log. Each pump has its own goroutine and
// its own consumer, so one slow sink does not hold another.
//
// Pump.Run ends when its context does, without finishing what is being written:
// who wants all of it stored calls WaitStored first, with a deadline.
package sinks
