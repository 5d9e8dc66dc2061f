-- Tryton 6.0 offers the user's row to record rules. The secrets of the row stay in the database.
SELECT u.id, (to_jsonb(u) - '{password,password_hash,password_reset,password_reset_expire}'::text[])::text
FROM res_user u
WHERE u.id <> 0
