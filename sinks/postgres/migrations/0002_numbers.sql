-- The run and the number of the last value of each record that the log has delivered, as a
-- row, a refused value or a loss. They are null if the next number may be any.
ALTER TABLE aimdb_record ADD COLUMN run bigint, ADD COLUMN number bigint;

-- Numbers of values that the log has not delivered and nothing has counted as lost.
CREATE TABLE aimdb_hole (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  record_name text COLLATE "C" NOT NULL,
  run bigint NOT NULL,
  from_number bigint NOT NULL,
  to_number bigint NOT NULL,
  time bigint NOT NULL,
  noted_at bigint NOT NULL
);
