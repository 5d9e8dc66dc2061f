-- One row for each patient to come: who it is and how its life differs from that of its template.
-- Variables: copies of the patients, copies of the staff, templates. grow.name holds the names to pick from.

-- The letters and digits of a PUID: a bijection, so that no two are the same.
CREATE FUNCTION grow.puid(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT string_agg(CASE WHEN place BETWEEN 4 AND 6 THEN chr(48 + (x / scale % 10)::int) ELSE chr(65 + (x / scale % 26)::int) END, ''
                    ORDER BY place)
  FROM (VALUES (1, 1::bigint), (2, 26), (3, 676), (4, 17576), (5, 175760), (6, 1757600), (7, 17576000), (8, 456976000), (9, 11881376000))
         AS places (place, scale),
       (SELECT n * 190913297027 % 308915776000 AS x) AS permuted $$;

-- How far a life can be moved back: from the first event to birth.
CREATE TABLE grow.slack (owner integer PRIMARY KEY, first date);
INSERT INTO grow.slack
  SELECT owner, min(day) FROM (
    SELECT patient AS owner, evaluation_start::date AS day FROM gnuhealth_patient_evaluation
    UNION ALL SELECT patient, least(date_requested, date_analysis)::date FROM gnuhealth_lab
    UNION ALL SELECT patient_id, date::date FROM gnuhealth_patient_lab_test
    UNION ALL SELECT patient, diagnosed_date FROM gnuhealth_patient_disease
    UNION ALL SELECT patient, start_treatment::date FROM gnuhealth_patient_medication
    UNION ALL SELECT patient, prescription_date::date FROM gnuhealth_prescription_order
    UNION ALL SELECT patient, appointment_date::date FROM gnuhealth_appointment) events
  WHERE owner IS NOT NULL GROUP BY owner;

CREATE TABLE grow.person AS
WITH template AS (
  SELECT o.rank, q.id AS owner, p.id AS party, p.name, p.lastname, coalesce(p.fed_country, '') AS country,
         least(3650, coalesce(s.first, date '2026-01-01') - coalesce(greatest(p.dob, date '1926-01-01'), date '1980-01-01')) AS slack,
         coalesce((SELECT n.script FROM grow.script n WHERE n.country = c.code), 'latin') AS script, p.gender
  FROM gnuhealth_patient q JOIN grow.owned o ON o.tbl = 'gnuhealth_patient' AND o.id = q.id
  JOIN party_party p ON p.id = q.party LEFT JOIN country_country c ON c.id = p.citizenship LEFT JOIN grow.slack s ON s.owner = q.id
  UNION ALL
  SELECT o.rank, o.owner, p.id, p.name, p.lastname, coalesce(p.fed_country, ''), 3650, 'latin', p.gender
  FROM grow.owned o JOIN party_party p ON p.id = o.id WHERE o.tbl = 'party_party' AND o.owner < 0
), numbered AS (
  SELECT t.*, c AS copy, c::bigint * :templates + t.rank + 1 + CASE WHEN t.owner < 0 THEN 10000000 ELSE 0 END AS key
  FROM template t CROSS JOIN LATERAL generate_series(0, CASE WHEN t.owner < 0 THEN :staff ELSE :copies END - 1) AS c
), drawn AS (
  SELECT n.*, CASE WHEN gender IN ('f', 'm') THEN gender WHEN grow.u(key, 1) < .5 THEN 'f' ELSE 'm' END AS kind FROM numbered n
)
SELECT d.copy, d.owner, d.party, d.key, d.name AS template_name, d.lastname AS template_lastname, greatest(d.slack, 0) AS slack,
       -- Days by which the whole life is earlier.
       floor(180 * grow.u(key, 2))::int AS days,
       floor(120 * grow.u(key, 3))::int - 60 AS minutes,
       CASE WHEN d.slack < 365 THEN 0.01 ELSE least(6, -ln(1 - grow.u(key, 4))) END AS weight,
       timestamp '2026-01-01' - floor(grow.u(key, 5) * least(greatest(d.slack, 1), 3650) * 1440)::int * interval '1 minute' AS registered,
       given.value || CASE WHEN grow.u(key, 6) < s.two_given AND more_given.value <> given.value THEN s.blank || more_given.value
                           ELSE '' END AS given,
       family.value || CASE WHEN grow.u(key, 7) < s.two_families AND more_family.value <> family.value THEN ' ' || more_family.value
                            ELSE '' END AS family,
       maiden.value AS maiden,
       grow.puid(key) AS puid, d.country || grow.puid(key) AS account
FROM drawn d
JOIN (SELECT DISTINCT ON (script) * FROM grow.script ORDER BY script, country) s ON s.script = d.script
JOIN (SELECT script, kind, count(*) AS n FROM grow.name GROUP BY 1, 2) givens ON givens.script = d.script AND givens.kind = d.kind
JOIN (SELECT script, kind, count(*) AS n FROM grow.name GROUP BY 1, 2) families ON families.script = d.script AND families.kind = 'family'
-- The first of a list are the frequent ones.
JOIN grow.name given ON given.script = d.script AND given.kind = d.kind AND given.place = floor(givens.n * pow(grow.u(key, 8), 1.6))
JOIN grow.name more_given ON more_given.script = d.script AND more_given.kind = d.kind
  AND more_given.place = floor(givens.n * pow(grow.u(key, 9), 1.6))
JOIN grow.name family ON family.script = d.script AND family.kind = 'family'
  AND family.place = floor(families.n * pow(grow.u(key, 10), 1.6))
JOIN grow.name more_family ON more_family.script = d.script AND more_family.kind = 'family'
  AND more_family.place = floor(families.n * pow(grow.u(key, 11), 1.6))
JOIN grow.name maiden ON maiden.script = d.script AND maiden.kind = 'family' AND maiden.place = floor(families.n * grow.u(key, 12));
CREATE UNIQUE INDEX ON grow.person (owner, copy);
ANALYZE grow.person;

UPDATE grow.tbl SET levels = (SELECT max(greatest(1, ceil(weight * repeat))) FROM grow.person) WHERE repeat > 0;

-- What a condition or a prescription is about, when it is not that of the template: some are frequent, most are rare.
CREATE TABLE grow.choice (kind text, place integer, id integer, PRIMARY KEY (kind, place));
INSERT INTO grow.choice
  SELECT 'pathology', row_number() OVER (ORDER BY hashint8extended(id, 1)) - 1, id FROM gnuhealth_pathology
  WHERE code ~ '^[A-T][0-9][0-9](\.[0-9])?$';
INSERT INTO grow.choice
  SELECT 'medicament', row_number() OVER (ORDER BY hashint8extended(id, 2)) - 1, id FROM gnuhealth_medicament WHERE is_vaccine IS NOT TRUE;
ANALYZE grow.choice;
