package aimx_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
)

// TestRepliesOfOtherServers: what a server of upstream may send in reply.
func TestRepliesOfOtherServers(t *testing.T) {
	replies := map[string]string{ // by the method
		"both": `"ok":7,"err":"denied"`, "reason": `"err":"denied","msg":"not you"`, "unknown": `"err":"teapot"`, "order": `"x":{"t":1},"ok":[1]`,
	}
	path := script(t, func(f frame) ([]string, bool) {
		return []string{`nonsense`, ``, `{"t":"later"}`, `["pong"]`, fmt.Sprintf(`{"t":"reply","id":%d,"ok":"of nobody"}`, f.ID+1000),
			fmt.Sprintf(`{%s,"id":%d,"t":"reply"}`, replies[f.Method], f.ID)}, false
	})
	c := dial(t, path)
	if v, err := c.Call(soon(t), "both", nil); err != nil || string(v) != "7" {
		t.Errorf("with ok and err: %s, %v", v, err)
	}
	if v, err := c.Call(soon(t), "order", nil); err != nil || string(v) != "[1]" {
		t.Errorf("in another order: %s, %v", v, err)
	}
	for method, want := range map[string]aimx.Code{"reason": aimx.CodeDenied, "unknown": aimx.CodeInternal} {
		_, err := c.Call(soon(t), method, nil)
		var refused *aimx.Refusal
		if !errors.As(err, &refused) || refused.Code != want || method == "reason" && refused.Reason != "not you" {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// TestSmallestRow: the row of record.list with the required members only is one.
func TestSmallestRow(t *testing.T) {
	path := script(t, func(f frame) ([]string, bool) {
		return []string{fmt.Sprintf(`{"t":"reply","id":%d,"ok":[{"record_id":0,"record_key":"attic.co2","name":"attic.co2","type_id":"json","origin":"passive","buffer_type":"single_latest","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0}]}`, f.ID)}, false
	})
	rows, err := dial(t, path).List(soon(t))
	if err != nil || len(rows) != 1 || rows[0].Key != "attic.co2" || rows[0].Origin.Kind != "passive" {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestNumbersOfUpdates: losses are counted from the number 0 on, numbers that repeat or go
// back are delivered, a reply with ok is ignored, and one with err ends the watch.
func TestNumbersOfUpdates(t *testing.T) {
	var watch uint64
	path := script(t, func(f frame) ([]string, bool) {
		if f.Method == "end" {
			return []string{
				fmt.Sprintf(`{"t":"reply","id":%d,"err":"internal","msg":"the record is gone"}`, watch),
				fmt.Sprintf(`{"t":"reply","id":%d,"ok":1}`, f.ID),
			}, false
		}
		watch = f.ID
		lines := []string{
			fmt.Sprintf(`{"t":"subscribed","sub":"%d"}`, f.ID),
			fmt.Sprintf(`{"t":"reply","id":%d,"ok":{}}`, f.ID),
			fmt.Sprintf(`{"t":"snap","seq":1,"last":true,"topic":"a","sub":"%d","data":1}`, f.ID),
			`{"t":"event","seq":2,"sub":"98765","data":0}`, // of a subscription that is not there
		}
		for _, seq := range []int{10, 0, 10, 5, 11, 13} {
			lines = append(lines, fmt.Sprintf(`{"t":"event","seq":%d,"topic":"a","sub":"%d","data":%d}`, seq, f.ID, seq))
		}
		return lines, false
	})
	c := dial(t, path)
	w, err := c.Watch(soon(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i, want := range []struct{ seq, skipped uint64 }{{1, 0}, {10, 8}, {0, 0}, {10, 0}, {5, 0}, {11, 0}, {13, 1}} {
		u, err := w.Next(soon(t))
		if err != nil || u.Seq != want.seq || u.Skipped != want.skipped || u.Snapshot != (i == 0) {
			t.Fatalf("update %d is %+v, %v, want %+v", i, u, err, want)
		}
	}
	if _, err := c.Call(soon(t), "end", nil); err != nil {
		t.Fatal(err)
	}
	var refused *aimx.Refusal
	if _, err := w.Next(soon(t)); !errors.As(err, &refused) || refused.Reason != "the record is gone" {
		t.Errorf("got %v", err)
	}
}

// TestServerOfAnotherVersion: the client checks the version in the answer to hello.
func TestServerOfAnotherVersion(t *testing.T) {
	for version, ok := range map[string]bool{"3.0": true, "3.9": true, "4.0": false, "": false} {
		path := helloScript(t, `{"version":"`+version+`","server":"s","permissions":[],"writable_records":[]}`)
		c, err := aimx.Dial(soon(t), path)
		if (err == nil) != ok {
			t.Errorf("version %q: %v", version, err)
		}
		if err == nil {
			closing(t, c)
		}
	}
}
