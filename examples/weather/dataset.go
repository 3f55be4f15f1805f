package weather

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// LoadCities reads the files of the options, or the built-in data without any.
func LoadCities(o Options) ([]*City, error) {
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if o.Observations == "" {
		if o.Forecasts != "" {
			return nil, fmt.Errorf("forecasts %s without observations: the built-in data is daily; name a file of observations too", o.Forecasts)
		}
		return builtInCities()
	}
	observations, err := readFile(o.Observations, logger, ReadObservations)
	if err != nil {
		return nil, fmt.Errorf("reading observations: %w", err)
	}
	archive := Archive{}
	if o.Forecasts != "" {
		if archive, err = readFile(o.Forecasts, logger, ReadForecasts); err != nil {
			return nil, fmt.Errorf("reading forecasts: %w", err)
		}
	}
	var cities []*City
	for _, key := range observations.Cities() {
		cities = append(cities, &City{Key: key, Place: placeOf(key, o.Observations), Series: observations[key], Archive: archive[key]})
		delete(archive, key)
	}
	for key := range archive {
		logger.Warn("ignored the forecasts of a city without observations", "city", key, "file", o.Forecasts)
	}
	return cities, nil
}

func builtInCities() ([]*City, error) {
	observations, err := BuiltIn()
	if err != nil {
		return nil, err
	}
	var cities []*City
	for _, key := range observations.Cities() {
		cities = append(cities, &City{Key: key, Place: Place{Name: nameOf(key), Origin: dailySummary()}, Series: observations[key]})
	}
	return cities, nil
}

// readFile opens a file and reads it with read.
func readFile[T any](path string, logger *slog.Logger, read func(string, io.Reader, *slog.Logger) (T, error)) (T, error) {
	var none T
	f, err := os.Open(path)
	if err != nil {
		return none, err
	}
	v, err := read(path, f, logger)
	if closed := f.Close(); err == nil && closed != nil {
		return none, closed
	}
	return v, err
}
