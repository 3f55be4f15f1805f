package bus

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// Every way to read the log by a consumer that we know of.
func TestConsumersFromOutsideReadNoPrivateRecord(t *testing.T) {
	b, between := privateLog(t)
	o := outside(t, b)
	time1970, later := `"1970-01-01T00:00:00Z"`, `"2170-01-01T00:00:00Z"`
	since, err := json.Marshal(between)
	if err != nil {
		t.Fatal(err)
	}
	const all, own = `"filter_subject":"aimdb.test.log.>"`, `"filter_subject":"aimdb.test.log.open.a"`
	for _, c := range []struct{ config, want string }{
		{all, "2 3 4"},
		{own, "1 2 3 4"},
		{`"filter_subjects":["aimdb.test.log.open.*","aimdb.test.log.shut.>"]`, "2 3 4"},
		{`"filter_subject":"aimdb.test.log.shut.b"`, ""},
		{all + `,"deliver_policy":"by_start_sequence","opt_start_seq":1`, "2 3 4"},
		{all + `,"deliver_policy":"by_start_sequence","opt_start_seq":4`, "3 4"},
		{all + `,"deliver_policy":"by_start_time","opt_start_time":` + time1970, "2 3 4"},
		{all + `,"deliver_policy":"by_start_time","opt_start_time":` + string(since), "3 4"},
		{all + `,"deliver_policy":"by_start_time","opt_start_time":` + later, ""},
		{all + `,"deliver_policy":"by_start_time"`, "needs opt_start_time"},
		{all + `,"deliver_policy":"new"`, ""},
		{all + `,"deliver_policy":"last"`, "private now"},
		{all + `,"deliver_policy":"last_per_subject"`, "private now"},
		{own + `,"deliver_policy":"last"`, "4"},
		{own + `,"deliver_policy":"last_per_subject"`, "4"},
		{own + `,"direct":true,"sourcing":true`, "1 2 3 4"},
		{`"ack_policy":"none"`, "set filter_subject to aimdb.test.log.>"},
		{`"filter_subject":""`, "set filter_subject to aimdb.test.log.>"},
		{`"filter_subject":">"`, "not open"},
		{`"filter_subject":"aimdb.>"`, "not open"},
		{`"filter_subject":"aimdb.test.>"`, "not open"},
		{`"filter_subject":"aimdb.test.log"`, "not open"},
		{`"filter_subject":"aimdb.*.log.>"`, "not open"},
		{`"filter_subject":"*.test.log.>"`, "not open"},
		{`"filter_subject":"aimdb.test.*.*.b"`, "not open"},
		{`"filter_subject":"aimdb.test.private.>"`, "not open"},
		{`"filter_subject":"aimdb.test.loss.>"`, "not open"},
		{`"filter_subjects":["aimdb.test.log.open.a","aimdb.test.private.>"]`, "not open"},
		{`"filter_subjects":["aimdb.test.log.open.a",""]`, "not open"},
		{own + `,"filter_subjects":["aimdb.test.loss.>"]`, "not open"},
		{own + `,"FILTER_SUBJECT":"aimdb.test.private.>"`, "not open"},
		{own + `,"Filter_Subjects":["aimdb.test.private.>"]`, "not open"},
		{own + `,"DELIVER_SUBJECT":"aimdb.test.live.x"`, "pull consumers"},
		{own + `,"Durable_Name":"stays"`, "ephemeral"},
		{all + `,"Deliver_Policy":"last"`, "private now"},
	} {
		for _, suffix := range []string{"", ".aimdb.test.private.>", ".aimdb.test.log.open.a"} {
			got := readAsConsumer(t, o, nats.NewInbox()[7:], suffix, c.config)
			mustBeOpen(t, c.config+suffix, got)
			if got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
				t.Errorf("%s%s: got %q, want %q", c.config, suffix, got, c.want)
			}
		}
	}
	if m, err := o.nc.RequestWithContext(deadline(t), "$JS.API.CONSUMER.INFO.AIMDB_test.early", nil); err != nil || !strings.Contains(string(m.Data), "consumer not found") {
		t.Errorf("a consumer of the first run: %v", err)
	}
	// An update keeps the place of a consumer that was made for an open subject.
	readAsConsumer(t, o, "own", "", own)
	for _, policy := range []string{"", `,"deliver_policy":"new"`, `,"deliver_policy":"by_start_sequence","opt_start_seq":1`} {
		if got := readAsConsumer(t, o, "own", "", all+policy); !strings.Contains(got, "can not be updated") {
			t.Errorf("an update of the filter%s: %s", policy, got)
		}
	}
}

// readAsConsumer creates a consumer and returns the values that it reads, or the error.
func readAsConsumer(t *testing.T, o *outsider, name, suffix, config string) string {
	t.Helper()
	body := fmt.Sprintf(`{"stream_name":"AIMDB_test","config":{"name":%q,%s}}`, name, config)
	answer, err := o.nc.RequestWithContext(deadline(t), "$JS.API.CONSUMER.CREATE.AIMDB_test."+name+suffix, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Error *struct{ Description string } }
	if err := json.Unmarshal(answer.Data, &made); err != nil {
		t.Fatal(err)
	}
	if made.Error != nil {
		return made.Error.Description
	}
	inbox, err := o.nc.SubscribeSync(o.nc.NewInbox())
	if err == nil {
		err = o.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.AIMDB_test."+name, inbox.Subject, []byte(`{"batch":100,"no_wait":true}`))
	}
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for {
		m, err := inbox.NextMsgWithContext(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("Status") != "" {
			return strings.Join(values, " ")
		}
		mustBeOpen(t, config, fmt.Sprint(m.Header))
		values = append(values, strings.Trim(string(m.Data), `{"n:}`))
	}
}
