-- One entry of the outbox for up to 100 products that a statement changes, and not one for each: an order changes several.
-- Replicas of the version before read `id` alone: their watchers learn of the others when kept answers end.
CREATE OR REPLACE FUNCTION append_product_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sync_outbox (topic, payload)
  SELECT 'products', jsonb_build_object('id', min(id), 'ids', jsonb_agg(id ORDER BY id))
  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 100 AS part FROM changed) AS numbered
  GROUP BY part
  ORDER BY part;
  RETURN NULL;
END
$$;
