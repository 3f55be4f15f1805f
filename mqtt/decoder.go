package mqtt

import (
	"fmt"
	"runtime"
	"strings"
)

// decoder is the package of the library that reads packets.
const decoder = "github.com/mochi-mqtt/server/v2/packets."

// establish makes the library serve a connection. Some malformed packets make its decoder
// panic, which holds no lock then and ends only the connection: a SUBSCRIBE of MQTT 5 without
// the options of its last filter, for example. Other panics stay what they are.
func (s *Server) establish(c *conn) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if !strings.HasPrefix(panicking(), decoder) {
				panic(r)
			}
			err = fmt.Errorf("a malformed packet: %v", r)
		}
	}()
	return s.broker.EstablishConnection("", c)
}

// panicking returns the function that the present panic comes from.
func panicking() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	begun := false
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		ofRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if begun && !ofRuntime {
			return frame.Function
		}
		begun = begun || frame.Function == "runtime.gopanic"
	}
	return ""
}
