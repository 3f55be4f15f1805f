package natsconn_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/natsconn"
)

// weather runs a database with one record, and returns the address of its NATS listener.
func weather(ctx context.Context) (address string, ended <-chan error) {
	db, err := aimdb.New(aimdb.Name("weather"), aimdb.NATS(":0"))
	if err != nil {
		log.Fatal(err)
	}
	temp, err := aimdb.Register[float64](db, "temp::vienna", aimdb.Latest(), aimdb.Remote())
	if err != nil {
		log.Fatal(err)
	}
	temp.Produce(21.5)
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	<-db.Ready()
	return db.Addresses().NATS, done
}

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	address, ended := weather(ctx) // a database that runs in another process

	nc, err := nats.Connect("nats://" + address)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	client, err := natsconn.Dial(ctx, nc, "weather")
	for errors.As(err, new(*aimx.ConnectionError)) { // it may be starting
		time.Sleep(10 * time.Millisecond)
		client, err = natsconn.Dial(ctx, nc, "weather")
	}
	if err != nil {
		log.Fatal(err)
	}
	celsius, err := aimx.Get[float64](ctx, client, "temp::vienna")
	fmt.Println(celsius, err)

	// Without this package, any NATS client can ask:
	answer, err := nc.Request("aimdb.weather.rpc.get.temp.vienna", nil, 10*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.Data))
	if err := client.Close(); err != nil {
		log.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// 21.5 <nil>
	// 21.5
}
