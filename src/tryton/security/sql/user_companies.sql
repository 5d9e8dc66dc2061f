SELECT u.id, u.company, c.timezone, u.employee, u.company_filter,
       ARRAY(SELECT l.company FROM "res_user-company_company" l WHERE l."user" = u.id AND l.company IS NOT NULL ORDER BY l.company),
       ARRAY(SELECT l.employee FROM "res_user-company_employee" l WHERE l."user" = u.id AND l.employee IS NOT NULL ORDER BY l.employee)
FROM res_user u
LEFT JOIN company_company c ON c.id = u.company
WHERE u.id <> 0
