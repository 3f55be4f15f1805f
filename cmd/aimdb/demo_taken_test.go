package main

import (
	"errors"
	"testing"

	"github.com/aimdb-go/aimdb/examples/weather"
)

func TestDemoNamesFlag(t *testing.T) {
	o := weather.Options{HTTP: "127.0.0.1:8080", NATS: "off", AimX: []string{"/tmp/a.sock"}, DataDir: "./data"}
	for said, want := range map[string]string{
		"open the web server: listen tcp 127.0.0.1:8080: in use": " (flag --http)",
		"open the gateway: listen on unix:///tmp/a.sock: in use": " (flag --aimx)",
		"open the history data/history.db: in use":               " (flag --data-dir)",
		"the city is unknown":                                    "",
	} {
		if got := nameFlag(errors.New(said), o).Error(); got != said+want {
			t.Errorf("%s, want %s", got, said+want)
		}
	}
	if nameFlag(nil, o) != nil {
		t.Error("no error became one")
	}
}
