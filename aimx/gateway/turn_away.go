package gateway

import (
	"context"
	"net"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

const (
	// mostTurnedAway bounds the connections of a listener that wait for a refusal. Further
	// ones are closed without a word.
	mostTurnedAway = 16
	// turnAwayTimeout bounds how long one of them waits.
	turnAwayTimeout = 2 * time.Second
	// turnAwayBytes bounds what is read of it.
	turnAwayBytes = 1 << 16
)

// turnAway answers the first request of a connection for which there is no room, and closes
// it.
func (s *Server) turnAway(ctx context.Context, accepted net.Conn, t transport) {
	conn := t.conn(accepted, turnAwayBytes, turnAwayTimeout)
	ctx, cancel := context.WithTimeout(ctx, turnAwayTimeout)
	defer cancel()
	closing := context.AfterFunc(ctx, func() { _ = conn.Close() }) // Receive and Send return the error
	defer closing()
	refused := refuse(aimx.CodeDenied, "the server has its %d connections; close another one, or let it have more", s.config.Limits.Connections)
	var decoder wire.Decoder
	var w wire.FrameWriter
	for range mostTurnedAway {
		frame, err := conn.Receive()
		if err != nil {
			break
		}
		var answer []byte
		if f, ok := decoder.Decode(frame); ok && (f.Kind == wire.KindRequest || f.Kind == wire.KindSubscribe) {
			answer = w.Refusal(f.ID, string(refused.code), refused.reason)
		} else if r, ok := decoder.DecodeLegacy(frame); ok {
			answer = w.LegacyError(r, legacyDenied, refused.reason)
		} else {
			continue
		}
		_ = conn.Send(answer) // the connection is closed in any case
		break
	}
	_ = conn.Close() // it may be closed already
}
