package weather

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Settings is what may be changed while the hub runs, as record hub.settings.
// What was set stays, also over a restart.
type Settings struct {
	// ToleranceCelsius is the absolute error up to which a forecast counts
	// as within tolerance. It concerns validations made from then on.
	ToleranceCelsius float64 `json:"tolerance_celsius"`
}

// DefaultSettings is what a hub has until somebody sets something else.
func DefaultSettings() Settings { return Settings{ToleranceCelsius: 2} }

// UnmarshalJSON implements json.Unmarshaler. It refuses what would make every
// later validation meaningless: an absent, negative or absurd tolerance.
func (s *Settings) UnmarshalJSON(text []byte) error {
	var wire struct {
		ToleranceCelsius *float64 `json:"tolerance_celsius"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&wire); err != nil {
		return fmt.Errorf("reading hub settings: %w", err)
	}
	if wire.ToleranceCelsius == nil {
		return fmt.Errorf(`hub settings without a tolerance: write {"tolerance_celsius":2.0}`)
	}
	if t := *wire.ToleranceCelsius; t < 0 || t > 100 {
		return fmt.Errorf("hub settings: a tolerance of %g °C is not between 0 and 100", t)
	}
	s.ToleranceCelsius = *wire.ToleranceCelsius
	return nil
}
