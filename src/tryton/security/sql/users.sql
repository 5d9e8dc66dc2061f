-- Users that can sign in or own a token; root (0) never can.
SELECT u.id, u.login, u.active IS TRUE, u.password_hash, u.password_reset, u.password_reset_expire, l.code, u.name
FROM res_user u
LEFT JOIN ir_lang l ON l.id = u.language
WHERE u.id <> 0 AND u.login IS NOT NULL
