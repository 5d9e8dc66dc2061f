-- Rule groups without permission to read are needed too: an empty group counts whatever it permits.
SELECT m.model, g.id, g.global_p IS TRUE, g.default_p IS TRUE, g.perm_read IS TRUE,
       ARRAY(SELECT l."group" FROM "ir_rule_group-res_group" l WHERE l.rule_group = g.id AND l."group" IS NOT NULL ORDER BY 1),
       ARRAY(SELECT coalesce(r.domain, '') FROM ir_rule r WHERE r.rule_group = g.id ORDER BY r.id),
       coalesce(g.name, '')
FROM ir_rule_group g
JOIN ir_model m ON m.id = g.model
ORDER BY g.id
