-- An empty name is no application: the setting of that name says so.
SELECT application, key, "user" FROM res_user_application WHERE state = 'validated' AND application <> ''
