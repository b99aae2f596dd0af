-- Each change of a product's stock is a row of its own, whichever statement makes it: by the triggers no version of the service can
-- leave one out. So the sum of a product's deltas is its stock. A statement tells why in the setting `rondo.stock_change`, an object
-- with `reason`, `reference` and `subject`; the version before tells nothing.
--
-- Rows are only added. There is no reference to the product, which is never removed either, as its check would be one more
-- statement for each row.
CREATE TABLE stock_changes (
  product_id text NOT NULL,
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  delta bigint NOT NULL CHECK (delta <> 0),
  -- After the change.
  stock bigint NOT NULL,
  reason text NOT NULL,
  reference text NOT NULL,
  subject text NOT NULL,
  create_time timestamptz(3) NOT NULL,
  -- The list of a product walks along it.
  PRIMARY KEY (product_id, create_time, sequence)
);

CREATE FUNCTION append_first_stocks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  told jsonb := nullif(current_setting('rondo.stock_change', true), '')::jsonb;
BEGIN
  INSERT INTO stock_changes (product_id, delta, stock, reason, reference, subject, create_time)
  SELECT id, stock, stock, 'CREATED', '', coalesce(told ->> 'subject', ''), clock_timestamp()
  FROM added WHERE stock <> 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER products_first_stocks AFTER INSERT ON products
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION append_first_stocks();

-- The lock of the product's row puts its changes in order. Their times are in that order, too, if a clock goes back.
CREATE FUNCTION append_stock_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  told jsonb := nullif(current_setting('rondo.stock_change', true), '')::jsonb;
BEGIN
  INSERT INTO stock_changes (product_id, delta, stock, reason, reference, subject, create_time)
  SELECT
    NEW.id, NEW.stock - OLD.stock, NEW.stock,
    coalesce(told ->> 'reason', 'UNSPECIFIED'), coalesce(told ->> 'reference', ''), coalesce(told ->> 'subject', ''),
    greatest(clock_timestamp(), (SELECT max(create_time) FROM stock_changes WHERE product_id = NEW.id));
  RETURN NULL;
END
$$;
CREATE TRIGGER products_stock_changed AFTER UPDATE OF stock ON products
  FOR EACH ROW WHEN (OLD.stock <> NEW.stock) EXECUTE FUNCTION append_stock_change();
