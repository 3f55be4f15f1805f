package aimx_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// TestPagesOfABrokenServer: a server that sends cursors forever does not keep a
// client forever.
func TestPagesOfABrokenServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in := make([]byte, 4096)
		for id := 1; ; id++ {
			if _, err := conn.Read(in); err != nil {
				return
			}
			result := `{"rows":[],"next":"again"}`
			if id == 1 { // the greeting
				result = `{"version":"3.0","server":"x","permissions":[],"writable_records":[]}`
			}
			if _, err := fmt.Fprintf(conn, `{"t":"reply","id":%d,"ok":%s}`+"\n", id, result); err != nil {
				return
			}
		}
	}()
	c, err := aimx.Dial(soon(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	for _, err := range c.HistoryPages(soon(t), history.PageQuery{}) {
		if err == nil || !strings.Contains(err.Error(), "never end") {
			t.Errorf("got %v", err)
		}
	}
}
