-- The products from before begin with an opening change, of the moment at which the triggers of 0014 were made. Meanwhile replicas
-- change stocks: as each change has its row in the same transaction, the stock without these rows is the opening one in every
-- snapshot, and nothing has to be locked.
INSERT INTO stock_changes (product_id, delta, stock, reason, reference, subject, create_time)
SELECT id, opening, opening, 'OPENING', '', '', (SELECT applied_at FROM rondo_migrations WHERE number = 14)
FROM (
  SELECT id, stock - coalesce((SELECT sum(delta) FROM stock_changes WHERE product_id = products.id), 0)::bigint AS opening
  FROM products
) AS stocks
WHERE opening <> 0;
