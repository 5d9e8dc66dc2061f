-- Language of the texts in the columns themselves.
SELECT coalesce((SELECT language FROM ir_configuration ORDER BY id LIMIT 1), 'en')
