// Package weather is the weather hub. It compares temperature forecasts with
// observations, and a page shows how good the forecasts in history were.
//
// # What flows
//
// One source reads the data and emits a Step, the values of all cities at one
// time. A transform per city takes its Temperature from the step (record
// temp::<city>). A second transform, the validator, holds the pending forecasts
// and emits a ForecastValidation for each one at its hour (record
// accuracy::<city>, persisted). hub.settings holds the tolerance; it is persisted
// and writable from outside. hub.about describes the data for a page.
//
// # Ordering and losses
//
// Validations of a city are ordered by valid time, and those of one valid time
// by time of issue, so the newest forecast is the last. All records are lossless:
// the source waits for the stages and the stages wait for the log. At full speed
// the source slows down and nothing is lost.
//
// # Restart
//
// The hub reads the last validation of each city from history and continues
// after it. The state of a forecaster and a validator is rebuilt from the input
// data, so the rows are the same as without the restart.
//
// # Data
//
// Temperatures are degrees Celsius, times are UTC. Built in are the daily
// observations of Seattle and New York, 2012 to 2015, of the US National
// Oceanic and Atmospheric Administration (public domain), as published in the
// npm package vega-datasets; a day's temperature is the mean of its maximum
// and minimum. Other data comes from CSV files, see ReadObservations and
// ReadForecasts. A malformed line is skipped, counted, and reported with file and
// line. A file without a usable line is an error.
//
// # Forecasts
//
// A city of the forecast file uses its archived forecasts. Other cities use
// damped persistence for hourly data (see DampedPersistence) and 24-hour
// persistence for daily data (see Persistence), which is the standard baseline
// of forecast verification.
package weather
