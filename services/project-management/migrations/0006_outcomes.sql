-- Outcomes of calls are in `call_outcomes` (of @rondo/database) from now on. Request ids of earlier versions go there with the
-- fingerprints of those versions: a repetition across the upgrade is refused instead of being carried out twice.
-- `create_requests` stays for replicas of the earlier version.
INSERT INTO call_outcomes (key, method, caller, fingerprint, bytes, expire_time)
SELECT request_id::text, methods.method, '', fingerprint, '', create_requests.create_time + interval '31 days'
FROM create_requests JOIN (VALUES
  ('projects', '/projects.v1.ProjectService/CreateProject'),
  ('tasks', '/projects.v1.TaskService/CreateTask'),
  ('task_batches', '/projects.v1.TaskService/BatchCreateTasks'),
  ('members', '/projects.v1.TeamService/CreateMember'),
  ('reservations', '/projects.v1.TeamService/CreateReservation')
) AS methods (collection, method) USING (collection)
ON CONFLICT DO NOTHING;
