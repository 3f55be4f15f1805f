package process

import (
	"encoding/json"
	"os"
	"strconv"

	"github.com/nats-io/nats.go/micro"
)

// Service is the name of the NATS service that each process of a sink is an instance of.
const Service = "aimdb-sink"

// serviceVersion is that of the State which instances answer with.
const serviceVersion = "1.0.0"

// serve makes the process an instance of the service, and returns what ends it. An error
// is logged: the sink works without.
func (p *process) serve() (stop func()) {
	c := p.config
	service, err := micro.AddService(p.nc, micro.Config{
		Name: Service, Version: serviceVersion, Description: "A sink of an AimDB database",
		Metadata:     map[string]string{"database": c.Log.Name, "sink": c.Sink, "kind": c.Kind, "host": hostname(), "pid": strconv.Itoa(os.Getpid())},
		StatsHandler: func(*micro.Endpoint) any { return p.state() },
	})
	if err == nil {
		err = service.AddEndpoint("state", micro.HandlerFunc(p.answer), micro.WithEndpointSubject("aimdb."+c.Log.Name+".sinks."+c.Sink+".state"))
	}
	if err != nil {
		c.Logger.Warn("the sink is no NATS service, and so not listed", "error", err)
	}
	return func() {
		if service == nil {
			return
		}
		if err := service.Stop(); err != nil {
			c.Logger.Debug("the NATS service of the sink could not be stopped", "error", err)
		}
	}
}

// answer answers a request for the state.
func (p *process) answer(r micro.Request) {
	text, err := json.Marshal(p.state())
	if err == nil {
		err = r.Respond(text)
	}
	if err != nil {
		p.config.Logger.Debug("a request for the state of the sink could not be answered", "error", err)
	}
}
