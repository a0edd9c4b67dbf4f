-- The distributions of a training set's columns; goes with the first row of its spine that is blanked.

CREATE TABLE training_set_profile (
    training_set TEXT PRIMARY KEY REFERENCES training_set (id),
    profile      BLOB NOT NULL
) STRICT, WITHOUT ROWID;
