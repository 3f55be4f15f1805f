-- Values that have times of their own are stored under them. written_at is when such a row
-- was written, and null for all others, which were written at stored_at. imported marks
-- rows with a written_at that came beside the log: their IDs say nothing about their order.
ALTER TABLE record_history ADD COLUMN written_at bigint, ADD COLUMN imported boolean;
CREATE INDEX idx_record_written ON record_history (record_name, written_at, id) WHERE written_at IS NOT NULL;
-- timed is set as long as rows of the record may have a written_at.
ALTER TABLE aimdb_record ADD COLUMN timed boolean NOT NULL DEFAULT false;
ALTER TABLE aimdb_dead_letter ADD COLUMN event bigint;
