-- What was dropped or deleted leaves its name or its number, so that neither is given out again for
-- something else, and what is recorded of it stays true.

ALTER TABLE view ADD COLUMN dropped INTEGER; -- when; its name is followed by ~ and its id from then on
ALTER TABLE service ADD COLUMN dropped_through INTEGER NOT NULL DEFAULT 0; -- versions up to this one
ALTER TABLE gate ADD COLUMN removed INTEGER NOT NULL DEFAULT 0; -- this version says that there is none

ALTER TABLE run ADD COLUMN deleted INTEGER; -- when
ALTER TABLE training_set ADD COLUMN deleted INTEGER;
ALTER TABLE model_version ADD COLUMN deleted INTEGER;
CREATE INDEX model_version_deleted ON model_version (model, number) WHERE deleted IS NOT NULL;
