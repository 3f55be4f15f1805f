// Package natsd runs the NATS server that keeps the log inside the process.
//
// # Who may do what
//
// Nothing listens unless Config.Listen is set. The process's own connections use
// an in-process pipe and a secret that is drawn at start. Clients from outside
// live in an account of their own. That account imports only Config.Subjects, the
// reading part of the JetStream API of Config.Stream, and the services of the process
// at Config.Requests, which clients may ask and not subscribe to. A subscription with
// wildcards receives no other subject. Replies stay in the account, so that no reply
// can be published into the stream or to the API.
//
// Requests that read the stream pass a guard, which checks the body. It admits no
// reads before [Server.AllowReads], and then:
//
//   - pull consumers that are ephemeral, at most 1000, if each filter is
//     Config.Readable or a subject under it;
//   - single messages by subject under Config.Readable. A sequence or a time alone
//     is refused, since it can be that of any message;
//   - the state of the stream, with the subjects under Config.Readable.
//
// AllowReads names messages under Config.Readable that stay [Closed]. A consumer
// whose filter matches one of their subjects starts after them. A consumer for the
// last messages, a single message and a list of subjects are refused then.
//
// Clients cannot list consumers: the names of the process's own consumers are
// secrets. Clients from outside are not protected from each other: each can
// subscribe to _INBOX.>, as client libraries require.
//
// # Leaf nodes
//
// With Config.Leaf the server joins hubs as a leaf node, also if it listens to nobody. Each
// hub is confined to an account of its own, which imports Config.Subjects, the
// subjects under Config.Deliver, the flow control of consumers, and the JetStream API
// by way of the guard. A hub may, by the domain of the server:
//
//   - ask for the state of the stream;
//   - create the consumer of a source, at most 1000, if it delivers under
//     Config.Deliver and each filter is Config.Readable or a subject under it;
//   - create a pull consumer as clients may, and learn from it how many messages there
//     are. It cannot pull them, nor read single messages;
//   - delete the consumer of a source.
//
// Every other request is answered with the reason for its refusal. What a hub publishes
// to any other subject reaches nobody. Messages that are Closed stay closed to hubs.
//
// With Config.LeafListen the server is such a hub. Each Site has an account of its
// own, from which the process's account imports what it reads the site by. A site
// reaches neither the streams of the hub nor another site. If no site has a password,
// they share an account.
//
// The hub must take messages of MaxMessage and a header more.
//
// # Disk
//
// The server syncs every Config.SyncInterval, or before each acknowledgement with
// Config.SyncAlways. A full disk stops the store until it is opened again, which
// [Server.Reopen] does. Two processes cannot open one directory: a lock file
// refuses the second.
//
// # Slow clients
//
// A client that holds back 64 MiB, or takes no write for two seconds, is
// disconnected. It slows nobody.
//
// # Shutdown
//
// Close stops the server and waits for it. Done is closed when the server has
// stopped, by Close or by itself.
package natsd
