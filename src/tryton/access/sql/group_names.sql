SELECT id, coalesce(name, '') FROM res_group
