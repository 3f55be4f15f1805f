package aimx

// dialect is all in which the transports differ.
type dialect struct {
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
	noHistory Code
	// subscriptions is the default limit.
	subscriptions int
}

func lineDialect() dialect {
	return dialect{
		name: "unix", refusesTopics: true, unwrapsWrites: true,
		noHistory: CodeInternal, subscriptions: 32,
	}
}

func webSocketDialect() dialect {
	return dialect{
		name: "websocket", acknowledges: true, lateJoin: true,
		noHistory: CodeNotFound, subscriptions: 1024,
	}
}
