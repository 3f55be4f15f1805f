aimdb instance list                             # the databases that run on this machine
aimdb record list                               # of the only one, else --connect ENDPOINT
aimdb record get 'temp::*' --format csv
aimdb watch 'accuracy::*' --from 1h --count 10  # stored values, then live ones
aimdb record set hub.settings '{"tolerance_celsius":2.5}' --dry-run
aimdb graph dot | dot -Tsvg > graph.svg
