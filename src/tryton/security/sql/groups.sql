SELECT id, parent, active IS TRUE FROM res_group
