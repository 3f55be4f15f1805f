package records_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// run runs the registry, and returns a function that ends it and returns what
// Run returned.
func run(t *testing.T, r *records.Registry) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	return func() error {
		cancel()
		defer r.Close()
		return <-done
	}
}

func TestStagesInARow(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	in := register[int](t, r, "in", ring(200))
	sum := register[int](t, r, "sum", ring(200))
	text := register[string](t, r, "text", ring(200))
	check(t, records.Transform(in, sum, func() records.TransformFunc[int, int] {
		total := 0
		return func(_ context.Context, v int, emit func(int) error) error {
			if total += v; v%2 == 0 {
				return nil
			}
			return emit(total)
		}
	}))
	check(t, records.Map(sum, text, func(v int) string { return fmt.Sprint(v) }))
	var got []string
	check(t, text.Tap(func(_ context.Context, v string) { got = append(got, v) }, records.StageName("collect")))
	in.Produce(1) // before Run
	stop := run(t, r)
	for v := 2; v <= 5; v++ {
		in.Produce(v)
	}
	if err := stop(); err != nil { // after what is left was processed
		t.Fatal(err)
	}
	if want := []string{"1", "6", "15"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	m := text.Untyped().Metrics()
	if len(m.Stages) != 2 || m.Stages[0].Type != "transform" || m.Stages[1].Name != "collect" || m.Stages[1].Calls != 3 {
		t.Errorf("stages: %+v", m.Stages)
	}
	if m.Producers != 1 || m.Consumers != 1 {
		t.Errorf("metrics: %+v", m)
	}
}

func TestJoin(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	numbers := register[int](t, r, "numbers", ring(100))
	words := register[string](t, r, "words", ring(100))
	out := register[string](t, r, "out", ring(300))
	check(t, records.Join2(numbers, words, out, func() (records.TransformFunc[int, string], records.TransformFunc[string, string]) {
		last := 0
		return func(_ context.Context, v int, _ func(string) error) error {
				last = v
				return nil
			}, func(_ context.Context, v string, emit func(string) error) error {
				return emit(fmt.Sprint(v, last))
			}
	}))
	got := out.Subscribe("test")
	defer got.Close()
	stop := run(t, r)
	for v := range 50 {
		numbers.Produce(v)
		words.Produce("w")
	}
	var all []string
	for range 50 {
		v, err := got.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	words.Produce("x")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if all = append(all, drain(got)...); len(all) != 51 || all[50] != "x49" {
		t.Errorf("got %d values: %v", len(all), all)
	}
	if o := out.Untyped().Origin(); o.Kind != "transform_join" || !slices.Equal(o.Inputs, []string{"numbers", "words"}) {
		t.Errorf("origin: %+v", o)
	}
}

func TestSourceRestartsWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := records.NewRegistry(records.RegistryOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		record := register[int](t, r, "a", ring(10))
		var starts []time.Duration
		begin := time.Now()
		check(t, records.Source(record, func(ctx context.Context, emit func(int) error) error {
			starts = append(starts, time.Since(begin))
			switch len(starts) {
			case 1:
				panic("boom")
			case 2, 3:
				return errors.New("no connection")
			case 4:
				return errors.Join(emit(1), errors.New("lost connection"))
			}
			<-ctx.Done()
			return ctx.Err()
		}, records.StageBackoff(time.Second, 10*time.Second)))
		stop := run(t, r)
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if len(starts) != 5 {
			t.Fatalf("started at %v", starts)
		}
		for i, longest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, time.Second} {
			if pause := starts[i+1] - starts[i]; pause > longest || pause < longest*3/4 {
				t.Errorf("pause %d was %v, want about %v", i, pause, longest)
			}
		}
		if m := record.Untyped().Metrics(); m.Stages[0].Failures != 4 || m.Stages[0].Calls != 0 {
			t.Errorf("stages: %+v", m.Stages)
		}
		for _, want := range []string{"boom", "stage_test.go", "no connection", "record=a"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not tell %q:\n%s", want, &log)
			}
		}
	})
}

func TestTapGoesOnAfterPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		record := register[int](t, r, "a", ring(10))
		var bad, good []int
		check(t, record.Tap(func(_ context.Context, v int) {
			if v%2 == 0 {
				panic("even")
			}
			bad = append(bad, v)
		}))
		check(t, record.Tap(func(_ context.Context, v int) { good = append(good, v) }))
		stop := run(t, r)
		begin := time.Now()
		for v := range 4 {
			record.Produce(v)
		}
		synctest.Wait()
		if !slices.Equal(bad, []int{1, 3}) || !slices.Equal(good, []int{0, 1, 2, 3}) {
			t.Errorf("got %v and %v", bad, good)
		}
		if time.Since(begin) != 0 {
			t.Error("a single bad value held up the tap")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTransformIsFreshAfterFailure(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	in, out := register[int](t, r, "in", ring(10)), register[int](t, r, "out", ring(10))
	check(t, records.Transform(in, out, func() records.TransformFunc[int, int] {
		count := 0
		return func(_ context.Context, v int, emit func(int) error) error {
			if v < 0 {
				return errors.New("negative")
			}
			count++
			return emit(count)
		}
	}))
	got := out.Subscribe("test")
	defer got.Close()
	for _, v := range []int{1, 1, -1, 1} {
		in.Produce(v)
	}
	if err := run(t, r)(); err != nil {
		t.Fatal(err)
	}
	if all := drain(got); !slices.Equal(all, []int{1, 2, 1}) {
		t.Errorf("got %v", all)
	}
}

func TestFailEndsRun(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[int](t, r, "a", ring(10))
	check(t, record.Tap(func(context.Context, int) { panic("boom") }, records.StagePolicy(records.Fail), records.StageName("fragile")))
	record.Produce(1)
	err := r.Run(t.Context())
	var failed *records.StageError
	if !errors.As(err, &failed) || failed.Stage != "fragile" || failed.Record != "a" || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
}

func TestGraceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := records.NewRegistry(records.RegistryOptions{Grace: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		record := register[int](t, r, "a", ring(10))
		check(t, record.Tap(func(ctx context.Context, _ int) { <-ctx.Done() }, records.StageName("stuck")))
		stop := run(t, r)
		record.Produce(1)
		record.Produce(2)
		synctest.Wait()
		begin := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("Run took %v to end", d)
		}
		if !strings.Contains(log.String(), "stuck") {
			t.Errorf("the log does not name the stage:\n%s", &log)
		}
	})
}

func TestStagesAndRefill(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	var seen [2][]int
	for i, eager := range []bool{true, false} {
		c := logged(5)
		c.RefillStages = eager
		record := register[int](t, r, fmt.Sprintf("eager.%v", eager), c)
		check(t, record.Tap(func(_ context.Context, v int) { seen[i] = append(seen[i], v) }))
		record.Produce(2)
		if _, err := record.Untyped().Refill([]records.Stored{{Time: 1, Value: json.RawMessage("1")}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t, r)(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen[0], []int{1, 2}) || !slices.Equal(seen[1], []int{2}) {
		t.Errorf("seen: %v", seen)
	}
}

func TestSignal(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	c := ring(2)
	c.Signal = &records.SignalOf[[]float64]{Name: "celsius", Unit: "°C", Value: func(v []float64) float64 { return v[0] }}
	record := register[[]float64](t, r, "a", c)
	for _, v := range []float64{3, 1, 8} {
		record.Produce([]float64{v})
	}
	record.Produce(nil) // the function panics
	s := record.Untyped().Metrics().Signal
	if want := (records.SignalStats{Signal: "celsius", Unit: "°C", Count: 3, Invalid: 1, Last: 8, Min: 1, Max: 8, Mean: 4}); s == nil || *s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	record.Untyped().ResetMetrics()
	if m := record.Untyped().Metrics(); m.Signal != nil || m.Produced != 0 || record.Untyped().Produced() != 4 {
		t.Errorf("after a reset: %+v", m)
	}
}

// TestJoinIsFreshAfterFailure also has a join that changes its inputs.
func TestJoinIsFreshAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := records.NewRegistry(records.RegistryOptions{})
		in, out, never := register[int](t, r, "in", ring(10)), register[int](t, r, "out", ring(10)), register[int](t, r, "never", ring(10))
		check(t, records.Join(out, func(inputs *records.Inputs[int]) {
			count := 0
			records.On(inputs, in, func(_ context.Context, v int, emit func(int) error) error {
				if v < 0 {
					panic("negative")
				}
				count++
				return emit(count)
			})
		}))
		declared := false
		check(t, records.Join(never, func(inputs *records.Inputs[int]) {
			fn := func(context.Context, int, func(int) error) error { return nil }
			if declared {
				records.On(inputs, out, fn)
				return
			}
			declared = true
			records.On(inputs, in, fn)
		}))
		got := out.Subscribe("test")
		defer got.Close()
		for _, v := range []int{1, 1, -1, 1} {
			in.Produce(v)
		}
		stop := run(t, r)
		synctest.Wait()
		if all := drain(got); !slices.Equal(all, []int{1, 2, 1}) {
			t.Errorf("got %v", all)
		}
		if s := never.Untyped().Metrics().Stages; s[0].Failures == 0 {
			t.Error("a join that changed its inputs did not fail")
		}
		in.Produce(1)
		never.Produce(1)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
