-- One stock transaction as a function of the database: what the gateway does for each of a group, without keys and versions
-- expected. pgbench and PostGraphile are measured with it.
CREATE FUNCTION move_stock(moved_product_id text, moved_action stock_action, moved_quantity int)
RETURNS stock_transaction
LANGUAGE plpgsql AS $$
DECLARE
  level stock;
  moved stock_transaction;
BEGIN
  SELECT * INTO level FROM stock WHERE product_id = moved_product_id AND tracked FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'STOCK_NOT_FOUND';
  END IF;
  level.available := level.available + moved_quantity * CASE WHEN moved_action IN ('INCREMENT', 'DEALLOCATE') THEN 1 ELSE -1 END;
  level.allocated := level.allocated + moved_quantity * CASE moved_action WHEN 'ALLOCATE' THEN 1 WHEN 'DEALLOCATE' THEN -1 ELSE 0 END;
  IF level.available < 0 OR level.allocated < 0 THEN
    RAISE EXCEPTION 'INSUFFICIENT_STOCK';
  END IF;
  level.updated_at := clock_timestamp();
  UPDATE stock
  SET available = level.available, allocated = level.allocated, version = version + 1, updated_at = level.updated_at
  WHERE product_id = moved_product_id;
  INSERT INTO stock_transaction (product_id, version, id, action, quantity, available_after, allocated_after, actor, created_at, position)
  VALUES (moved_product_id, level.version + 1, uuidv7(), moved_action, moved_quantity, level.available, level.allocated, 'bench',
          level.updated_at, nextval('stock_transaction_position'))
  RETURNING * INTO moved;
  RETURN moved;
END;
$$;
