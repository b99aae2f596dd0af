-- Members can be changed and deleted; their time can be reserved, and never more of it than they have.

ALTER TABLE members
  ADD COLUMN update_time timestamptz(3),
  ADD COLUMN delete_time timestamptz(3),
  -- Counts the changes; the etag is made of it.
  ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);
UPDATE members SET update_time = create_time;
ALTER TABLE members
  ALTER COLUMN update_time SET NOT NULL,
  ALTER COLUMN update_time SET DEFAULT clock_timestamp(),
  ADD CONSTRAINT members_update_time_check CHECK (update_time >= create_time),
  -- What the weeks below refer to.
  ADD CONSTRAINT members_capacity_key UNIQUE (id, weekly_capacity_minutes);

-- Who is deleted leaves the address to others.
DROP INDEX members_email_key;
CREATE UNIQUE INDEX members_email_key ON members (lower(email COLLATE "C")) WHERE delete_time IS NULL;

-- What a create was answered with has the new columns, too.
UPDATE create_requests SET outcome = outcome || jsonb_build_object('version', 1, 'update_time', outcome -> 'create_time')
WHERE collection = 'members' AND outcome IS NOT NULL;

-- The weeks of which something was reserved once; others are free. Who changes one holds its member's row at least FOR
-- SHARE, then locks weeks in the order of (week_start_date, member_id).
CREATE TABLE member_weeks (
  member_id text NOT NULL REFERENCES members (id),
  week_start_date date NOT NULL CHECK (extract(isodow FROM week_start_date) = 1),
  -- The member's, whatever becomes of it: lowered below what is reserved it is refused.
  capacity_minutes bigint,
  -- In place of it once the week is over and the member's has changed, so that the past hinders nobody.
  final_capacity_minutes bigint,
  reserved_minutes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (member_id, week_start_date),
  CONSTRAINT member_weeks_capacity FOREIGN KEY (member_id, capacity_minutes)
    REFERENCES members (id, weekly_capacity_minutes) ON UPDATE CASCADE,
  CONSTRAINT member_weeks_one_capacity CHECK (num_nonnulls(capacity_minutes, final_capacity_minutes) = 1),
  CONSTRAINT member_weeks_not_overbooked
    CHECK (reserved_minutes BETWEEN 0 AND coalesce(capacity_minutes, final_capacity_minutes))
);

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
