-- Of events that are about no model, `model` is empty and `version` 0.
ALTER TABLE registry_event ADD COLUMN view TEXT;
ALTER TABLE registry_event ADD COLUMN subject TEXT; -- an import's id
ALTER TABLE registry_event ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- An import is told of once, however often that is made up for.
CREATE UNIQUE INDEX registry_event_of_import ON registry_event (subject)
    WHERE kind = 'import published';
