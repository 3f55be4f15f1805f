package gateway

import (
	"net"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// transport declares all differences between the transports.
type transport struct {
	name string
	// conn frames the connections of a listener.
	conn func(c net.Conn, limit int, timeout time.Duration) wire.Conn
	// asksForTokens means that clients must present a token if the server has some.
	asksForTokens bool
	// frameBytes bounds the frames that a client takes, unless its hello says
	// otherwise; 0 is no bound.
	frameBytes int
	// acknowledges means that subscribed answers a sub.
	acknowledges bool
	// lateJoin means that every subscription begins with snapshots of all its
	// records, rings included.
	lateJoin bool
	// refusesTopics means that an error answers an exact sub that cannot be
	// served; otherwise nothing does.
	refusesTopics bool
	// unwrapsWrites means that a write stores the member "value" of its payload.
	unwrapsWrites bool
	// noHistory is the code that refuses queries if there is no history.
	noHistory aimx.Code
	// subscriptions is the default of Limits.Subscriptions.
	subscriptions int
}

func lineTransport() transport {
	return transport{
		name: "unix", conn: wire.NewLineConn, refusesTopics: true, unwrapsWrites: true,
		noHistory: aimx.CodeInternal, subscriptions: 32,
	}
}

func tcpTransport() transport {
	t := lineTransport()
	t.name, t.conn = "tcp", wire.NewLengthConn
	t.asksForTokens, t.frameBytes = true, wire.LengthFrameBytes
	return t
}

func webSocketTransport() transport {
	return transport{
		name: "websocket", asksForTokens: true, acknowledges: true, lateJoin: true,
		noHistory: aimx.CodeNotFound, subscriptions: 1024,
	}
}

// callTransport is that of Server.Call, whose caller has no connection to the server.
func callTransport() transport {
	return transport{name: "call", noHistory: aimx.CodeNotFound}
}
