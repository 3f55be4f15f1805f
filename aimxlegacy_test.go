package aimdb_test

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"testing"
)

// TestLegacyQueryOfAHistory: the query of the proposal, over a history in SQLite.
func TestLegacyQueryOfAHistory(t *testing.T) {
	s := serveFollowers(t, t.TempDir())
	defer s.stop()
	s.write(t, 1, 3)
	conn, err := net.Dial("unix", s.endpoint())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	times := regexp.MustCompile(`"stored_at":\d{13}`)
	for params, want := range map[string]string{
		`{}`:                         `[{"record":"n::a","value":3,"stored_at":T},{"record":"n::b","value":3,"stored_at":T}],"count":2`,
		`{"name":"N*A","limit":2}`:   `[{"record":"n::a","value":3,"stored_at":T},{"record":"n::a","value":2,"stored_at":T}],"count":2`,
		`{"name":"n.b"}`:             `[{"record":"n::b","value":3,"stored_at":T}],"count":1`,
		`{"name":"n::s*"}`:           `[],"count":0`, // it is private
		`{"name":"n::*","end":1000}`: `[],"count":0`,
	} {
		if _, err := fmt.Fprintf(conn, `{"id":1,"method":"record.query","params":%s}`+"\n", params); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadString('\n')
		if got := times.ReplaceAllString(line, `"stored_at":T`); err != nil || got != `{"id":1,"result":{"values":`+want+"}}\n" {
			t.Errorf("%s: %v\ngot  %swant %s", params, err, got, want)
		}
	}
}
