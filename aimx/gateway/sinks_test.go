package gateway_test

import (
	"reflect"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
)

func TestSinkList(t *testing.T) {
	sinks := []aimx.SinkInfo{
		{Name: "sqlite", State: "ok", Sequence: 1<<64 - 1, Lost: 42, Refused: 3, Retries: 7, LastCommit: 1420070400000},
		{Name: "memory", State: "retrying: the disk is full"},
	}
	h := open(t, func(c *gateway.Config) { c.Sinks = func() []aimx.SinkInfo { return sinks } })
	for name, p := range h.peers(t) {
		t.Run(name, func(t *testing.T) {
			exchange(t, p, `{"t":"req","id":1,"method":"sink.list"}`, `{"t":"reply","id":1,"ok":[`+
				`{"name":"sqlite","state":"ok","sequence":18446744073709551615,"lost":42,"refused":3,"retries":7,"last_commit_ms":1420070400000},`+
				`{"name":"memory","state":"retrying: the disk is full","sequence":0,"lost":0,"refused":0,"retries":0,"last_commit_ms":0}]}`)
		})
	}
	for _, endpoint := range []string{h.socket, h.webSocket()} {
		if got, err := dial(t, endpoint).Sinks(soon(t)); err != nil || !reflect.DeepEqual(got, sinks) {
			t.Errorf("%s: got %+v, %v", endpoint, got, err)
		}
	}
}

func TestSinkListIsEmpty(t *testing.T) {
	for _, sinks := range []func() []aimx.SinkInfo{nil, func() []aimx.SinkInfo { return nil }} {
		h := open(t, func(c *gateway.Config) { c.Sinks = sinks })
		exchange(t, h.linePeer(t), `{"t":"req","id":1,"method":"sink.list"}`, `{"t":"reply","id":1,"ok":[]}`)
		if got, err := dial(t, h.socket).Sinks(soon(t)); err != nil || len(got) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}
