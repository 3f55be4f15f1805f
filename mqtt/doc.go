// Package mqtt serves MQTT.
package mqtt
