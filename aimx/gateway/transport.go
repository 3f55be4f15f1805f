package gateway

import "github.com/aimdb-go/aimdb/aimx"

// transport declares all differences between the two transports.
type transport struct {
	name string
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
