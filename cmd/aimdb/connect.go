package main

// defaultEndpoint is where a database is looked for if nothing is said.
const defaultEndpoint = "/tmp/aimdb.sock"
