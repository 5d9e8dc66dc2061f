SELECT "user", "group" FROM "res_user-res_group" WHERE "user" IS NOT NULL AND "group" IS NOT NULL ORDER BY 1, 2
