-- A company of :tasks tasks, one tenth of them in a hundred small projects, the rest in the project `large`. What a filter
-- looks for is rare, and stands where a walk from the beginning comes last.

INSERT INTO members (id, display_name, email, weekly_capacity_minutes)
SELECT 'm' || n, 'Member ' || n, 'm' || n || '@example.com', 2400 FROM generate_series(1, 50) AS n;

INSERT INTO projects (id, title, state, owner_id, start_date, due_date, create_time, update_time, delete_time)
SELECT id, title, state, owner_id, day, day + 30, since, since, CASE WHEN n % 20 = 7 THEN since END
FROM (
  SELECT n, 'p' || n AS id, 'Project ' || n AS title, CASE WHEN n % 50 = 3 THEN 'ACTIVE' ELSE 'DONE' END AS state,
    'm' || 1 + n % 20 AS owner_id, DATE '2020-01-01' + (n / 10)::integer AS day,
    TIMESTAMPTZ '2020-01-01 00:00Z' + n * interval '1 hour' AS since
  FROM generate_series(1, greatest(100, :tasks / 100)) AS n
) AS made;
INSERT INTO projects (id, title, state, owner_id, create_time, update_time)
VALUES ('large', 'Large', 'ACTIVE', 'm50', now(), now());

INSERT INTO tasks (project_id, id, title, state, assignee_id, effort_minutes, create_time, update_time, delete_time)
SELECT project_id, id, title, state, assignee_id, effort_minutes, since, since, CASE WHEN deleted THEN since END
FROM (
  SELECT n, CASE WHEN n % 10 = 0 THEN 'p' || 1 + n / 10 % greatest(100, :tasks / 100) ELSE 'large' END AS project_id,
    't' || n AS id, 'Task ' || n AS title,
    CASE WHEN n > :tasks - 100 THEN 'OPEN' WHEN n % 3 = 0 THEN 'CANCELLED' ELSE 'DONE' END AS state,
    'm' || CASE WHEN n > :tasks - 200 AND n % 4 = 1 THEN 49 ELSE 1 + n % 20 END AS assignee_id,
    CASE WHEN n > :tasks - 100 THEN 9000 ELSE n % 480 END AS effort_minutes,
    TIMESTAMPTZ '2020-01-01 00:00Z' + n * interval '1 minute' AS since,
    -- The oldest half of the deleted ones at the beginning, where each list starts.
    n % 10 <> 0 AND (n < :tasks / 10 OR n % 20 = 7) AS deleted
  FROM generate_series(1, :tasks) AS n ORDER BY n
) AS made;

INSERT INTO task_dependencies (project_id, task_id, depends_on_id, place)
SELECT project_id, id, earlier, 1
FROM (
  SELECT project_id, id, lag(id) OVER (PARTITION BY project_id ORDER BY sequence) AS earlier
  FROM tasks WHERE delete_time IS NULL
) AS chain
WHERE earlier IS NOT NULL;
