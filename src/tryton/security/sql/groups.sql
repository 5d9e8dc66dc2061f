SELECT id, parent, active IS TRUE, coalesce(name, '') FROM res_group
