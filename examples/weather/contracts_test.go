package weather

import (
	"encoding/json"
	"testing"
	"time"
)

func TestForecastValidationOnTheWire(t *testing.T) {
	f := Forecast{City: "vienna", Source: "damped-persistence", Celsius: 20.5,
		IssuedAt: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC), ValidAt: time.Date(2025, 7, 1, 6, 0, 0, 0, time.UTC)}
	got, err := json.Marshal(f.Validate(Temperature{City: "vienna", Celsius: 22.1}, 1.6))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"city":"vienna","source":"damped-persistence","forecast_celsius":20.5,"actual_celsius":22.1,` +
		`"error_celsius":-1.6,"absolute_error":1.6,"lead_hours":6,"issued_at":"2025-07-01T00:00:00Z",` +
		`"valid_at":"2025-07-01T06:00:00Z","within_tolerance":true}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSettingsOnTheWire(t *testing.T) {
	if got, err := json.Marshal(DefaultSettings()); err != nil || string(got) != `{"tolerance_celsius":2}` {
		t.Errorf("got %s, %v", got, err)
	}
	for text, ok := range map[string]bool{
		`{"tolerance_celsius":2.0}`:           true,
		`{"tolerance_celsius":0}`:             true,
		`{"tolerance_celsius":-1}`:            false,
		`{"tolerance_celsius":1e9}`:           false,
		`{"tolerance_celsius":"2"}`:           false,
		`{"tolerance_celsius":null}`:          false,
		`{"tolerance_celsius":2,"unknown":1}`: false,
		`{}`:                                  false,
		`[]`:                                  false,
	} {
		var s Settings
		if err := json.Unmarshal([]byte(text), &s); (err == nil) != ok {
			t.Errorf("%s: error %v, want one: %v", text, err, !ok)
		}
	}
}
