// Package mqtt serves MQTT 3.1.1 and 5 (and 3.1) for a database, so that devices put values
// in and get them out with the clients that they have:
//
//	server, err := mqtt.New(db, mqtt.Config{})
//	listener, err := net.Listen("tcp", "127.0.0.1:1883")
//	go server.Serve(ctx, listener)
//
// # Topics
//
// A value is published to aimdb/DATABASE/set/SEGMENTS, and comes out at
// aimdb/DATABASE/records/SEGMENTS: each segment of the key is one level, so that attic.air
// and attic::air are both attic/air. In a level, '%', '/' and '+' are written %25, %2F and
// %2B. A level with '.' or '::' in it is refused. There are no other topics, and no $SYS.
//
// # In
//
// The payload is the JSON of the value; an empty one is none. PUBACK (QoS 1) and PUBREC
// (QoS 2) mean that the log has the value. They wait for the log in the order of the
// messages, while the client sends further ones, up to [Limits].InFlight. A message that is
// sent again after a lost connection is stored twice with QoS 1, and once with QoS 2 as long
// as the session lives. A client of QoS 0 does not know what became of a value. The retain
// flag says nothing here: the newest value of a record is retained anyway.
//
// What is refused is counted by its cause ([Server.Counts]) and ends the connection, after
// the acknowledgements of what came before: MQTT 5 gets DISCONNECT with 0x87 (may not be set,
// or is no record), 0x90 (topic), 0x97 (too many records, or the disk of the log is full) or 0x99
// (not a value of the record). A value that was on its way when the disk became full gets 0x83,
// and no acknowledgement; the log has it later, and once more if the client sends it again.
//
// A server that stops takes no further message, acknowledges those that it took once the log
// has them, up to DrainTimeout, and disconnects then. What is not acknowledged, the client sends
// again to the next server, and the log may have it already.
//
// A will is a value too: its topic and payload are checked at CONNECT, and it is set with the
// grants of the client. A server that stops sets none.
//
// # Out
//
// A subscriber gets the newest value of each record that its filter selects, as retained, and
// then each later one, in order and without a gap, of Remote records that it may read. A
// filter may have wildcards; each record is decided for itself, and records that are
// registered later are included. Subscriptions have QoS 1 at most, and are not shared. A
// second filter for a record gets the newest value after the older ones that are still to come.
//
// A client that is too slow, for its connection or for the ring of a record, is disconnected
// (0x97) and counted: to lose values without being told would be worse. Records of
// the kinds Latest and Mailbox have only their newest value, which is no loss.
//
// # Sessions
//
// A session that outlives its connection keeps its subscriptions, the messages that the
// client has not acknowledged, and the place in the ring of each record subscribed to with
// QoS 1: what came meanwhile follows. What a ring no longer has is counted as missed, and the
// next message to a client of MQTT 5 has the user property "missed" with the number. Sessions
// end after SessionExpiry, and with the server.
//
// # Access
//
// If the database has tokens or users, CONNECT needs a user name and password, or a token as
// password with any user name or none. A client whose token or user is removed is
// disconnected.
//
// The protocol is that of the library github.com/mochi-mqtt/server/v2. It keeps nothing:
// sessions, deliveries and acknowledgements are those of this package.
package mqtt
