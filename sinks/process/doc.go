// Package process runs one sink of a log in a process of its own, and lists the sinks
// of a log.
//
// # One active, the others in standby
//
// [Run] opens the store of the sink. Where another process has it open, [Config].Open
// returns [ErrHeld], and this process is a standby: it tries again several times a
// second and reads nothing of the log. When the other process ends, however it ends, the
// standby opens the store and continues at its checkpoint. So the store decides which
// process is active: a file by its lock, a database server by a lock in it. Several
// processes can open a database; Store.Active says which one may write. If two processes
// write in spite of that, each batch is stored by one of them only: see rule 8 of
// sinks.Sink.
//
// Stores of one log have different names. Run refuses to start on a store while a sink
// of the same name is active on another one, since both would use one consumer. A database
// with a sink of the same name is not known to it: then the one that began last reads, and
// the other one says so and waits (bus.ErrSinkTaken). A sink with another name on the same
// store is a standby too, and continues at the checkpoint of the store.
//
// # The log
//
// The log belongs to the database, which may run or not. Run creates nothing: if the log
// is absent it waits for it. Servers that are away when it starts are awaited for
// [Config].Wait; later they may be away. Servers that refuse the user, or are too old, are
// an error. Each sink has a consumer of its own and its own pace.
//
// # Stop
//
// When the context ends, the sink stores what the log has at that moment, within
// [Config].DrainTimeout. What is left is stored after the next start.
//
// # Service
//
// Each process is an instance of the NATS service [Service], standbys too. Its statistics
// are a [State]; [List] and `nats micro ls` find them. Without the permission to
// subscribe to $SRV.> the sink works and is not found.
package process
