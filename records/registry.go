package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
	"github.com/aimdb-go/aimdb/key"
)

// RegistryOptions configure a registry.
type RegistryOptions struct {
	// Logger gets the failures of stages and values that cannot be encoded or
	// decoded. Nil discards them.
	Logger *slog.Logger
	// Now is the clock for write times; nil is time.Now. It is called with the
	// lock of a record held and must not use the registry.
	Now func() time.Time
	// Grace is how long stages may process what is left when Run ends. 0 means
	// 5 seconds.
	Grace time.Duration
}

// defaultGrace replaces a Grace of 0.
const defaultGrace = 5 * time.Second

// Registry holds the records of one database and the graph between them. It is
// safe for concurrent use.
type Registry struct {
	options  RegistryOptions
	encoders sync.Pool

	mu      sync.RWMutex
	records []*Untyped
	byName  map[string]*Untyped // by the normalized key
	// adding are the names of records that OnAdd is told of: Lookup does not find them
	// yet.
	adding map[string]*Untyped
	// shapes are those of the types of the records.
	shapes map[reflect.Type]*jsonshape.Shape
	feeds  []*Feed
	stages []*stage
	// added are the functions of OnAdd.
	added map[*func(*Untyped)]struct{}
	// invalid are the errors of declarations, which Build repeats.
	invalid []error
	// order has the inputs of a stage before its output. Build sets it.
	order []*Untyped
	// producers and readers are the stages of each record, made by Build.
	producers, readers map[*Untyped][]*stage

	built, running, closed, migrates bool
}

// Migrates reports whether any record has migrations.
func (r *Registry) Migrates() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.migrates
}

// NewRegistry returns an empty registry.
func NewRegistry(o RegistryOptions) *Registry {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	return &Registry{
		options:   o,
		encoders:  sync.Pool{New: func() any { return jsonshape.NewEncoder() }},
		byName:    make(map[string]*Untyped),
		shapes:    make(map[reflect.Type]*jsonshape.Shape),
		producers: make(map[*Untyped][]*stage),
		readers:   make(map[*Untyped][]*stage),
	}
}

// Register adds a record. It returns an error for a key that breaks the grammar or
// has the segments of another key, and for a configuration that contradicts itself.
// After Build or Run it returns ErrRunning.
func Register[T any](r *Registry, key string, c Config) (*Record[T], error) {
	return register[T](r, key, c)
}

func register[T any](r *Registry, key string, c Config) (*Record[T], error) {
	record, err := newRecord[T](r, key, c)
	if err == nil {
		err = r.add(&record.untyped)
	}
	if err != nil {
		return nil, registerError(key, err)
	}
	return record, nil
}

func registerError(key string, err error) error {
	return fmt.Errorf("register record %q: %w", key, err)
}

func newRecord[T any](r *Registry, name string, c Config) (*Record[T], error) {
	k, err := key.Parse(name)
	if err != nil {
		return nil, err
	}
	if c, err = c.checked(); err != nil {
		return nil, err
	}
	if err := checkSize[T](c.Capacity); err != nil {
		return nil, err
	}
	if err := checkMigrations[T](c.Migrations); err != nil {
		return nil, err
	}
	signal, err := signalFrom[T](c)
	if err != nil {
		return nil, err
	}
	valid, err := validateFrom[T](c)
	if err != nil {
		return nil, err
	}
	ownTime, err := eventTimeFrom[T](c)
	if err != nil {
		return nil, err
	}
	shape := r.shapeOf(reflect.TypeFor[T]())
	if c.Logged || c.Remote {
		if err := checkEncodable[T](r, shape); err != nil {
			return nil, err
		}
	}
	record := &Record[T]{signal: signal, valid: valid, ownTime: ownTime}
	u := &record.untyped
	u.registry, u.key, u.config, u.typed, u.shape = r, k, c, record, shape
	u.capacity, u.wakeAt = c.Capacity, never
	u.ackNeeds = c.Lossless
	if c.Logged {
		u.ackNeeds = append(slices.Clone(c.Lossless), LogReader)
	}
	u.trackReads = c.Kind == Mailbox || c.Logged || len(c.Lossless) > 0
	if c.Logged || c.Timestamps {
		u.times = []int64{}
	}
	if len(c.Lossless) > 0 {
		u.attached = make([]bool, len(c.Lossless))
	}
	if signal != nil {
		u.signal = &signalMeter{current: SignalStats{Signal: signal.Name, Unit: signal.Unit}}
	}
	return record, record.begin()
}

// shapeOf returns the shape of a type, which all records of the type share.
func (r *Registry) shapeOf(t reflect.Type) *jsonshape.Shape {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, known := r.shapes[t]
	if !known {
		s = jsonshape.Of(t)
		r.shapes[t] = s
	}
	return s
}

// checkEncodable returns an error for a type that JSON can never carry, such as one
// with a channel. Errors of single values show when they are encoded.
func checkEncodable[T any](r *Registry, shape *jsonshape.Shape) error {
	_, err := r.encode(new(T), shape)
	var unsupported *json.UnsupportedTypeError
	if errors.As(err, &unsupported) {
		return fmt.Errorf("JSON cannot carry %v (%w); give it a MarshalJSON method, or neither log nor serve the record", reflect.TypeFor[T](), err)
	}
	return nil
}

// add registers a record before Build.
func (r *Registry) add(u *Untyped) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.built && !r.closed {
		return fmt.Errorf("%w; register all records before", ErrRunning)
	}
	if err := r.reserve(u); err != nil {
		return err
	}
	r.insert(u)
	return nil
}

// reserve gives a record an ID, unless its segments are taken. The caller holds the
// lock.
func (r *Registry) reserve(u *Untyped) error {
	if r.closed {
		return ErrClosed
	}
	name := key.Normalize(u.key.String())
	other, taken := r.byName[name]
	if !taken {
		other, taken = r.adding[name]
	}
	switch {
	case taken && other.key == u.key:
		return errors.New("it is already registered")
	case taken:
		return fmt.Errorf("%q has the same segments; choose another key", other.key)
	}
	u.id = int32(len(r.records))
	r.records = append(r.records, u)
	return nil
}

// insert makes a record visible that has an ID. The caller holds the lock.
func (r *Registry) insert(u *Untyped) {
	r.byName[key.Normalize(u.key.String())] = u
	r.migrates = r.migrates || len(u.config.Migrations) > 0
	if r.built {
		r.order = append(r.order, u)
	}
}

// Lookup returns the record with a key, in this or another spelling of its
// segments.
func (r *Registry) Lookup(name string) (*Untyped, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	u, ok := r.byName[key.Normalize(name)]
	return u, ok
}

// Records returns all records in the order of registration.
func (r *Registry) Records() []*Untyped {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.records)
}

// Close ends readers once they have read what is kept, feeds once they have taken
// it, and producers that wait: all return ErrClosed then. Call it after Run has
// returned and the feeds have taken what is left.
func (r *Registry) Close() {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.closed = true
	all, feeds := slices.Clone(r.records), slices.Clone(r.feeds)
	r.mu.Unlock()
	for _, u := range all {
		u.close()
	}
	for _, f := range feeds {
		f.end()
	}
}

// adopt makes Close end a feed.
func (r *Registry) adopt(f *Feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeds = append(r.feeds, f)
	if r.closed {
		f.closed = true
	}
}

// release removes a feed that was closed. The gateway has one for each wildcard
// subscription.
func (r *Registry) release(f *Feed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.feeds, f); i >= 0 {
		r.feeds = slices.Delete(r.feeds, i, i+1)
	}
}

// started reports whether Run has been called.
func (r *Registry) started() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.running
}
