-- Projects, members and reservations are watched: each change is appended to the outbox of @rondo/sync with the row as it is after the
-- change, whichever version of the service writes. The team of a project decides who sees it.
CREATE TRIGGER projects_are_watched AFTER INSERT OR UPDATE ON projects
  FOR EACH ROW EXECUTE FUNCTION sync_append_row('projects', 'team');
CREATE TRIGGER members_are_watched AFTER INSERT OR UPDATE ON members
  FOR EACH ROW EXECUTE FUNCTION sync_append_row('members');

-- A reservation has a copy of its project's team, along which watches of a team read. The lock keeps a move of the project waiting,
-- so that it moves this row too. A transaction that reserves has it already.
ALTER TABLE reservations ADD COLUMN team text NOT NULL DEFAULT '';
CREATE FUNCTION copy_team() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.team := coalesce((SELECT team FROM projects WHERE id = NEW.project_id FOR SHARE), '');
  RETURN NEW;
END
$$;
CREATE TRIGGER reservations_copy_team BEFORE INSERT ON reservations
  FOR EACH ROW EXECUTE FUNCTION copy_team();

CREATE TRIGGER reservations_are_watched AFTER INSERT OR DELETE ON reservations
  FOR EACH ROW EXECUTE FUNCTION sync_append_row('reservations');
-- A move of the project is one change for all of its reservations.
CREATE TRIGGER reservations_changed_are_watched AFTER UPDATE ON reservations
  FOR EACH ROW WHEN (OLD.team = NEW.team) EXECUTE FUNCTION sync_append_row('reservations');

CREATE FUNCTION move_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE reservations SET team = NEW.team WHERE project_id = NEW.id;
  INSERT INTO sync_outbox (topic, payload)
  VALUES ('reservations', jsonb_build_object('handover', true, 'from', OLD.team, 'to', NEW.team));
  RETURN NULL;
END
$$;
CREATE TRIGGER projects_move_reservations AFTER UPDATE OF team ON projects
  FOR EACH ROW WHEN (OLD.team <> NEW.team) EXECUTE FUNCTION move_reservations();

-- What a person sees follows from its member.
CREATE FUNCTION append_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sync_outbox (topic, payload)
  SELECT topic, jsonb_build_object('handover', true, 'person', person)
  FROM unnest(ARRAY['projects', 'reservations']) AS topic,
    (SELECT to_jsonb(OLD) ->> 'subject' UNION SELECT NEW.subject) AS people (person)
  WHERE person <> '';
  RETURN NULL;
END
$$;
CREATE TRIGGER members_added_see AFTER INSERT ON members
  FOR EACH ROW WHEN (NEW.subject <> '') EXECUTE FUNCTION append_sight();
CREATE TRIGGER members_see AFTER UPDATE ON members
  FOR EACH ROW WHEN (
    (OLD.subject, OLD.team, OLD.delete_time IS NULL) IS DISTINCT FROM (NEW.subject, NEW.team, NEW.delete_time IS NULL)
  ) EXECUTE FUNCTION append_sight();
