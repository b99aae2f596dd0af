-- rondo:formerly 05045e8b12fe773f50bca99a07d0808a372b7589726edc33adac3ee5b96d25eb
-- A customer belongs to its salesperson, and its quotes and orders with it. The triggers keep the copies, by which lists walk,
-- whichever version of the service writes: a new row that names none gets its customer's.
ALTER TABLE customers ADD COLUMN salesperson text NOT NULL DEFAULT '' CHECK (char_length(salesperson) <= 255);
ALTER TABLE quotes ADD COLUMN salesperson text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN salesperson text NOT NULL DEFAULT '';
ALTER TABLE quotes ALTER COLUMN salesperson DROP DEFAULT;
ALTER TABLE orders ALTER COLUMN salesperson DROP DEFAULT;

-- The lock keeps a handover waiting until the new row is committed, so that the handover changes that row too.
CREATE FUNCTION copy_salesperson() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.salesperson := coalesce((SELECT salesperson FROM customers WHERE id = NEW.customer_id FOR SHARE), '');
  RETURN NEW;
END
$$;
CREATE TRIGGER quotes_copy_salesperson BEFORE INSERT ON quotes
  FOR EACH ROW WHEN (NEW.salesperson IS NULL) EXECUTE FUNCTION copy_salesperson();
CREATE TRIGGER orders_copy_salesperson BEFORE INSERT ON orders
  FOR EACH ROW WHEN (NEW.salesperson IS NULL) EXECUTE FUNCTION copy_salesperson();

CREATE FUNCTION hand_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE quotes SET salesperson = NEW.salesperson WHERE customer_id = NEW.id;
  UPDATE orders SET salesperson = NEW.salesperson WHERE customer_id = NEW.id;
  INSERT INTO sync_outbox (topic, payload) VALUES (
    'orders', jsonb_build_object('handover', true, 'customer', NEW.id, 'from', OLD.salesperson, 'to', NEW.salesperson)
  );
  RETURN NULL;
END
$$;
CREATE TRIGGER customers_hand_over AFTER UPDATE OF salesperson ON customers
  FOR EACH ROW WHEN (OLD.salesperson <> NEW.salesperson) EXECUTE FUNCTION hand_over();
