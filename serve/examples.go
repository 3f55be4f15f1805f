package serve

import "encoding/json"

// examples have a value in YAML for each setting that is described.
func examples() map[string]string {
	return map[string]string{
		"name":              `plant`,
		"dir":               `/var/lib/aimdb`,
		"history":           `postgres://aimdb@db.example.com/plant`,
		"history_age":       `365d`,
		"history_bytes":     `20GiB`,
		"retention":         `[{pattern: "debug.#", max_age: 1d}]`,
		"sweep_every":       `10m`,
		"backup":            `{every: 1d, keep: 7, dir: /mnt/backup}`,
		"log":               `{urls: ["nats://nats.example.com:4222"], creds: plant.creds}`,
		"log_age":           `14d`,
		"log_bytes":         `4GiB`,
		"log_sync":          `200ms`,
		"durable_log":       `true`,
		"gateways":          `[/run/aimdb/aimdb.sock]`,
		"http":              `0.0.0.0:8080`,
		"tcp":               `0.0.0.0:7433`,
		"nats":              `127.0.0.1:4222`,
		"mqtt":              `0.0.0.0:8883`,
		"mqtt_clients":      `{clients: 200, packet_bytes: 64KiB}`,
		"tls":               `{cert_file: hub.pem, key_file: hub.key}`,
		"nats_tls":          `{cert_file: nats.pem, key_file: nats.key}`,
		"mqtt_tls":          `{cert_file: mqtt.pem, key_file: mqtt.key, ca_file: devices.pem}`,
		"tokens":            `[{token_file: gauge.token, write: ["line.#"]}]`,
		"users":             `[{name: operator, password_file: operator.txt, read: ["#"]}]`,
		"otel":              `{endpoint: "http://127.0.0.1:4318"}`,
		"require_token":     `true`,
		"clients":           `{connections: 500, query_timeout: 20s}`,
		"origins":           `["*.example.com"]`,
		"private_history":   `true`,
		"nats_access":       `{users: {reader: secret}}`,
		"service_writes":    `["line.#"]`,
		"leaf":              `[{urls: ["tls://hub.example.com:7422"], creds: plant.creds}]`,
		"drain_timeout":     `30s`,
		"migrate_at_start":  `true`,
		"max_records":       `500`,
		"records":           `[{pattern: "room.*.climate", schema: climate.json}]`,
		"records.key":       `door.front`,
		"records.pattern":   `room.*.climate`,
		"records.buffer":    `ring`,
		"records.capacity":  `1000`,
		"records.persist":   `false`,
		"records.remote":    `false`,
		"records.writable":  `false`,
		"records.durable":   `true`,
		"records.lossless":  `true`,
		"records.retention": `{max_age: 30d, max_rows: 10000}`,
		"records.schema":    `{type: object, required: [celsius]}`,
		"records.type":      `climate/1`,
		"records.signal":    `/celsius`,
		"records.unit":      `°C`,
		"records.time":      `/measured_at`,
	}
}

// exampleOf returns the example of a setting as JSON, nil if it has none.
func exampleOf(path string) json.RawMessage {
	text, ok := examples()[path]
	if !ok {
		return nil
	}
	n, err := parseValue("example", []byte(text))
	if err != nil {
		return nil // TestExampleValues finds it
	}
	return appendJSON(nil, n)
}
