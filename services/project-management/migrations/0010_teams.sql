-- A project belongs to a team, and so does a member; the subject says which person a member is. The empty team is one too.
ALTER TABLE members
  ADD COLUMN subject text NOT NULL DEFAULT '' CHECK (char_length(subject) <= 255),
  ADD COLUMN team text NOT NULL DEFAULT '' CHECK (char_length(team) <= 63);
ALTER TABLE projects ADD COLUMN team text NOT NULL DEFAULT '' CHECK (char_length(team) <= 63);
