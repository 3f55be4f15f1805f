package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/records"
)

// TestSetLoggedOfAValueThatIsNotLogged: a set that waits for the log fails if the value
// does not get there.
func TestSetLoggedOfAValueThatIsNotLogged(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	v, err := records.Register[int](r, "a", records.Config{Kind: records.Ring, Capacity: 4, Logged: true, Remote: true, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	server := gateway.New(gateway.Config{Registry: r})
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := server.Call(ctx, gateway.Call{Method: "record.set", Params: []byte(`{"name":"a","value":7,"logged":true}`)})
		done <- err
	}()
	for v.Untyped().Metrics().Produced == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	r.Close()
	if err := <-done; err == nil || !strings.Contains(err.Error(), records.ErrClosed.Error()) {
		t.Errorf("the answer is %v, want that the value is not logged", err)
	}
}
