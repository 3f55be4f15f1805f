// Package weather is the weather hub: forecasts meet what was observed, and a
// page shows how good they were, for as long as history reaches back.
//
// # What flows
//
// One source reads the data and emits a Step, all cities' values of one time.
// A transform per city picks its Temperature out of the step (record
// temp::<city>), and a second one, the validator, keeps the forecasts that
// wait for their hour and emits a ForecastValidation for each of them when it
// arrives (record accuracy::<city>, persisted). hub.settings holds the
// tolerance, writable from outside and persisted; hub.about tells a page what it shows.
//
// # Ordering and losses
//
// Validations of a city come by valid time, and those of one valid time by the
// time the forecast was issued, so the freshest forecast comes last. Every
// record on the way is lossless: the source waits for the stages, and the
// stages for the log, so a fast pace slows the source and loses nothing.
//
// # Restart
//
// The hub asks history for the last validation of each city and goes on behind
// it. What a forecaster and a validator know is rebuilt from the input data,
// so the rows are the same as without the restart.
//
// # Data
//
// Temperatures are degrees Celsius, times are UTC. Built in are the daily
// observations of Seattle and New York, 2012 to 2015, of the US National
// Oceanic and Atmospheric Administration (public domain), as published in the
// npm package vega-datasets; a day's temperature is the mean of its maximum
// and minimum. Other data comes from CSV files, see ReadObservations and
// ReadForecasts. A line that cannot be read is reported with file and line,
// counted and skipped; a file with no usable line is an error.
//
// # Forecasts
//
// A city of the forecast file uses its archived forecasts. Without one, hourly
// data uses damped persistence (see DampedPersistence) and daily data 24-hour
// persistence, "tomorrow as today", the standard baseline of forecast
// verification (see Persistence).
package weather
