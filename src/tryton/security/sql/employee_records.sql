SELECT e.id, to_jsonb(e)::text FROM company_employee e
