-- What 0010_salespeople.sql makes since it was corrected, for databases that had applied its former text.
ALTER TABLE quotes ALTER COLUMN salesperson DROP DEFAULT;
ALTER TABLE orders ALTER COLUMN salesperson DROP DEFAULT;
CREATE OR REPLACE TRIGGER quotes_copy_salesperson BEFORE INSERT ON quotes
  FOR EACH ROW WHEN (NEW.salesperson IS NULL) EXECUTE FUNCTION copy_salesperson();
CREATE OR REPLACE TRIGGER orders_copy_salesperson BEFORE INSERT ON orders
  FOR EACH ROW WHEN (NEW.salesperson IS NULL) EXECUTE FUNCTION copy_salesperson();
