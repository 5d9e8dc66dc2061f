-- Every visible table with its columns: what exists, which type, what the role may read, whether its rows are what this
-- database has stored.
SELECT c.relname::text,
       has_table_privilege(c.oid, 'SELECT'),
       array_agg(a.attname::text ORDER BY a.attnum),
       array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum),
       c.reltuples::float8,
       c.relkind IN ('r', 'p', 'm') AND NOT c.relrowsecurity
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_table_is_visible(c.oid)
GROUP BY c.oid, c.relname, c.reltuples, c.relkind, c.relrowsecurity
