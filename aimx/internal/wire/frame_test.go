package wire

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzDecode feeds any input to the decoder. A frame that it accepts must be an
// object for encoding/json too, with the same values.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"t":"req","id":4,"method":"record.get","params":{"name":"attic.co2"}}`,
		`{"t":"sub","id":5,"topic":"attic.#"}`, `{"t":"unsub","sub":"5"}`, `{"t":"ping"}`,
		`{"t":"write","topic":"attic.fan","payload":{"value":{"rpm":900}}}`,
		`{"t":"reply","id":9,"err":"not_found","msg":"\u0041\n"}`, `{"t":"reply","id":9,"ok":[1,"}",{"]":null}]}`,
		`{"t":"snap","seq":1,"last":true,"topic":"a","sub":"5","data":-1e9}`, `{"t":"event","seq":2,"sub":"5"}`,
		" {\"\\u0074\" :\t\"ping\" , \"x\":\"\\\\\\\"\" }\r\n", `["ping"]`, `{}`, `{"t":"ping","t":"ping"}`,
	} {
		f.Add([]byte(seed))
	}
	var d Decoder // its state must not leak from one frame into the next
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got, ok := d.Decode(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if !ok {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil || !utf8.Valid(data) {
			t.Fatalf("took %q: %v", data, err)
		}
		var kindOf, topic string
		if err := json.Unmarshal(members["t"], &kindOf); err != nil || string(got.Kind) != kindOf {
			t.Fatalf("%q: kind %q, want %q", data, got.Kind, kindOf)
		}
		if raw := members["topic"]; raw != nil && (json.Unmarshal(raw, &topic) != nil || got.Topic != topic) {
			t.Fatalf("%q: topic %q, want %q", data, got.Topic, topic)
		}
		if raw := members["params"]; !IsNull(raw) && !bytes.Equal(got.Params, raw) {
			t.Fatalf("%q: params %s, want %s", data, got.Params, raw)
		}
	})
}

// FuzzEvent checks that an event is one line, decodes to the same values, and has no
// escape where upstream refuses one.
func FuzzEvent(f *testing.F) {
	f.Add("attic.co2", `{"ppm":1}`)
	f.Add("a&b<c>\u2028", "{\"a\":\n\"\\u2028\"}")
	f.Add("\u00fc::\u4e16", `null`)
	f.Fuzz(func(t *testing.T, topic, value string) {
		if !IsPlain(topic) || topic == "" || !ValidJSON([]byte(value)) {
			return
		}
		var w FrameWriter
		line := bytes.Clone(w.Event("5", 1<<63, topic, []byte(value)))
		if bytes.ContainsAny(line, "\r\n") {
			t.Fatalf("more than one line: %q", line)
		}
		if !bytes.Contains(line, []byte(topic)) {
			t.Fatalf("the topic %q is escaped in %q", topic, line)
		}
		got, ok := new(Decoder).Decode(line)
		if !ok || got.Kind != KindEvent || got.Topic != topic || got.Sub != "5" || got.Seq != 1<<63 {
			t.Fatalf("%q is read as %+v", line, got)
		}
	})
}
