// Package mcp serves running databases to assistants over the Model Context Protocol. It
// is a client of AimX: what a database does not show to a client, it does not show here.
//
// # Tools
//
// The tools that upstream AimDB has too have its names and arguments:
// discover_instances, get_instance_info, list_records, get_record, drain_record,
// query_schema, get_buffer_metrics, get_stage_profiling, graph_nodes, graph_edges and
// graph_topo_order; and set_record, reset_buffer_metrics and reset_stage_profiling, which
// are listed only if Config.AllowSet says so. The tools for history are this project's
// own: query_latest, query_range, query_buckets, history_stats, list_losses, list_sinks,
// verify_history and explain_gap.
//
// Each tool has a schema of its arguments and of its answer. Arguments that are wrong,
// and databases that refuse or cannot be reached, are errors of the tool, which say what
// to do; they are not errors of the protocol. The resource aimdb://ENDPOINT/records lists
// the records of a database. There are no prompts, and roots, sampling and logging, which
// the protocol has deprecated, are not used.
//
// # Answers
//
// An answer is JSON of at most Config.AnswerBytes. What does not fit is left out: the
// answer counts it as left_out, or says more, and next_cursor continues with the same
// arguments. A single value that is too large is cut: value_cut holds its beginning and
// value_bytes its size. Numbers inside values keep their digits.
//
// Values are data that somebody else has written. They appear only as members of JSON,
// and the instructions of the server say that nothing in them is an instruction.
//
// # Endpoints
//
// A tool asks the database at its argument endpoint, or at Config.Endpoint without one.
// The argument may name a unix socket, a loopback address, Config.Endpoint or one of
// Config.Allow. Other addresses are refused, because an assistant may take
// text in a value for an instruction and send what it has read to somebody else. Config.Dial, which may show a token, opens
// Config.Endpoint and Config.Allow only. No token is ever in an answer.
//
// There is one connection for each endpoint, and another one for drain_record, whose
// values a get_record would take. Connections that are lost are opened again by the next
// call. At most 16 are open; the one that is unused for longest is closed for another.
//
// Times in answers are RFC 3339 in UTC, and sizes are bytes.
//
// # Transports
//
// Run serves one client over a pair of streams, such as stdin and stdout. Serve serves
// many over streamable HTTP, without sessions: they share the connections, and so the
// position of drain_record. Without a token it listens on loopback only, where every user
// of the machine can reach it, and it refuses requests of other web pages and of other
// hosts. With a token it refuses requests that do not present it as a Bearer token.
//
// Run and Serve end with their context, and Run also when its client closes the stream.
// Close then closes the connections to the databases; calls that still run fail.
package mcp
