-- All foreign keys as JSON.
SELECT json_agg(json_build_object(
  'name', replace(c.conrelid::regclass::text || '.' || a.attname, '''', ''), 'child', c.conrelid::regclass::text,
  'field', quote_ident(a.attname), 'parent', c.confrelid::regclass::text, 'target', quote_ident(b.attname)) ORDER BY 1)
FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1
