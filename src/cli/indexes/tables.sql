-- Every table: how many rows it has about, the usual width of its columns, and its indexes.
SELECT c.relname::text,
       CASE WHEN c.reltuples > 0 THEN c.reltuples::int8
            -- Never analysed: as if a row took an eighth of a kilobyte.
            ELSE pg_relation_size(c.oid) / 128 END,
       ARRAY(SELECT s.attname || ' ' || s.avg_width
             FROM pg_stats s
             WHERE s.schemaname = n.nspname AND s.tablename = c.relname)::text[],
       -- Name, method, columns, directions (1 descending, 2 NULLs first), and what its rows must satisfy.
       ARRAY(SELECT concat_ws(E'\t', i.relname, a.amname,
                              (SELECT string_agg(coalesce(k.attname, ''), ',' ORDER BY u.place)
                               FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (number, place)
                               LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = u.number
                               WHERE u.place <= x.indnkeyatts),
                              array_to_string(x.indoption::int2[], ','),
                              coalesce(pg_get_expr(x.indpred, c.oid), ''))
             FROM pg_index x
             JOIN pg_class i ON i.oid = x.indexrelid
             JOIN pg_am a ON a.oid = i.relam
             WHERE x.indrelid = c.oid AND x.indisvalid)::text[]
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND pg_table_is_visible(c.oid)
