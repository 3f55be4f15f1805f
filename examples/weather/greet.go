package weather

import "fmt"

// say writes to Options.Out. The hub continues if that fails, because the terminal
// may be closed.
func (h *hub) say(format string, args ...any) {
	if h.options.Out == nil {
		return
	}
	if _, err := fmt.Fprintf(h.options.Out, format, args...); err != nil {
		h.logger.Debug("could not write to the output of the hub", "error", err)
	}
}

// greet writes the addresses of the listeners and three commands to try.
func (h *hub) greet() {
	a := h.db.Addresses()
	h.say("Weather hub, %d cities, history in %s\n", len(h.cities), h.options.DataDir)
	secure := ""
	if h.options.TLS.CertFile != "" {
		secure = "s"
	}
	if a.HTTP != "" {
		h.say("  page  http%s://%s/\n", secure, a.HTTP)
	}
	for _, endpoint := range a.Gateways {
		h.say("  AimX  %s\n", endpoint)
	}
	if a.TCP != "" {
		h.say("  AimX  tcp%s://%s\n", secure, a.TCP)
	}
	if a.NATS != "" {
		h.say("  NATS  nats://%s\n", a.NATS)
	}
	connect := ""
	switch {
	case len(a.Gateways) > 0:
		connect = " --connect " + a.Gateways[0]
	case a.HTTP != "":
		connect = " --connect ws" + secure + "://" + a.HTTP + "/ws"
	}
	h.say("Three things to try in another terminal:\n")
	h.say("  aimdb record query 'accuracy::*' --limit 1%s\n", connect)
	h.say("  aimdb record watch 'temp::*' --count 5%s\n", connect)
	if a.NATS != "" {
		h.say("  nats sub -s nats://%s 'aimdb.hub.*.accuracy.>'\n", a.NATS)
	} else {
		h.say("  aimdb instance info%s\n", connect)
	}
	if h.options.Started != nil {
		h.options.Started(a)
	}
}
