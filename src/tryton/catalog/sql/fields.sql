-- Every model with its fields.
SELECT m.model,
       array_agg(f.name),
       array_agg(f.ttype),
       array_agg(nullif(f.relation, '')),
       array_agg(coalesce(f.access, false))
FROM ir_model_field f
JOIN ir_model m ON m.id = f.model
GROUP BY m.model
