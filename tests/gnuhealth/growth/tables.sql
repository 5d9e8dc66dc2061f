-- The tables to copy as JSON: columns in their order, foreign keys, and fields that refer to a record of any model.
SELECT json_agg(row_to_json(rows) ORDER BY name) FROM (
  SELECT t.name, t.size, t.base, t.repeat, t.levels,
    (SELECT json_agg(json_build_object('name', a.attname, 'kind', format_type(a.atttypid, NULL)) ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = t.name::regclass AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT coalesce(json_object_agg(l.field, l.parent), '{}') FROM grow.link l WHERE l.child = t.name) AS links,
    (SELECT coalesce(json_agg(f.name), '[]') FROM ir_model_field f JOIN ir_model m ON m.id = f.model
     WHERE f.ttype = 'reference' AND replace(m.model, '.', '_') = t.name) AS references
  FROM grow.tbl t) rows
