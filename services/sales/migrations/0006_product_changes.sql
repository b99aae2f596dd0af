-- Each change of products is told to watchers through the outbox of @rondo/sync, whichever statement makes it, and also if a
-- replica of an earlier version does, which doesn't know of it.
CREATE FUNCTION append_product_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sync_outbox (topic, payload) SELECT 'products', jsonb_build_object('id', id) FROM changed ORDER BY id;
  RETURN NULL;
END
$$;
CREATE TRIGGER products_added AFTER INSERT ON products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_product_changes();
CREATE TRIGGER products_changed AFTER UPDATE ON products
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION append_product_changes();
