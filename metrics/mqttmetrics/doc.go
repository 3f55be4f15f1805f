// Package mqttmetrics has what an MQTT server of package mqtt did, for Prometheus.
package mqttmetrics
