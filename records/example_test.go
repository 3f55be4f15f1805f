package records_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// A record is registered, read and written.
func Example() {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	temp, err := records.Register[float64](r, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 100})
	if err != nil {
		log.Fatal(err)
	}
	reader := temp.Subscribe("display")
	defer reader.Close()

	temp.Produce(21.5)
	temp.Produce(22)
	for range 2 {
		v, err := reader.Receive(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v)
	}
	// Output:
	// 21.5
	// 22
}

// A reader that is too slow for its ring is told how many values it missed.
func ExampleReader_Missed() {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	temp, err := records.Register[int](r, "temp", records.Config{Kind: records.Ring, Capacity: 2})
	if err != nil {
		log.Fatal(err)
	}
	reader := temp.Subscribe("slow")
	for v := range 5 {
		temp.Produce(v)
	}
	v, _ := reader.TryReceive()
	fmt.Println("got", v, "missed", reader.Missed())
	// Output: got 3 missed 3
}

// A transform keeps what it needs in the closure that start makes.
func ExampleTransform() {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	temp, err := records.Register[float64](r, "temp", records.Config{Kind: records.Ring, Capacity: 10})
	if err != nil {
		log.Fatal(err)
	}
	change, err := records.Register[float64](r, "change", records.Config{Kind: records.Ring, Capacity: 10})
	if err != nil {
		log.Fatal(err)
	}
	err = records.Transform(temp, change, func() records.TransformFunc[float64, float64] {
		last, known := 0.0, false
		return func(_ context.Context, v float64, emit func(float64) error) error {
			defer func() { last, known = v, true }()
			if !known {
				return nil
			}
			return emit(v - last)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := change.Tap(func(_ context.Context, v float64) { fmt.Println(v) }); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	for _, v := range []float64{20, 21.5, 21} {
		temp.Produce(v)
	}
	cancel() // Run processes what is there before it returns
	if err := r.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 1.5
	// -0.5
}

// A join has any number of inputs, each with its own type.
func ExampleJoin() {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	forecast, err := records.Register[float64](r, "forecast", records.Config{Kind: records.Latest})
	if err != nil {
		log.Fatal(err)
	}
	note, err := records.Register[string](r, "note", records.Config{Kind: records.Latest})
	if err != nil {
		log.Fatal(err)
	}
	line, err := records.Register[string](r, "line", records.Config{Kind: records.Ring, Capacity: 10})
	if err != nil {
		log.Fatal(err)
	}
	err = records.Join(line, func(in *records.Inputs[string]) {
		var celsius float64
		records.On(in, forecast, func(_ context.Context, v float64, _ func(string) error) error {
			celsius = v
			return nil
		})
		records.On(in, note, func(_ context.Context, v string, emit func(string) error) error {
			return emit(fmt.Sprintf("%s: %g °C", v, celsius))
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := line.Tap(func(_ context.Context, v string) { fmt.Println(v) }); err != nil {
		log.Fatal(err)
	}
	forecast.Produce(12)
	note.Produce("tomorrow")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: tomorrow: 12 °C
}

// A feed reads many records on one goroutine, as JSON.
func ExampleFeed() {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	for _, city := range []string{"vienna", "graz"} {
		temp, err := records.Register[float64](r, "temp::"+city, records.Config{Kind: records.Ring, Capacity: 10, Logged: true})
		if err != nil {
			log.Fatal(err)
		}
		temp.Produce(20)
	}
	feed := r.NewFeed(records.LogReader, r.Records())
	defer feed.Close()
	items := make([]records.Item, 10)
	n, err := feed.Take(context.Background(), items)
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range items[:n] {
		fmt.Printf("%s %d %s\n", item.Record.Key(), item.Number, item.JSON)
	}
	// Output:
	// temp::vienna 1 20.0
	// temp::graz 1 20.0
}

func ExamplePattern() {
	p, err := key.ParsePattern("accuracy::*")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Match("accuracy::vienna"), p.Match("accuracy.vienna"), p.Match("accuracy"))
	// Output: true true false
}
