-- What belongs to a patient, found by the foreign keys: every row that refers to a patient, to its party, or to such a row.
-- Of health professionals only what describes them: their work belongs to patients.
-- A scratch schema, dropped when the hospital is grown.
DROP SCHEMA IF EXISTS grow CASCADE;
CREATE SCHEMA grow;

-- Even in [0, 1), the same on every run.
CREATE FUNCTION grow.u(key bigint, salt bigint) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((hashint8extended(key, salt) >> 11) & 9007199254740991)::double precision / 9007199254740992 $$;

-- A number of a copy: its last digits move up, a UUID is another one.
CREATE FUNCTION grow.code(value text, step bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN value ~ '^[0-9a-f]{8}-[0-9a-f]{4}-' THEN md5(value || step)::uuid::text
     ELSE coalesce((SELECT part[1] || lpad(moved, greatest(length(part[2]), length(moved)), '0') || part[3]
                    FROM (SELECT regexp_match(value, '^(.*?)(\d{1,15})(\D*)$') AS part) AS parts,
                         LATERAL (SELECT (part[2]::bigint + step)::text AS moved) AS sum), value || '-' || step) END $$;

CREATE TABLE grow.link AS
  SELECT c.conrelid::regclass::text AS child, a.attname::text AS field, c.confrelid::regclass::text AS parent
  FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
  WHERE c.contype = 'f' AND a.attname NOT IN ('create_uid', 'write_uid');

CREATE TABLE grow.owned (
  tbl text NOT NULL,
  id integer NOT NULL,
  owner integer NOT NULL, -- the patient; negative: the health professional
  rank integer,           -- from 0, within the table
  reference text,         -- as Tryton writes it in fields that refer to any model
  PRIMARY KEY (tbl, id));
INSERT INTO grow.owned SELECT 'gnuhealth_patient', id, id FROM gnuhealth_patient;
INSERT INTO grow.owned SELECT 'party_party', party, min(id) FROM gnuhealth_patient GROUP BY party;
INSERT INTO grow.owned SELECT 'gnuhealth_healthprofessional', id, -id FROM gnuhealth_healthprofessional;
INSERT INTO grow.owned
  SELECT 'party_party', party, -min(id) FROM gnuhealth_healthprofessional GROUP BY party ON CONFLICT DO NOTHING;
-- Households come with whoever of them is the first patient.
INSERT INTO grow.owned
  SELECT 'gnuhealth_du', p.du, min(q.id) FROM gnuhealth_patient q JOIN party_party p ON p.id = q.party
  WHERE p.du IS NOT NULL GROUP BY 2;
INSERT INTO grow.owned SELECT 'gnuhealth_family', family, min(id) FROM gnuhealth_patient WHERE family IS NOT NULL GROUP BY 2;

DO $$
DECLARE
  link record;
  found bigint;
  total bigint := 1;
BEGIN
  WHILE total > 0 LOOP
    total := 0;
    FOR link IN
      SELECT * FROM grow.link
      WHERE child NOT IN ('party_party', 'gnuhealth_patient', 'gnuhealth_healthprofessional', 'gnuhealth_du', 'gnuhealth_family')
      -- Who is meant by a certificate of birth is the child, not the mother.
      ORDER BY field NOT IN ('party', 'patient', 'patient_id', 'person'), child, field
    LOOP
      EXECUTE format(
        'INSERT INTO grow.owned SELECT %1$L, c.id, min(o.owner) FROM %1$s c JOIN grow.owned o ON o.tbl = %2$L AND o.id = c.%3$I'
        ' WHERE o.owner > 0 OR %4$L GROUP BY c.id ON CONFLICT DO NOTHING', link.child, link.parent, link.field,
        link.child LIKE 'party\_%' OR link.child IN
          ('gnuhealth_person_name', 'gnuhealth_person_alternative_identification', 'gnuhealth_hp_specialty'));
      GET DIAGNOSTICS found = ROW_COUNT;
      total := total + found;
    END LOOP;
  END LOOP;
END $$;

UPDATE grow.owned o SET reference = m.model || ',' || o.id FROM ir_model m WHERE replace(m.model, '.', '_') = o.tbl;
-- A file of megabytes is not copied hundreds of times.
INSERT INTO grow.owned
  SELECT 'ir_attachment', a.id, o.owner FROM ir_attachment a JOIN grow.owned o ON o.reference = a.resource
  WHERE coalesce(length(a.data), 0) < 65536;

UPDATE grow.owned o SET rank = n.rank
  FROM (SELECT tbl, id, row_number() OVER (PARTITION BY tbl ORDER BY id) - 1 AS rank FROM grow.owned) n
  WHERE n.tbl = o.tbl AND n.id = o.id;
CREATE INDEX ON grow.owned (reference);
ANALYZE grow.owned;

-- The tables to copy. Ids of copies start at `base`, in blocks of `size` rows.
CREATE TABLE grow.tbl (
  name text PRIMARY KEY,
  size integer NOT NULL,
  base bigint NOT NULL,
  repeat double precision NOT NULL DEFAULT 0, -- 0: once for each patient
  levels integer NOT NULL DEFAULT 1);         -- how often at most
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT DISTINCT tbl FROM grow.owned LOOP
    EXECUTE format('INSERT INTO grow.tbl SELECT %L, (SELECT count(*) FROM grow.owned WHERE tbl = %1$L), max(id) + 1 FROM %1$s', name);
  END LOOP;
END $$;
