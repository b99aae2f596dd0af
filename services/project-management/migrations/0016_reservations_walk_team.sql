-- rondo:no-transaction
-- By this the watch of a team reads its reservations.
CREATE INDEX CONCURRENTLY IF NOT EXISTS reservations_walk_team ON reservations (team, position);
