// Package natsconn connects a client of AimX to a database over NATS, wherever in a
// cluster the database is. Package [github.com/aimdb-go/aimdb/aimx/natsservice] is the
// other end, and says how subjects and permissions correspond.
//
//	nc, err := nats.Connect("nats://127.0.0.1:4222")
//	client, err := natsconn.Dial(ctx, nc, "weather")
//	value, err := client.Get(ctx, "temp::vienna")
//
// # What works
//
// All calls of [aimx.Client] but Drain and Follow. What the user of the NATS connection
// has no permission for is refused with [aimx.CodeDenied]. A call whose context ends
// before the answer comes is over for the caller; its answer is then discarded. A
// database that restarts is there again for the next call.
//
// [aimx.Client.Watch] subscribes to the subjects of values, and then asks for the current
// ones, so that none is missing in between. A value that comes in between is sent twice.
// Without the permission to get a record, its current value is left out. The values of one
// record come in their order. A watch queues at most 8192 values that the client has not
// taken; those that it drops count in Update.Skipped. A lost
// connection to NATS ends the watches and the client with an [aimx.ConnectionError], as over
// other transports.
//
// A get or a set after [aimx.Client.Write] sees its effect, because the write waits for its
// answer, for at most 5 seconds. Other calls that run at the same time have no order.
//
// Follow needs the log and the history at one pace: use another endpoint of the database,
// or a consumer of its JetStream stream.
//
// # Patterns
//
// Keys are compared in their normalized form: "*" does not match "a::b". '#' stands at the
// end only, and for one or more segments, as '>' does: of "a.#" the record "a" is left out.
//
// # Connection
//
// The NATS connection of [Dial] belongs to the caller, who may use it for several databases. Close of
// the client leaves it open; that of [Connect] ends with the client. The client ends when it is closed, and when it is lost while
// the client watches. Without a watch, the next call waits until it is there again.
package natsconn
