package gateway

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// limitFrames takes the longest frame that the client receives from its hello, which is
// an addition to the protocol.
func (s *session) limitFrames(params []byte) {
	if s.transport.frameBytes == 0 {
		return
	}
	n, err := strconv.ParseInt(string(s.decoder.Member(params, "frame_bytes")), 10, 64)
	if err == nil && n >= int64(s.transport.frameBytes) {
		s.frameBytes.Store(n)
	}
}

// tooLong reports whether the client would close the connection at a frame.
func (s *session) tooLong(frame []byte) bool {
	limit := s.frameBytes.Load()
	return limit > 0 && int64(len(frame)) > limit
}

// refuseLong answers a frame that is longer than the limit, if its id is known. The
// connection ends after it.
func (s *session) refuseLong(err error) {
	var long *wire.FrameTooLong
	if errors.As(err, &long) && long.HasID {
		s.answer(&s.out, long.ID, nil, refuse(aimx.CodeInternal, "a frame has at most %d bytes, and the connection ends with this one; send less at a time", long.Limit))
	}
}

func (s *session) tooLongReason(bytes int) string {
	return fmt.Sprintf("the answer has %d bytes and this client takes %d in a frame; ask for less, or for longer frames with frame_bytes of hello", bytes, s.frameBytes.Load())
}

// answerBytes returns how many bytes of values fit into one answer, with a tenth left
// for what is around them.
func (s *session) answerBytes() int {
	limit := s.frameBytes.Load()
	if limit == 0 || limit > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit / 10 * 9)
}

// pageBytes bounds the rows of one page.
func (s *session) pageBytes() int { return min(s.server.config.Limits.PageBytes, s.answerBytes()) }
