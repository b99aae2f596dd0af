-- Batches have request ids of their own; the oldest ids are removed.

ALTER TABLE create_requests
  DROP CONSTRAINT create_requests_collection_check,
  ADD CONSTRAINT create_requests_collection_check
    CHECK (collection IN ('projects', 'tasks', 'task_batches', 'members', 'reservations'));
CREATE INDEX create_requests_create_time ON create_requests (create_time);
