package records_test

import (
	"context"
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
		declare func(r *records.Registry, a, b, c *records.Record[int])
		tells   []string
	}{
		"cycle": {func(_ *records.Registry, a, b, c *records.Record[int]) {
			records.Map(a, b, same)
			records.Map(b, c, same)
			records.Map(c, a, same)
		}, []string{`"a" -> "b" -> "c" -> "a"`}},
		"itself": {func(_ *records.Registry, a, _, _ *records.Record[int]) { records.Map(a, a, same) }, []string{`"a" -> "a"`}},
		"two producers": {func(_ *records.Registry, a, b, c *records.Record[int]) {
			records.Map(a, c, same)
			records.Map(b, c, same)
		}, []string{`"c"`, `"a"`, `"b"`, "2 producers"}},
		"unknown input": {func(_ *records.Registry, a, _, _ *records.Record[int]) {
			other := records.NewRegistry(records.RegistryOptions{})
			far, _ := records.Register[int](other, "far", ring(1))
			records.Map(far, a, same)
		}, []string{`"far"`, `"a"`, "unknown"}},
		"nil input": {func(_ *records.Registry, a, _, _ *records.Record[int]) { records.Map(nil, a, same) }, []string{`"a"`, "input is nil"}},
		"nil functions": {func(_ *records.Registry, a, b, c *records.Record[int]) {
			a.Tap(nil)
			records.Map[int](a, b, nil)
			records.Source(c, nil)
			records.Join(c, nil)
			records.Join2(a, nil, c, func() (x, y records.TransformFunc[int, int]) {
				return func(context.Context, int, func(int) error) error { return nil }, nil
			})
			records.Join(b, func(*records.Inputs[int]) {})
		}, []string{`tap of record "a"`, `into record "b"`, `source of record "c"`, `join`, "nil", "no input"}},
		"nobody reads": {func(r *records.Registry, _, _, _ *records.Record[int]) {
			_, _ = records.Register[int](r, "d", records.Config{Kind: records.Ring, Capacity: 1, Lossless: []string{records.StageReaders}})
		}, []string{`"d"`, "no stage"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := records.NewRegistry(records.RegistryOptions{})
			defer r.Close()
			row.declare(r, register[int](t, r, "a", ring(1)), register[int](t, r, "b", ring(1)), register[int](t, r, "c", ring(1)))
			err := r.Build()
			if err == nil {
				t.Fatal("it was built")
			}
			for _, want := range row.tells {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not tell %q: %v", want, err)
				}
			}
			if again := r.Run(t.Context()); again == nil {
				t.Error("it runs")
			}
		})
	}
}

func TestStageAfterBuildIsTold(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	a := register[int](t, r, "a", ring(1))
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	a.Tap(func(context.Context, int) {}, records.StageName("late"))
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "late") {
		t.Errorf("got %v", err)
	}
}

func TestGraph(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	c := register[int](t, r, "c", logged(3))
	a := register[int](t, r, "a", ring(2))
	b := register[int](t, r, "b", records.Config{Kind: records.Latest})
	records.Source(a, func(context.Context, func(int) error) error { return nil })
	records.Join2(a, b, c, func() (x, y records.TransformFunc[int, int]) {
		return func(context.Context, int, func(int) error) error { return nil }, func(context.Context, int, func(int) error) error { return nil }
	})
	c.Tap(func(context.Context, int) {})
	c.Tap(func(context.Context, int) {})
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
