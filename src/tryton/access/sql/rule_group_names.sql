SELECT id, coalesce(name, '') FROM ir_rule_group
