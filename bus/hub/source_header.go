package hub

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// sourceHeader is set by the server on a message that a stream has from another one:
// <stream>[:<hash>] <sequence> <filter> <transform> <subject> <identity>
const sourceHeader = "Nats-Stream-Source"

// origin is where a message of the hub's stream is from.
type origin struct {
	sequence uint64
	// identity is that of the stream of the site.
	identity string
}

func originOf(h nats.Header) (o origin, ok bool) {
	fields := strings.Fields(h.Get(sourceHeader))
	if len(fields) < 2 {
		return o, false
	}
	sequence, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return o, false
	}
	o.sequence = sequence
	if len(fields) >= 6 {
		o.identity = fields[5]
	}
	return o, true
}

// streamIdentity returns the identity that the server puts into the header for a stream
// that was created at a time (nats-server 2.15, stream.go).
func streamIdentity(created time.Time) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(created.UTC().Format(time.RFC3339Nano)))
	id := make([]byte, 8)
	for i := range id {
		id[i] = digits[int(sum[i])%len(digits)]
	}
	return string(id)
}
