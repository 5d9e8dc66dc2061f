-- The role, and the functions whose mere existence changes what Tryton's searches mean.
SELECT current_user::text,
       EXISTS (SELECT FROM pg_proc WHERE proname = 'unaccent'),
       EXISTS (SELECT FROM pg_proc WHERE proname = 'similarity'),
       split_part(current_setting('server_version'), ' ', 1),
       current_setting('server_encoding')
