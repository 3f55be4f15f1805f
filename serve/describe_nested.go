package serve

import "strings"

// descriptionOf says what the setting with a path is, without the places in lists.
func descriptionOf(path string) string {
	if text := descriptions()[path]; text != "" {
		return text
	}
	group, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		group, name = path[:i], path[i+1:]
	}
	if group == "" {
		return ""
	}
	if text := limitDescriptions()[path]; text != "" {
		return text
	}
	return nested()[name]
}

// nested says what settings inside groups are, by their names.
func nested() map[string]string {
	return map[string]string{
		"cert_file": "PEM file of the certificate.",
		"key_file":  "PEM file of the key of the certificate.",
		"ca_file":   "PEM file of the authorities that the certificate of the other side must be signed by.",
		"token":     "Token that is presented. token_file keeps it out of this file.",
		"name":      "Name that is presented.",
		"password":  "Password that is presented. password_file keeps it out of this file.",
		"hash":      "Hash of the token or the password, instead of it: aimdb token prints it.",
		"read":      "Patterns of the records that may be read. None grants nothing, # everything.",
		"write":     "Patterns of the records that may be set. None grants nothing, # everything.",
		"users":     "Names and passwords of NATS clients.",
		"nkeys":     "Public nkeys of NATS clients.",
		"urls":      "URLs of one or more servers, such as nats://127.0.0.1:4222.",
		"creds":     "Path of a NATS credentials file.",
		"nkey":      "Path of a file with the seed of an nkey.",
		"user":      "User that is presented.",
		"domain":    "JetStream domain that holds the log.",
		"replicas":  "How many servers keep the log: 1, 3 or 5.",
		"placement": "Which servers may keep the log.",
		"cluster":   "Name of the cluster of these servers.",
		"tags":      "Tags that these servers must have.",
		"update":    "Change the settings of a log that exists to these.",
		"endpoint":  "URL of the collector, such as http://127.0.0.1:4318.",
		"headers":   "Headers of each request, such as one with a token.",
		"compress":  "Compress the connection, if the hub agrees.",
		"pattern":   "Pattern of keys: * is one segment, # any number of them.",
		"max_age":   "Age after which rows are removed.",
		"max_rows":  "How many rows of a record are kept.",
		"max_bytes": "How many bytes of rows of a record are kept.",
		"every":     "Time between two backups. Default 1d.",
		"keep":      "How many backups are kept. Default 7.",
		"dir":       "Directory of the backups, best on another disk. Default backups in dir.",
		"forever":   "Keep everything, whatever history_bytes says.",
	}
}

// limitDescriptions says what the limits of clients are, by their paths.
func limitDescriptions() map[string]string {
	return map[string]string{
		"clients.connections":          "Connections of each listener. Default 256.",
		"clients.subscriptions":        "Subscriptions of a connection. Default 32 on a socket and over TCP, 1024 on a WebSocket.",
		"clients.resuming":             "Subscriptions of a connection that read the log. Default 32.",
		"clients.frame_bytes":          "Size of a frame. Default 16MiB.",
		"clients.query_rows":           "Rows of the answer of a query. Default 500000.",
		"clients.query_bytes":          "Size of the answer of a query. Default 64MiB.",
		"clients.page_rows":            "Rows of a page of history. Default 10000.",
		"clients.page_bytes":           "Size of a page of history. Default 1MB.",
		"clients.query_timeout":        "Time that a query may take. Default 30s.",
		"clients.verify_timeout":       "Time that a verification or migration of the history may take. Default 30m.",
		"clients.queries":              "Queries of a connection that run at a time. Default 4.",
		"clients.waiting":              "Queries of a connection that wait. Default 256.",
		"clients.write_timeout":        "Time after which a client that takes nothing is disconnected. Default 30s.",
		"clients.token_timeout":        "Time in which a client must present its token. Default 10s.",
		"mqtt_clients.clients":         "Clients that are connected. Default 10000.",
		"mqtt_clients.packet_bytes":    "Size of a packet. Default 256KiB.",
		"mqtt_clients.in_flight":       "Messages of a client that wait for an acknowledgement. Default 1024.",
		"mqtt_clients.subscriptions":   "Filters that a client subscribes to. Default 100.",
		"mqtt_clients.sessions":        "Sessions that are kept without a connection. Default 1000.",
		"mqtt_clients.session_expiry":  "Time for which such a session is kept. Default 1h.",
		"mqtt_clients.connect_timeout": "Time in which a client must have connected. Default 10s.",
		"mqtt_clients.drain_timeout":   "Time in which a server that stops acknowledges what it took. Default 2s.",
		"mqtt_clients.write_timeout":   "Time after which a client that takes nothing is disconnected. Default 10s.",
	}
}
