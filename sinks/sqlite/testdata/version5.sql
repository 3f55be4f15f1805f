PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
INSERT INTO record_history VALUES(1,'back','{"at":30}',100);
INSERT INTO record_history VALUES(2,'back','{"at":20}',50);
INSERT INTO record_history VALUES(3,'steady','{"at":10}',110);
INSERT INTO record_history VALUES(4,'steady','{"at":40}',130);
CREATE TABLE aimdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO aimdb_meta VALUES('checkpoint','2776364398 5 0 0 log');
INSERT INTO aimdb_meta VALUES('clean','1');
INSERT INTO aimdb_meta VALUES('counted_last','4');
INSERT INTO aimdb_meta VALUES('identity','0123456789abcdef0123456789abcdef');
INSERT INTO aimdb_meta VALUES('schema_version','5');
CREATE TABLE aimdb_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log TEXT NOT NULL, sequence INTEGER NOT NULL, message_time INTEGER NOT NULL DEFAULT 0, message_hash INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL DEFAULT 0);
INSERT INTO aimdb_checkpoint VALUES(1,'log',5,0,0,2776364398);
CREATE TABLE aimdb_loss (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
  from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
CREATE TABLE aimdb_dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  log TEXT NOT NULL, sequence INTEGER NOT NULL, record_name TEXT NOT NULL,
  value_json TEXT NOT NULL, stored_at INTEGER NOT NULL,
  reason TEXT NOT NULL, noted_at INTEGER NOT NULL, shape INTEGER NOT NULL DEFAULT 0);
INSERT INTO aimdb_dead_letter VALUES(1,'log',4,'steady','"x"',120,'poison',1795836651614,1);
CREATE TABLE aimdb_record (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, step_id INTEGER, step_time INTEGER, last_time INTEGER, run INTEGER, number INTEGER) WITHOUT ROWID;
INSERT INTO aimdb_record VALUES('back',2,18,2,50,50,1,2);
INSERT INTO aimdb_record VALUES('steady',2,18,NULL,NULL,130,1,5);
CREATE TABLE aimdb_sweep (last_id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE aimdb_checksum (chunk INTEGER PRIMARY KEY, sums BLOB NOT NULL,
			log TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, sum INTEGER NOT NULL);
INSERT INTO aimdb_checksum VALUES(0,X'3a63b26c8c425380892aff75d51c452f','log',1,5,4119841645);
CREATE TABLE aimdb_hole (id INTEGER PRIMARY KEY AUTOINCREMENT, record_name TEXT NOT NULL, run INTEGER NOT NULL,
			from_number INTEGER NOT NULL, to_number INTEGER NOT NULL, time INTEGER NOT NULL, noted_at INTEGER NOT NULL);
INSERT INTO aimdb_hole VALUES(1,'steady',1,4,4,130,1795836651619);
CREATE TABLE aimdb_shape (id INTEGER PRIMARY KEY AUTOINCREMENT, record_name TEXT NOT NULL, first_id INTEGER NOT NULL,
			version INTEGER NOT NULL, UNIQUE (record_name, first_id));
INSERT INTO aimdb_shape VALUES(1,'steady',4,1);
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('aimdb_shape','sqlite_autoindex_aimdb_shape_1','1 1 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record_step','1 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_record','aimdb_record','2 1');
INSERT INTO sqlite_stat1 VALUES('record_history','idx_record_time','4 2 1');
INSERT INTO sqlite_stat1 VALUES('aimdb_meta','aimdb_meta','5 1');
ANALYZE sqlite_schema;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('record_history',4);
INSERT INTO sqlite_sequence VALUES('aimdb_dead_letter',1);
INSERT INTO sqlite_sequence VALUES('aimdb_hole',1);
INSERT INTO sqlite_sequence VALUES('aimdb_shape',1);
CREATE INDEX idx_record_time ON record_history(record_name, stored_at DESC);
CREATE INDEX aimdb_record_step ON aimdb_record(step_id) WHERE step_id IS NOT NULL;
COMMIT;
