-- Each list walks along `sequence` from where the page before has ended, by one of these: over what is there or what is
-- deleted, in each state, of each member. However many rows there are beside them, nobody walks over those.

CREATE INDEX projects_walk ON projects (deleted, sequence);
CREATE INDEX projects_walk_state ON projects (deleted, state, sequence);
CREATE INDEX projects_walk_owner ON projects (deleted, owner_id, state, sequence);

CREATE INDEX tasks_walk ON tasks (project_id, deleted, sequence);
CREATE INDEX tasks_walk_state ON tasks (project_id, deleted, state, sequence);
CREATE INDEX tasks_walk_assignee ON tasks (project_id, deleted, assignee_id, state, sequence);
ALTER TABLE tasks DROP CONSTRAINT tasks_project_id_sequence_key;

-- By these, few rows are found at once.
CREATE INDEX projects_title ON projects (title);
CREATE INDEX projects_start_date ON projects (start_date);
CREATE INDEX projects_due_date ON projects (due_date);
CREATE INDEX projects_create_time ON projects (create_time);

CREATE INDEX tasks_title ON tasks (project_id, title);
CREATE INDEX tasks_effort ON tasks (project_id, effort_minutes);
-- Times never go back along `sequence` in one project: a time is a place in the list.
CREATE INDEX tasks_create_time ON tasks (project_id, create_time, sequence);
