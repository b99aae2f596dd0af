-- Projects and tasks can be deleted and brought back; tasks depend on others of their project.

-- `deleted` is for the indexes of lists.
ALTER TABLE projects
  ADD COLUMN delete_time timestamptz(3) CHECK (delete_time >= create_time),
  ADD COLUMN deleted boolean GENERATED ALWAYS AS (delete_time IS NOT NULL) STORED;

-- The id of a task may be its caller's choice: it is the project's own.
ALTER TABLE tasks
  ADD COLUMN delete_time timestamptz(3) CHECK (delete_time >= create_time),
  ADD COLUMN deleted boolean GENERATED ALWAYS AS (delete_time IS NOT NULL) STORED,
  DROP CONSTRAINT tasks_pkey,
  ADD CONSTRAINT tasks_pkey PRIMARY KEY (project_id, id);

-- Who changes rows here holds the project's row FOR NO KEY UPDATE: two edges that would close a circle together never
-- meet. A task that isn't deleted depends on none that is. Those of a deleted task stay for the day it comes back.
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

-- Tasks with what they depend on: what is read, and kept of a create with a request id.
CREATE VIEW task_records AS
  SELECT tasks.*, ARRAY(
    SELECT depends_on_id FROM task_dependencies AS edge
    WHERE edge.project_id = tasks.project_id AND edge.task_id = tasks.id ORDER BY place
  ) AS dependencies
  FROM tasks;
