package records_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/records"
)

func TestRegisterRefuses(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	register[int](t, r, "a::b", ring(1))
	for _, row := range []struct {
		key    string
		config records.Config
		tells  string
	}{
		{"a b", ring(1), "a b"},
		{"a::b", ring(1), "already"},
		{"a.b", ring(1), "a::b"},
		{"c", ring(0), "capacity 0"},
		{"c", ring(-1), "capacity -1"},
		{"c", ring(math.MaxInt), "too large"},
		{"c", records.Config{Kind: records.Latest, Capacity: 2}, "capacity 2"},
		{"c", records.Config{Kind: 9}, "kind"},
		{"c", records.Config{Kind: records.Latest, Durable: true}, "durable"},
		{"c", records.Config{Kind: records.Latest, Lossless: []string{records.LogReader}}, "log"},
		{"c", records.Config{Kind: records.Latest, Lossless: []string{""}}, "without a name"},
		{"c", records.Config{Kind: records.Latest, Signal: 1}, "signal"},
		{"c", records.Config{Kind: records.Latest, Signal: &records.SignalOf[string]{}}, "signal"},
		{"c", records.Config{Kind: records.Latest, Signal: &records.SignalOf[int]{Name: "n"}}, "function"},
	} {
		_, err := records.Register[int](r, row.key, row.config)
		if err == nil || !strings.Contains(err.Error(), row.tells) || !strings.Contains(err.Error(), row.key) {
			t.Errorf("%q with %+v: %v", row.key, row.config, err)
		}
	}
	if _, err := records.Register[[1 << 20]byte](r, "big", ring(1<<20)); err == nil || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("a ring of a TiB: %v", err)
	}
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	if _, err := records.Register[int](r, "late", ring(1)); err == nil || !strings.Contains(err.Error(), "late") {
		t.Errorf("registered after Build: %v", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	same := func(v int) int { return v }
	for name, row := range map[string]struct {
		declare func(r *records.Registry, a, b, c *records.Record[int]) error
		tells   []string
	}{
		"cycle": {func(_ *records.Registry, a, b, c *records.Record[int]) error {
			return errors.Join(records.Map(a, b, same), records.Map(b, c, same), records.Map(c, a, same))
		}, []string{`"a" -> "b" -> "c" -> "a"`}},
		"itself": {func(_ *records.Registry, a, _, _ *records.Record[int]) error { return records.Map(a, a, same) }, []string{`"a" -> "a"`}},
		"two producers": {func(_ *records.Registry, a, b, c *records.Record[int]) error {
			return errors.Join(records.Map(a, c, same), records.Map(b, c, same))
		}, []string{`"c"`, `"a"`, `"b"`, "2 producers"}},
		"nobody reads": {func(r *records.Registry, _, _, _ *records.Record[int]) error {
			_, err := records.Register[int](r, "d", records.Config{Kind: records.Ring, Capacity: 1, Lossless: []string{records.StageReaders}})
			return err
		}, []string{`"d"`, "no stage"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := records.NewRegistry(records.RegistryOptions{})
			defer r.Close()
			check(t, row.declare(r, register[int](t, r, "a", ring(1)), register[int](t, r, "b", ring(1)), register[int](t, r, "c", ring(1))))
			doesNotBuild(t, r, row.tells...)
		})
	}
}

// doesNotBuild checks the text of the error of Build, and that nothing runs.
func doesNotBuild(t *testing.T, r *records.Registry, tells ...string) {
	t.Helper()
	err := r.Build()
	if err == nil {
		t.Fatal("it was built")
	}
	for _, want := range tells {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q: %v", want, err)
		}
	}
	if again := r.Run(t.Context()); again == nil {
		t.Error("it runs")
	}
}

