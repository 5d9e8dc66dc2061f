SELECT a.id, m.model || '.' || f.name, a."group", a.perm_read IS TRUE, a.perm_write IS TRUE
FROM ir_model_field_access a
JOIN ir_model_field f ON f.id = a.field
JOIN ir_model m ON m.id = f.model
WHERE a.active IS TRUE
ORDER BY a.id
