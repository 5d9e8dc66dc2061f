SELECT m.model, f.name, f.ttype, f.relation, coalesce(f.access, false)
FROM ir_model_field f
JOIN ir_model m ON m.id = f.model
