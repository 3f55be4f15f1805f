package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/loss"
)

// fullVerification has findings about a public record, a private one, a name that is
// not registered, and none.
func fullVerification() aimx.Verification {
	finding := func(record, text string) aimx.Finding {
		return aimx.Finding{Where: "history", Loss: loss.Loss{Record: record, Cause: loss.HistoryDamaged, Count: 1}, Text: text}
	}
	return aimx.Verification{
		Database: "house", Verdict: aimx.UnknownLoss, Notes: []string{},
		Records: []aimx.VerifiedRecord{{Record: "attic.co2", Rows: 1}, {Record: "cellar::safe", Rows: 2}, {Record: "old.door", Rows: 3}},
		Unknown: []aimx.Finding{finding("cellar.safe", "one"), finding("", `a row of "cellar.safe" is broken`), finding("", "a page is broken")},
		Known:   []aimx.Finding{finding("attic.co2", "two"), finding("cellar::safe", "three"), finding("old.door", "four")},
	}
}

func TestVerifyLeavesOutPrivateRecords(t *testing.T) {
	h := open(t, func(c *gateway.Config) {
		c.Verify = func(context.Context) (aimx.Verification, error) { return fullVerification(), nil }
	})
	for _, endpoint := range []string{h.socket, h.webSocket()} {
		v, err := dial(t, endpoint).HistoryVerify(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if v.Verdict != aimx.UnknownLoss || v.Database != "house" || v.Private != (aimx.PrivateFindings{Records: 1, Unknown: 2, Known: 1}) {
			t.Errorf("%+v", v)
		}
		if len(v.Records) != 2 || v.Records[1].Record != "old.door" || len(v.Unknown) != 1 || v.Unknown[0].Text != "a page is broken" || len(v.Known) != 2 {
			t.Errorf("%+v", v)
		}
	}
}

// Names that are not registered follow Config.RemoteHistory.
func TestVerifyLeavesOutRetiredRecords(t *testing.T) {
	h := open(t, func(c *gateway.Config) {
		c.RemoteHistory = false
		c.Verify = func(context.Context) (aimx.Verification, error) { return fullVerification(), nil }
	})
	v, err := dial(t, h.socket).HistoryVerify(soon(t))
	if err != nil || len(v.Records) != 1 || len(v.Known) != 1 || v.Private.Records != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestVerifyIsRefused(t *testing.T) {
	failing := func(c *gateway.Config) {
		c.Verify = func(context.Context) (aimx.Verification, error) { return aimx.Verification{}, errors.New("no disk") }
	}
	for name, test := range map[string]struct {
		change       func(*gateway.Config)
		params, says string
	}{
		"a parameter":        {failing, `{"deep":true}`, "parameters of history.verify"},
		"an error":           {failing, `{}`, "no disk"},
		"without the option": {func(*gateway.Config) {}, `null`, "does not verify"},
		"without a history":  {func(c *gateway.Config) { c.History = nil }, `null`, "no history"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, test.change).linePeer(t)
			p.send(t, `{"t":"req","id":1,"method":"history.verify","params":`+test.params+`}`)
			if answer := p.next(t); !strings.Contains(answer, `"err"`) || !strings.Contains(answer, test.says) {
				t.Errorf("the answer is %s", answer)
			}
		})
	}
}

// One verification runs at a time, and the others wait for it.
func TestVerifyRunsOnceAtATime(t *testing.T) {
	began, end := make(chan struct{}, 8), make(chan struct{})
	h := open(t, func(c *gateway.Config) {
		c.Verify = func(context.Context) (aimx.Verification, error) {
			began <- struct{}{}
			<-end
			return fullVerification(), nil
		}
	})
	peers := []peer{h.linePeer(t), h.linePeer(t)}
	for _, p := range peers {
		p.send(t, `{"t":"req","id":1,"method":"history.verify"}`)
		p.send(t, `{"t":"ping"}`)
		if pong := p.next(t); !strings.Contains(pong, "pong") { // the server has begun with the request
			t.Fatal(pong)
		}
	}
	<-began
	if _, err := dial(t, h.socket).HistoryStats(soon(t)); err != nil {
		t.Errorf("another query: %v", err)
	}
	select {
	case <-began:
		t.Error("two verifications run at a time")
	default:
	}
	close(end)
	for _, p := range peers {
		if answer := p.next(t); !strings.Contains(answer, `"verdict":"unknown_loss"`) {
			t.Error(answer)
		}
	}
}
