package weather

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb"
)

// hub holds the records of one run and the state that its stages share.
type hub struct {
	options  Options
	logger   *slog.Logger
	db       *aimdb.DB
	cities   []*City
	steps    *aimdb.Record[Step]
	settings *aimdb.Record[Settings]
	about    *aimdb.Record[About]
	progress *progress
	// greeted is closed after the greeting, so that the messages of the source
	// follow it.
	greeted chan struct{}
	// plan is set by the source before it emits the first step.
	plan atomic.Pointer[Plan]
	// next is the index of the next step of the plan. Only the source uses it. It
	// outlives a restart of the source.
	next int
}

// newHub registers the records and the stages.
func newHub(db *aimdb.DB, cities []*City, o Options) (*hub, error) {
	h := &hub{options: o, logger: o.Logger, db: db, cities: cities, progress: newProgress(), greeted: make(chan struct{})}
	var failed, err error
	h.settings, err = aimdb.Register[Settings](db, "hub.settings",
		aimdb.Latest(), aimdb.Persist(), aimdb.Remote(), aimdb.Writable(), aimdb.Initial(DefaultSettings()))
	failed = errors.Join(failed, err)
	h.about, err = aimdb.Register[About](db, "hub.about", aimdb.Latest(), aimdb.Remote())
	failed = errors.Join(failed, err)
	h.steps, err = aimdb.Register[Step](db, "hub.steps", aimdb.Ring(16), aimdb.Lossless(aimdb.StageReaders))
	if failed = errors.Join(failed, err); failed != nil {
		return nil, failed
	}
	for _, c := range cities {
		if err := h.add(c); err != nil {
			return nil, err
		}
	}
	if err := aimdb.Source(h.steps, h.produce); err != nil {
		return nil, err
	}
	h.about.Produce(describe(cities, o.Pace))
	return h, nil
}

// add registers the records and transforms of a city.
func (h *hub) add(c *City) error {
	temp, err := aimdb.Register[Temperature](h.db, "temp::"+c.Key,
		aimdb.Ring(100), aimdb.Remote(), aimdb.Lossless(aimdb.StageReaders),
		aimdb.Signal("celsius", "°C", func(t Temperature) float64 { return t.Celsius }))
	if err != nil {
		return err
	}
	options := []aimdb.RecordOption{
		aimdb.Ring(500), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless(aimdb.LogReader),
		aimdb.Signal("error", "°C", func(v ForecastValidation) float64 { return v.ErrorCelsius }),
		aimdb.EventTime(func(v ForecastValidation) time.Time { return v.ValidAt }),
	}
	accuracy, err := aimdb.Register[ForecastValidation](h.db, "accuracy::"+c.Key, options...)
	if err != nil {
		return err
	}
	return errors.Join(
		aimdb.Transform(h.steps, temp, pick(c.Key)),
		aimdb.Transform(temp, accuracy, h.validate(c)))
}

// pick emits the values of one city from the steps.
func pick(city string) func() aimdb.TransformFunc[Step, Temperature] {
	return func() aimdb.TransformFunc[Step, Temperature] {
		return func(_ context.Context, s Step, emit func(Temperature) error) error {
			if t, ok := s.Value(city); ok {
				return emit(t)
			}
			return nil
		}
	}
}

// validate emits the validations of a city that history lacks. Its first
// observation builds the state from all earlier ones, so that the state is the
// same after a failure and after a restart.
func (h *hub) validate(c *City) func() aimdb.TransformFunc[Temperature, ForecastValidation] {
	return func() aimdb.TransformFunc[Temperature, ForecastValidation] {
		var validator *Validator
		return func(_ context.Context, t Temperature, emit func(ForecastValidation) error) error {
			defer h.progress.reached(c.Key, t.ValidAt)
			if validator == nil {
				validator = c.ValidatorAt(t.ValidAt, h.tolerance)
			}
			mark := h.plan.Load().Marks[c.Key]
			for _, v := range validator.Observe(t) {
				if !mark.Before(v) {
					continue
				}
				if err := emit(v); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

func (h *hub) tolerance() float64 {
	s, _ := h.settings.Latest() // the initial value exists from the start
	return s.ToleranceCelsius
}
