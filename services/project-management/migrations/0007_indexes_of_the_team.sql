-- Each list of members walks along `sequence`, over members that aren't deleted or that are. By the others few rows are found at
-- once.
CREATE INDEX members_walk ON members (sequence) WHERE delete_time IS NULL;
CREATE INDEX members_walk_deleted ON members (sequence) WHERE delete_time IS NOT NULL;
ALTER TABLE members DROP CONSTRAINT members_sequence_key;
CREATE INDEX members_display_name ON members (display_name);
CREATE INDEX members_email ON members (email);
CREATE INDEX members_weekly_capacity_minutes ON members (weekly_capacity_minutes);
CREATE INDEX members_create_time ON members (create_time);

-- By this the weeks of the whole team are read, one Monday after the other.
CREATE INDEX member_weeks_week_start_date ON member_weeks (week_start_date, member_id);
