-- rondo:no-transaction
-- By these a person's member is found, and the lists of a team walk.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS members_subject_key ON members (subject) WHERE subject <> '' AND delete_time IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_walk_team ON projects (team, deleted, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_walk_team_state ON projects (team, deleted, state, sequence);
