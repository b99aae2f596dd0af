-- rondo:no-transaction
-- By the first two the project of a quote or an order is found. Sorted lists walk along the others: by the value, then by the order
-- in which rows were made. A missing date counts as the last one. Where a list was filtered by an index on the value alone, the new
-- one takes its place.
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_quote ON projects (quote_id) WHERE quote_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_order ON projects (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS members_sort_create_time ON members (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS members_sort_display_name ON members (display_name, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_sort_create_time ON projects (create_time, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_sort_title ON projects (title, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_sort_start_date ON projects ((coalesce(start_date, DATE '9999-12-31')), sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS projects_sort_due_date ON projects ((coalesce(due_date, DATE '9999-12-31')), sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_sort_title ON tasks (project_id, title, sequence);
CREATE INDEX CONCURRENTLY IF NOT EXISTS tasks_sort_effort ON tasks (project_id, effort_minutes, sequence);
DROP INDEX CONCURRENTLY IF EXISTS members_create_time;
DROP INDEX CONCURRENTLY IF EXISTS members_display_name;
DROP INDEX CONCURRENTLY IF EXISTS projects_create_time;
DROP INDEX CONCURRENTLY IF EXISTS projects_title;
DROP INDEX CONCURRENTLY IF EXISTS tasks_title;
DROP INDEX CONCURRENTLY IF EXISTS tasks_effort;
