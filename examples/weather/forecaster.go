package weather

// Forecaster makes the forecasts of one city.
type Forecaster interface {
	// Observe takes the next observation, in the order of time, and returns
	// the forecasts issued since the one before, none of them for a time
	// before they were issued.
	Observe(t Temperature) []Forecast
}
