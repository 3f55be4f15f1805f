package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// TestVMAlert lets a real vmalert evaluate a rule on the adapter, with a token, and waits for
// its alert.
func TestVMAlert(t *testing.T) {
	vmalert := tool(t, "vmalert")
	dir := shortDir(t)
	now := time.Now().UnixMilli()
	fill(t, filepath.Join(dir, "history.db"), each([]history.Row{
		{Record: "accuracy::graz", Time: now - 1000, Value: []byte(`{"actual_celsius":12}`)},
		{Record: "accuracy::seattle", Time: now - 1000, Value: []byte(`{"actual_celsius":31.5}`)},
	}))
	server := startAdapter(t, "-history", filepath.Join(dir, "history.db"), "-tokens", tokenFile(t, "tokens: [{token: "+secret+", read: ['#']}]"))
	rules := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(rules, []byte(`groups:
- name: weather
  interval: 1s
  rules:
  - {alert: Hot, expr: weather_actual_celsius > 30, annotations: {value: "{{ $value }}"}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	alerts := make(chan []byte, 1)
	manager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			select {
			case alerts <- body:
			default: // the test has one
			}
		}
	}))
	t.Cleanup(manager.Close)
	child(t, vmalert, "-rule="+rules, "-datasource.url="+server, "-datasource.bearerToken="+secret, "-notifier.url="+manager.URL, "-httpListenAddr="+freeAddress(t))
	select {
	case body := <-alerts:
		var got []struct{ Labels, Annotations map[string]string }
		if err := json.Unmarshal(body, &got); err != nil || len(got) != 1 || got[0].Labels["alertname"] != "Hot" || got[0].Labels["city"] != "seattle" || !strings.HasPrefix(got[0].Annotations["value"], "31.5") {
			t.Errorf("%s, %v", body, err)
		}
	case <-time.After(patience):
		t.Error("vmalert sends no alert")
	}
}
