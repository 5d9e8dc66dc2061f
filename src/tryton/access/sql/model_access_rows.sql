SELECT a.id, m.model, a."group", a.perm_read IS TRUE, a.perm_write IS TRUE
FROM ir_model_access a
JOIN ir_model m ON m.id = a.model
WHERE a.active IS TRUE
ORDER BY a.id
