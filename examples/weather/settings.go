package weather

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Settings is the value of record hub.settings, which may be set while the hub
// runs. It is persisted and survives a restart.
type Settings struct {
	// ToleranceCelsius is the largest absolute error of a forecast that is
	// within tolerance. ForecastValidation.WithinTolerance uses the value at the
	// time of the validation; a page applies the present one to all validations.
	ToleranceCelsius float64 `json:"tolerance_celsius"`
}

// DefaultSettings returns the settings of a new hub.
func DefaultSettings() Settings { return Settings{ToleranceCelsius: 2} }

// UnmarshalJSON implements json.Unmarshaler. It refuses a tolerance that is
// absent, negative or over 100 °C.
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
