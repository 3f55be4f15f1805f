package wire

// ListParams are the parameters of loss.list and deadletter.list.
type ListParams struct {
	// Sink is the name of one sink, all if it is empty.
	Sink   string `json:"sink,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

// RetryParams are the parameters of deadletter.retry.
type RetryParams struct {
	Sink string  `json:"sink"`
	IDs  []int64 `json:"ids"`
}

// UsageParams are the parameters of history.usage.
type UsageParams struct {
	Limit int `json:"limit,omitempty"`
}
