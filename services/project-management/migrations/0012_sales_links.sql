-- The quote and the order of sales that a project delivers: the ids in their names. Null for other projects, and for those that the
-- version before makes.
ALTER TABLE projects
  ADD COLUMN quote_id text,
  ADD COLUMN order_id text;
