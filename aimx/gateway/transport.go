package gateway

import "github.com/aimdb-go/aimdb/aimx"

// transport declares all differences between the two transports.
type transport struct {
	name string
	// acknowledges answers a sub with subscribed.
	acknowledges bool
	// lateJoin sends the current value of every record of a subscription
	// first, also of rings and exact ones.
	lateJoin bool
	// refusesTopics answers an exact sub that cannot be served with an error;
	// else it stays silent.
	refusesTopics bool
	// unwrapsWrites stores the member "value" of a written object.
	unwrapsWrites bool
	// noHistory is the code of queries without a history.
	noHistory aimx.Code
	// subscriptions is the default limit.
	subscriptions int
}

func lineTransport() transport {
	return transport{
		name: "unix", refusesTopics: true, unwrapsWrites: true,
		noHistory: aimx.CodeInternal, subscriptions: 32,
	}
}

func webSocketTransport() transport {
	return transport{
		name: "websocket", acknowledges: true, lateJoin: true,
		noHistory: aimx.CodeNotFound, subscriptions: 1024,
	}
}
