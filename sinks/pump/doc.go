// Package pump moves the log of a database into one sink.
//
// # Batches
//
// A [Pump] reads the log after the sink's checkpoint and writes batches. Each
// batch is one transaction together with its checkpoint. A lone value is written at
// once. Under load a batch waits for more values: 4 ms to [Config].Linger after the
// previous batch began, adapted to the load, or until it is full by count or bytes.
// While the sink writes, the next batch accumulates.
//
// # Once, and in order
//
// The values of a record are written in the order of the log. Only the sink's
// checkpoint decides where reading begins, never the consumer. A batch whose write
// failed is written again. If the failure came after the commit, the checkpoint
// shows it, and the batch is not written again. The tests of the checkpoint truth
// table state what each accident ends in:
//
//	log deleted                     read from its start; one LogMissing loss from
//	                                after the checkpoint, up to the log's mark; no
//	                                loss if the mark is not after the checkpoint;
//	                                without a mark the count is unknown (0). After
//	                                a kill the mark may be a second behind the log
//	sink deleted                    all that the log has is stored again
//	sink restored from a copy       all after the copy is stored again
//	log of another database         another name: refused at start; the same
//	                                name: as a deleted log
//	log created again               as a deleted log, also if it is longer
//	log in memory, stopped in order nothing is missing: Pump.Leave made the sink
//	                                forget the log
//	log in memory, process killed   as a deleted log
//	log lost its tail               the checkpoint moves back to the end of the
//	                                log at start; new values are all stored
//	consumer deleted                a new one continues after the checkpoint
//	two processes on one directory  the second is refused
//	two pumps into one sink         of a batch one is stored; the other pump reads
//	                                again from the checkpoint
//	clock set back                  order is that of the log; times are as they
//	                                were taken
//	limit reached before a sink     one LogDiscarded loss with the exact range,
//	had read it                     and one with each record's share and numbers
//	                                when the record's next value arrives, if it is
//	                                of the same run of the process, or of a later
//	                                run than the checkpoint
//
// # Errors
//
// Any error of a sink but a sinks.RefusedError is an outage: the batch is retried
// with a jittered, growing pause for as long as it takes. Values wait in the log,
// whose limits bound the wait. A batch that is refused is divided until what is
// refused is one value. That value goes into Batch.Refused, a dead letter, and is
// counted as a loss of the sink. Each pump has its own goroutine and its own
// consumer, so a slow sink does not delay another.
//
// # Shutdown
//
// Pump.Run ends when its context does and does not finish what is being written.
// Call WaitStored with a deadline before, to have everything stored.
package pump
