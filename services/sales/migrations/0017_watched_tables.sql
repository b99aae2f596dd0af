-- Customers, quotes and products are watched: each change is appended to the outbox of @rondo/sync with the row as it is after the
-- change, whichever version of the service writes.
CREATE TRIGGER customers_are_watched AFTER INSERT OR UPDATE ON customers
  FOR EACH ROW EXECUTE FUNCTION sync_append_row('customers', 'salesperson');

-- The lines of a quote are written after it, so its changes are appended when the transaction commits. Its locks keep them in order.
CREATE FUNCTION append_quote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sync_outbox (topic, payload)
  SELECT 'quotes', jsonb_build_object('rows', jsonb_build_array(
    sync_texts(to_jsonb(quotes)) || jsonb_build_object(
      'order_id', orders.id, 'order_time', orders.create_time, 'project', orders.project,
      'lines', (
        SELECT coalesce(jsonb_agg(sync_texts(to_jsonb(quote_lines)) ORDER BY position), '[]')
        FROM quote_lines WHERE quote_id = quotes.id
      )
    )
  ))
  FROM quotes LEFT JOIN orders ON orders.quote_id = quotes.id
  WHERE quotes.id = NEW.id;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER quotes_added_are_watched AFTER INSERT ON quotes
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION append_quote();
-- A handover of the customer is one change for all of its quotes.
CREATE CONSTRAINT TRIGGER quotes_are_watched AFTER UPDATE ON quotes
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.salesperson = NEW.salesperson) EXECUTE FUNCTION append_quote();

CREATE OR REPLACE FUNCTION hand_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quotes SET salesperson = NEW.salesperson WHERE customer_id = NEW.id;
  UPDATE orders SET salesperson = NEW.salesperson WHERE customer_id = NEW.id;
  INSERT INTO sync_outbox (topic, payload)
  SELECT topic, jsonb_build_object('handover', true, field, NEW.id, 'from', OLD.salesperson, 'to', NEW.salesperson)
  FROM (VALUES ('orders', 'customer'), ('quotes', 'customer_id')) AS dependents (topic, field);
  RETURN NULL;
END
$$;

-- A statement that takes stock of several products appends one entry, as before. `id` and `ids` are for readers of earlier versions.
-- The lock waits for transactions that append entries without rows: none of them comes after a snapshot.
LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE;
CREATE OR REPLACE FUNCTION append_product_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The few products of an order, column by column, which takes less time than sync_texts.
  INSERT INTO sync_outbox (topic, payload)
  SELECT 'products', jsonb_build_object('id', min(id), 'ids', jsonb_agg(id), 'rows', jsonb_agg(jsonb_build_object(
    'id', id, 'sequence', sequence::text, 'title', title, 'sku', sku, 'currency', currency,
    'unit_price_minor', unit_price_minor::text, 'stock', stock::text,
    'delivery_effort_minutes', delivery_effort_minutes::text, 'version', version::text,
    'create_time', create_time, 'update_time', update_time, 'delete_time', delete_time
  )))
  FROM changed
  HAVING count(*) BETWEEN 1 AND 100;
  IF NOT FOUND THEN
    INSERT INTO sync_outbox (topic, payload)
    SELECT 'products', jsonb_build_object('id', min(id), 'ids', jsonb_agg(id), 'rows', jsonb_agg(sync_texts(stored)))
    FROM (SELECT id, to_jsonb(changed) AS stored, (row_number() OVER () - 1) / 100 AS part FROM changed) AS numbered
    GROUP BY part;
  END IF;
  RETURN NULL;
END
$$;
