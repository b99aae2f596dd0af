-- Times have the milliseconds that the contract's clients see, so that what is stored is what was answered.
-- `sequence` is the order in which rows were made; lists page along it, as it never ties and never changes.

CREATE TABLE members (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  weekly_capacity_minutes bigint NOT NULL CHECK (weekly_capacity_minutes BETWEEN 0 AND 10080),
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- Addresses are ASCII; the "C" collation lowers those alike on every server, whatever its locale.
CREATE UNIQUE INDEX members_email_key ON members (lower(email COLLATE "C"));

CREATE TABLE projects (
  id text PRIMARY KEY,
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('PLANNED', 'ACTIVE', 'DONE', 'ARCHIVED')),
  owner_id text REFERENCES members (id),
  start_date date,
  due_date date,
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL CHECK (update_time >= create_time),
  -- Counts the changes; the etag is made of it.
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  CONSTRAINT projects_due_after_start CHECK (due_date >= start_date)
);

CREATE TABLE tasks (
  id text PRIMARY KEY,
  project_id text NOT NULL REFERENCES projects (id),
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('OPEN', 'IN_PROGRESS', 'DONE', 'CANCELLED')),
  assignee_id text REFERENCES members (id),
  effort_minutes bigint NOT NULL CHECK (effort_minutes BETWEEN 0 AND 10000000),
  create_time timestamptz(3) NOT NULL,
  update_time timestamptz(3) NOT NULL CHECK (update_time >= create_time),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  UNIQUE (project_id, sequence)
);

-- The creates that were asked for with a request id, each written in the transaction of the row it made.
CREATE TABLE create_requests (
  collection text NOT NULL CHECK (collection IN ('projects', 'tasks', 'members')),
  request_id uuid NOT NULL,
  -- SHA-256 of the request without its id.
  fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  -- The row as it was made: what a repeated request is answered with. Null only inside that transaction.
  outcome jsonb,
  create_time timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (collection, request_id)
);