// TestDeclarationRefuses has every argument of every kind of stage nil: the
// declaration names it, and Build fails for a caller who ignores the error.
func TestDeclarationRefuses(t *testing.T) {
	type record = records.Record[int]
	same := func(v int) int { return v }
	fn := func(context.Context, int, func(int) error) error { return nil }
	start := func() records.TransformFunc[int, int] { return fn }
	start2 := func() (x, y records.TransformFunc[int, int]) { return fn, fn }
	for _, row := range []struct {
		name    string
		declare func(a, b *record) error
		tells   string
	}{
		{"tap", func(a, _ *record) error { return a.Tap(nil) }, `tap of record "a": argument fn is nil`},
		{"tap of nothing", func(*record, *record) error { return (*record)(nil).Tap(func(context.Context, int) {}) }, "tap: argument record is nil"},
		{"tap with an option", func(a, _ *record) error { return a.Tap(func(context.Context, int) {}, nil) }, "argument opts is nil"},
		{"named tap", func(a, _ *record) error { return a.Tap(nil, records.StageName("mine")) }, `tap "mine" of record "a"`},
		{"source", func(a, _ *record) error { return records.Source(a, nil) }, `source of record "a": argument fn is nil`},
		{"source of nothing", func(*record, *record) error {
			return records.Source(nil, func(context.Context, func(int) error) error { return nil })
		}, "source: argument out is nil"},
		{"map", func(a, b *record) error { return records.Map[int, int](a, b, nil) }, `of record "b": argument fn is nil`},
		{"map from nothing", func(_, b *record) error { return records.Map(nil, b, same) }, `of record "b": argument in is nil`},
		{"map to nothing", func(a, _ *record) error { return records.Map[int, int](a, nil, same) }, `of record "a": argument out is nil`},
		{"transform", func(a, b *record) error { return records.Transform[int, int](a, b, nil) }, "argument start is nil"},
		{"transform from nothing", func(_, b *record) error { return records.Transform(nil, b, start) }, "argument in is nil"},
		{"transform to nothing", func(a, _ *record) error { return records.Transform(a, nil, start) }, "argument out is nil"},
		{"join", func(_, b *record) error { return records.Join(b, nil) }, `transform_join of record "b": argument start is nil`},
		{"join to nothing", func(*record, *record) error { return records.Join(nil, func(*records.Inputs[int]) {}) }, "argument out is nil"},
		{"join of nothing", func(_, b *record) error { return records.Join(b, func(*records.Inputs[int]) {}) }, "no input"},
		{"join from nil", func(_, b *record) error {
			return records.Join(b, func(in *records.Inputs[int]) {
				if err := records.On[int](in, nil, fn); err == nil || !strings.Contains(err.Error(), "argument record") {
					t.Errorf("On with no record: %v", err)
				}
			})
		}, "argument record of input 0 is nil"},
		{"join without a function", func(a, b *record) error {
			return records.Join(b, func(in *records.Inputs[int]) { _ = records.On[int](in, a, nil) })
		}, `argument fn of input "a" is nil`},
		{"join2", func(a, b *record) error { return records.Join2[int, int](a, b, b, nil) }, "argument start is nil"},
		{"join2 without a", func(a, b *record) error { return records.Join2((*record)(nil), a, b, start2) }, "argument a is nil"},
		{"join2 without b", func(a, b *record) error { return records.Join2(a, (*record)(nil), b, start2) }, "argument b is nil"},
		{"join2 to nothing", func(a, b *record) error { return records.Join2(a, b, (*record)(nil), start2) }, "argument out is nil"},
		{"join2 without a function", func(a, b *record) error {
			return records.Join2(a, a, b, func() (x, y records.TransformFunc[int, int]) { return fn, nil })
		}, `argument fn of input "a" is nil`},
		{"unknown input", func(a, _ *record) error {
			far := register[int](t, records.NewRegistry(records.RegistryOptions{}), "far", ring(1))
			return records.Map(far, a, same)
		}, `of record "a": its input "far" is unknown`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := records.NewRegistry(records.RegistryOptions{})
			defer r.Close()
			a, b := register[int](t, r, "a", ring(1)), register[int](t, r, "b", ring(1))
			err := row.declare(a, b)
			if err == nil || !strings.Contains(err.Error(), row.tells) {
				t.Fatalf("declared: %v, want %q", err, row.tells)
			}
			if n := a.Untyped().Metrics().Readers + b.Untyped().Metrics().Readers; n != 0 {
				t.Errorf("%d readers stay behind", n)
			}
			if slices.Contains([]string{"tap of nothing", "source of nothing", "join to nothing"}, row.name) {
				return // no record, so no registry that could fail
			}
			doesNotBuild(t, r, row.tells)
		})
	}
	if err := records.On(nil, register[int](t, records.NewRegistry(records.RegistryOptions{}), "a", ring(1)), records.TransformFunc[int, int](fn)); err == nil || !strings.Contains(err.Error(), "argument in is nil") {
		t.Errorf("On without inputs: %v", err)
	}
}

