SELECT name FROM ir_module WHERE state IN ('activated', 'to upgrade')
