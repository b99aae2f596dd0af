-- rondo:baseline
-- Projects with their tasks, members and the time that is reserved of them. A schema from before this file is refused.
--
-- Times have the milliseconds that the contract's clients see, so that what is stored is what was answered. `sequence` is the
-- order in which rows were made; lists page along it, as it never ties and never changes. The version counts the changes; the
-- etag is made of it.

CREATE TABLE members (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  weekly_capacity_minutes bigint NOT NULL CHECK (weekly_capacity_minutes BETWEEN 0 AND 10080),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  update_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  delete_time timestamptz(3),
  CONSTRAINT members_update_time_check CHECK (update_time >= create_time),
  -- What the weeks below refer to.
  CONSTRAINT members_capacity_key UNIQUE (id, weekly_capacity_minutes)
);
-- Addresses are ASCII; the "C" collation lowers those alike on every server, whatever its locale. A deleted member leaves the
-- address to others.
CREATE UNIQUE INDEX members_email_key ON members (lower(email COLLATE "C")) WHERE delete_time IS NULL;

-- `deleted` is for the indexes of lists.
CREATE TABLE projects (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('PLANNED', 'ACTIVE', 'DONE', 'ARCHIVED')),
  owner_id text REFERENCES members (id),
  start_date date,
  due_date date,
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL CHECK (update_time >= create_time),
  delete_time timestamptz(3) CHECK (delete_time >= create_time),
  deleted boolean GENERATED ALWAYS AS (delete_time IS NOT NULL) STORED,
  CONSTRAINT projects_due_after_start CHECK (due_date >= start_date)
);

-- The id of a task may be its caller's choice: it is the project's own.
CREATE TABLE tasks (
  id text NOT NULL,
  project_id text NOT NULL REFERENCES projects (id),
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('OPEN', 'IN_PROGRESS', 'DONE', 'CANCELLED')),
  assignee_id text REFERENCES members (id),
  effort_minutes bigint NOT NULL CHECK (effort_minutes BETWEEN 0 AND 10000000),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL CHECK (update_time >= create_time),
  delete_time timestamptz(3) CHECK (delete_time >= create_time),
  deleted boolean GENERATED ALWAYS AS (delete_time IS NOT NULL) STORED,
  PRIMARY KEY (project_id, id)
);

-- A change of rows here holds the project's row FOR NO KEY UPDATE, so that two edits can't close a circle together. A task that
-- isn't deleted depends on none that is. The dependencies of a deleted task stay for the day it comes back.
CREATE TABLE task_dependencies (
  project_id text NOT NULL,
  task_id text NOT NULL,
  depends_on_id text NOT NULL,
  -- Their order in the task.
  place integer NOT NULL CHECK (place > 0),
  PRIMARY KEY (project_id, task_id, depends_on_id),
  FOREIGN KEY (project_id, task_id) REFERENCES tasks (project_id, id),
  FOREIGN KEY (project_id, depends_on_id) REFERENCES tasks (project_id, id),
  CONSTRAINT task_dependencies_on_another CHECK (depends_on_id <> task_id)
);
-- What depends on a task, which the cycle check and the deletion of a task follow.
CREATE INDEX task_dependencies_dependents ON task_dependencies (project_id, depends_on_id, task_id);

-- Tasks with what they depend on.
CREATE VIEW task_records AS
  SELECT
    id, project_id, sequence, title, state, assignee_id, effort_minutes, version, create_time, update_time, delete_time, deleted,
    ARRAY(
      SELECT depends_on_id FROM task_dependencies AS edge
      WHERE edge.project_id = tasks.project_id AND edge.task_id = tasks.id ORDER BY place
    ) AS dependencies
  FROM tasks;

-- The weeks of which something was reserved once; others are free. Their changes take turns by the lock of the team's capacity.
CREATE TABLE member_weeks (
  member_id text NOT NULL REFERENCES members (id),
  week_start_date date NOT NULL CHECK (extract(isodow FROM week_start_date) = 1),
  -- The member's, whatever becomes of it: lowered below what is reserved it is refused.
  capacity_minutes bigint,
  -- In place of it once the week is over and the member's has changed, so that the past hinders no change.
  final_capacity_minutes bigint,
  reserved_minutes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (member_id, week_start_date),
  CONSTRAINT member_weeks_capacity FOREIGN KEY (member_id, capacity_minutes)
    REFERENCES members (id, weekly_capacity_minutes) ON UPDATE CASCADE,
  CONSTRAINT member_weeks_one_capacity CHECK (num_nonnulls(capacity_minutes, final_capacity_minutes) = 1),
  CONSTRAINT member_weeks_not_overbooked
    CHECK (reserved_minutes BETWEEN 0 AND coalesce(capacity_minutes, final_capacity_minutes))
);
-- By this the weeks of the whole team are read, one Monday after the other.
CREATE INDEX member_weeks_week_start_date ON member_weeks (week_start_date, member_id);

CREATE TABLE reservations (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  member_id text NOT NULL,
  week_start_date date NOT NULL,
  project_id text NOT NULL REFERENCES projects (id),
  minutes bigint NOT NULL CHECK (minutes BETWEEN 1 AND 10080),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- The order of lists, in one number for page tokens: weeks since 0001-01-01, then the order in which rows were made.
  position bigint GENERATED ALWAYS AS
    (((week_start_date - DATE '0001-01-01') / 7)::bigint * 1099511627776 + sequence) STORED,
  FOREIGN KEY (member_id, week_start_date) REFERENCES member_weeks (member_id, week_start_date)
);
CREATE UNIQUE INDEX reservations_position_key ON reservations (position);
CREATE INDEX reservations_member_position_idx ON reservations (member_id, position);
CREATE INDEX reservations_project_position_idx ON reservations (project_id, position);
CREATE INDEX reservations_member_week_idx ON reservations (member_id, week_start_date);

-- Each list walks along `sequence` from where the page before has ended, by one of the `walk` indexes: over what isn't deleted or
-- what is, in each state, of each member. By the others few rows are found at once.

CREATE INDEX members_walk ON members (sequence) WHERE delete_time IS NULL;
CREATE INDEX members_walk_deleted ON members (sequence) WHERE delete_time IS NOT NULL;
CREATE INDEX members_display_name ON members (display_name);
CREATE INDEX members_email ON members (email);
CREATE INDEX members_weekly_capacity_minutes ON members (weekly_capacity_minutes);
CREATE INDEX members_create_time ON members (create_time);

CREATE INDEX projects_walk ON projects (deleted, sequence);
CREATE INDEX projects_walk_state ON projects (deleted, state, sequence);
CREATE INDEX projects_walk_owner ON projects (deleted, owner_id, state, sequence);
CREATE INDEX projects_title ON projects (title);
CREATE INDEX projects_start_date ON projects (start_date);
CREATE INDEX projects_due_date ON projects (due_date);
CREATE INDEX projects_create_time ON projects (create_time);

CREATE INDEX tasks_walk ON tasks (project_id, deleted, sequence);
CREATE INDEX tasks_walk_state ON tasks (project_id, deleted, state, sequence);
CREATE INDEX tasks_walk_assignee ON tasks (project_id, deleted, assignee_id, state, sequence);
CREATE INDEX tasks_title ON tasks (project_id, title);
CREATE INDEX tasks_effort ON tasks (project_id, effort_minutes);
-- Times never go back along `sequence` in one project: a time is a place in the list.
CREATE INDEX tasks_create_time ON tasks (project_id, create_time, sequence);
