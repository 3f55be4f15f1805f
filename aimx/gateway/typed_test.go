package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

func TestTypedCalls(t *testing.T) {
	h := open(t)
	c := dial(t, h.socket)
	h.door.Produce(reading{PPM: 4})
	if v, err := aimx.Get[reading](soon(t), c, "attic.door"); err != nil || v.PPM != 4 {
		t.Errorf("got %+v, %v", v, err)
	}
	var wrong *aimx.DecodeError
	if _, err := aimx.Get[int](soon(t), c, "attic.door"); !errors.As(err, &wrong) || wrong.Record != "attic.door" {
		t.Errorf("got %v", err)
	}
	if _, err := aimx.Get[int](soon(t), c, "none"); !refusedWith(err, aimx.CodeNotFound) {
		t.Errorf("got %v", err)
	}

	h.history.rows = []history.Row{
		{ID: 1, Record: "accuracy::vienna", Time: 7, Value: []byte(`{"ppm":1}`)},
		{ID: 2, Record: "accuracy::vienna", Time: 8, Value: []byte(`[]`)},
		{ID: 3, Record: "accuracy::vienna", Time: 9, Value: []byte(`{"ppm":3}`)},
	}
	var got []string
	for row, err := range aimx.Query[reading](soon(t), c, "#", 3, history.Window{}) {
		got = append(got, fmt.Sprintf("%s %d %d %v", row.Record, row.Time, row.Value.PPM, errors.As(err, &wrong)))
	}
	if want := []string{"accuracy::vienna 7 1 false", "accuracy::vienna 8 0 true", "accuracy::vienna 9 3 false"}; !slices.Equal(got, want) {
		t.Errorf("queried %q, want %q", got, want)
	}
	for _, err := range aimx.Query[reading](soon(t), c, "#", -1, history.Window{}) {
		if err == nil {
			t.Error("a negative limit is no error")
		}
	}
}

func TestTypedSubscription(t *testing.T) {
	h := open(t)
	c := dial(t, h.socket)
	h.door.Produce(reading{PPM: 1})
	want := 1
	for e, err := range aimx.Subscribe[reading](soon(t), c, "attic.door") {
		if err != nil || e.Record != "attic.door" || e.Value.PPM != want || e.Lost != 0 {
			t.Fatalf("got %+v, %v, want %d", e, err, want)
		}
		if want++; want > 3 {
			break
		}
		h.door.Produce(reading{PPM: want})
	}
	for _, err := range aimx.Subscribe[int](soon(t), c, "attic.door") {
		if wrong := (*aimx.DecodeError)(nil); !errors.As(err, &wrong) {
			t.Errorf("got %v", err)
		}
		break
	}
	for _, err := range aimx.Subscribe[int](soon(t), c, "none") {
		if !refusedWith(err, aimx.CodeNotFound) {
			t.Errorf("got %v", err)
		}
	}
}
