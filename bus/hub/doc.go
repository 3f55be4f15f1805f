// Package hub collects the logs of many databases in one stream.
//
// The server of each database, a site, joins the server of the hub as a leaf node (see
// aimdb.Leaf) and lets it read the values of Remote records from the log. The hub keeps
// a stream AIMDB_HUB_<name> that sources these logs. A site that is cut off goes on by
// itself, and the hub reads on when it is back: the server does that, also when no
// [Hub] is open. The server of the hub is an outside one, or package natsd's with
// Config.LeafListen.
//
// A message in the stream is that of the site: subject, headers and payload are the same
// (see package bus). The server adds the header Nats-Stream-Source, from which the hub
// knows the sequence at the site, and in which log of the site it was. The stream is
// read with bus.OpenHub, and a record "room::a" of the site "north" is called
// "north.room::a" there.
//
// # Sources that sleep
//
// A source may bring nothing after a reconnect (nats-server 6206 and 7530). Also, a server
// that asks for a consumer while the site is away waits 30 seconds for the answer, and
// longer each time: in a test with nats-server 2.15.2 a source began 40 seconds after its
// site was back. [Hub.Run] asks each site how many messages it has after the last one of
// the stream. If there are some, and for Config.SleepAfter none has come, it removes the
// source from the stream and adds it again. The server then reads on at once, after the
// last message that it has of the site, so that none comes twice. To find that message it
// reads the stream backwards from its end. A source has no start sequence, since the
// server would apply it also to a log that the site has created again, and skip its
// begin.
//
// If adding it again does not help, Run does so once more after twice the time, and so on, at
// most five minutes apart. It begins with Config.SleepAfter again when a message came or the
// site was away. A hub that started 8 seconds before its sites had their first messages 6
// seconds after these started, on an idle machine.
//
// # Completeness
//
// [Hub.Verify] reads the stream and answers for each site: from which sequence to which
// the hub has its log, what is missing in between, and how far the hub lags.
//
// Sequences alone do not tell. The messages of private records and those that report
// losses have sequences in the log of the site and are never sent, so the hub sees gaps
// where nothing is missing. It does not learn which of them is which; NotSent counts
// them. Two other proofs tell:
//
//   - The site says how many messages it has in a range of sequences that the hub may
//     read. If it has more than the hub, the range is halved until it names what is
//     missing. This needs the site to answer, and covers what the site still has.
//   - Each value has a number in Aimdb-Number, which counts the values of its record in
//     one run of the site from 1. A record whose numbers have no hole is complete within
//     a run, also if the site does not answer. The last values of a run can be missing
//     without a hole, and then only the first proof finds them.
//
// Values that were lost at the site have numbers too. If a loss was announced by
// Aimdb-Lost, its cause is [Announced]. If the site has no message for a hole either,
// it is [NotAtSite]: the losses that the site reports are private to it, and aimdb
// verify at the site tells more. A hole is [Unexplained] if the site does not answer or
// does not have that part of its log any more.
//
// A log that is deleted and created again is another one, which the server tells by the
// time of its creation. The hub reads it from its start and keeps what it has of the one
// before. What it had not read of that one is not known. A server makes another stream also
// of the messages of a log whose description was damaged. The source then brings them again:
// Verify finds that they have the numbers and times of messages that the hub has, and
// returns them by record as Repeats.
//
// Verify keeps the last number of each record and about 40 bytes for 4096 messages in memory.
package hub
