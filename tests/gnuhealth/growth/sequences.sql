-- Sequences ahead of all that was copied: those of ids, and those of the numbers that Tryton gives.
SELECT setval(pg_get_serial_sequence(name, 'id'), id) FROM (
  SELECT t.name, (xpath('/row/max/text()', query_to_xml('SELECT max(id) FROM ' || t.name, false, true, '')))[1]::text::bigint AS id
  FROM grow.tbl t) ids;
SELECT setval(c.oid::regclass, coalesce(pg_sequence_last_value(c.oid), 0) + (SELECT max(levels) * (:copies + 1) * 1000 FROM grow.tbl))
FROM pg_class c WHERE c.relkind = 'S' AND c.relname ~ '^ir_sequence_[0-9]+$';
