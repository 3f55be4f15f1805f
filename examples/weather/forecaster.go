package weather

// Forecaster makes the forecasts of one city.
type Forecaster interface {
	// Observe takes the next observation, in the order of time, and returns
	// the forecasts issued since the previous one. A forecast is never for a
	// time before its issue.
	Observe(t Temperature) []Forecast
}
