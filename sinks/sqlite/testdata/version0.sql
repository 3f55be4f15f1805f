CREATE TABLE IF NOT EXISTS record_history (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    record_name TEXT    NOT NULL,
    value_json  TEXT    NOT NULL,
    stored_at   INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_record_time
    ON record_history (record_name, stored_at DESC);
INSERT INTO record_history (record_name, value_json, stored_at) VALUES
    ('temp::vienna', '{"celsius":21.5}', 1700000000000),
    ('temp::vienna', '{"celsius":21.7}', 1700000060000),
    ('temp::vienna', '{"celsius":21.7}', 1700000060000),
    ('accuracy::vienna', '{"error":0.2}', 1700000000500),
    ('accuracy::vienna', '{"error":', 1700000000600);