// TestDeclaredTooLate declares each kind of stage while the registry runs. The
// error is always the same, and nothing changes.
func TestDeclaredTooLate(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	a, b := register[int](t, r, "a", ring(1)), register[int](t, r, "b", ring(1))
	fn := func(context.Context, int, func(int) error) error { return nil }
	declarations := map[string]func() error{
		"tap":       func() error { return a.Tap(func(context.Context, int) {}, records.StageName("late")) },
		"nil tap":   func() error { return a.Tap(nil, records.StageName("late")) },
		"source":    func() error { return records.Source(a, func(context.Context, func(int) error) error { return nil }) },
		"map":       func() error { return records.Map(a, b, func(v int) int { return v }) },
		"transform": func() error { return records.Transform(a, b, func() records.TransformFunc[int, int] { return fn }) },
		"join": func() error {
			return records.Join(b, func(in *records.Inputs[int]) { check(t, records.On(in, a, fn)) })
		},
		"join2": func() error {
			return records.Join2(a, a, b, func() (x, y records.TransformFunc[int, int]) { return fn, fn })
		},
		"registering": func() error { _, err := records.Register[int](r, "a.late", ring(1)); return err },
	}
	late := func(when string, want error) {
		t.Helper()
		for name, declare := range declarations {
			if err := declare(); !errors.Is(err, want) || !strings.Contains(err.Error(), `"a`) && !strings.Contains(err.Error(), `"b"`) {
				t.Errorf("%s %s: got %v, want %v and the record", name, when, err, want)
			}
		}
		for _, h := range r.Records() {
			if m := h.Metrics(); m.Readers != 0 || m.Consumers != 0 || m.Producers != 0 {
				t.Errorf("%s record %q has a stage: %+v", when, h.Key(), m)
			}
		}
	}
	check(t, r.Build())
	late("after Build", records.ErrRunning)
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan error, 1)
	go func() { running <- r.Run(ctx) }()
	late("beside Run", records.ErrRunning)
	select {
	case err := <-running:
		t.Fatalf("Run ended by itself: %v", err)
	default:
	}
	if err := a.Tap(func(context.Context, int) {}, records.StageName("late")); err == nil || !strings.Contains(err.Error(), `"late"`) || !strings.Contains(err.Error(), "declare all stages before") {
		t.Errorf("the error names neither the stage nor what to do: %v", err)
	}
	cancel()
	if err := <-running; err != nil {
		t.Errorf("Run: %v", err)
	}
	late("after Run", records.ErrRunning)
	r.Close()
	late("after Close", records.ErrClosed)
}

// TestDeclaredBesideRun races a declaration with Run: it is refused, or the
// stage runs.
func TestDeclaredBesideRun(t *testing.T) {
	for range 200 {
		r := records.NewRegistry(records.RegistryOptions{})
		a := register[int](t, r, "a", ring(1))
		a.Produce(1)
		ctx, cancel := context.WithCancel(t.Context())
		running := make(chan error, 1)
		go func() { running <- r.Run(ctx) }()
		seen := make(chan int, 1)
		err := a.Tap(func(_ context.Context, v int) { seen <- v })
		switch {
		case err == nil:
			<-seen
		case !errors.Is(err, records.ErrRunning):
			t.Error(err)
		}
		cancel()
		if failed := <-running; failed != nil {
			t.Fatalf("Run, after a declaration that returned %v: %v", err, failed)
		}
		r.Close()
	}
}

func TestGraph(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	c := register[int](t, r, "c", logged(3))
	a := register[int](t, r, "a", ring(2))
	b := register[int](t, r, "b", records.Config{Kind: records.Latest})
	check(t, records.Source(a, func(context.Context, func(int) error) error { return nil }))
	check(t, records.Join2(a, b, c, func() (x, y records.TransformFunc[int, int]) {
		return func(context.Context, int, func(int) error) error { return nil }, func(context.Context, int, func(int) error) error { return nil }
	}))
	check(t, c.Tap(func(context.Context, int) {}))
	check(t, c.Tap(func(context.Context, int) {}))
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	g := r.Graph()
	wantEdges := []records.Edge{
		{From: "a", To: "c", Type: "transform_join"}, {From: "b", To: "c", Type: "transform_join"},
		{From: "c", Type: "tap"}, {From: "c", Type: "tap", Index: 1}, {To: "a", Type: "source"},
	}
	if !slices.Equal(g.Edges, wantEdges) {
		t.Errorf("edges: %+v", g.Edges)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(g.TopoOrder, want) {
		t.Errorf("order: %v", g.TopoOrder)
	}
	var origins []string
	for _, n := range g.Nodes {
		origins = append(origins, n.Key+" "+n.Origin.Kind)
	}
	if want := []string{"c transform_join", "a source", "b passive"}; !slices.Equal(origins, want) {
		t.Errorf("origins: %v", origins)
	}
	if n := g.Nodes[0]; n.Taps != 2 || !n.Logged || n.Capacity != 3 {
		t.Errorf("node: %+v", n)
	}
	for _, want := range []string{"digraph", `"a" -> "c" [label=transform_join]`, `logged`, `"c" -> tap`} {
		if !strings.Contains(g.DOT(), want) {
			t.Errorf("DOT does not hold %q:\n%s", want, g.DOT())
		}
	}
}

func TestLookup(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	a := register[int](t, r, "temp::vienna", ring(1))
	for _, name := range []string{"temp::vienna", "temp.vienna"} {
		if h, ok := r.Lookup(name); !ok || h != a.Untyped() || h.Key() != "temp::vienna" {
			t.Errorf("lookup of %q failed", name)
		}
	}
	if _, ok := r.Lookup("temp"); ok {
		t.Error("found what is not there")
	}
}
