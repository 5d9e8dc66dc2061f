--
-- PostgreSQL database dump
--

\restrict eKpH1zJWS7XsNqQ0

-- It's made by hand, in the form of pg_dump.

SET statement_timeout = 0;
SET a_setting_of_the_future = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.ir_module (
    id integer NOT NULL,
    name character varying DEFAULT ';'::character varying -- a semicolon;
);

COMMENT ON TABLE public.ir_module IS 'It''s the
marker;
';

CREATE TABLE public.party_party (
    id integer NOT NULL,
    name character varying,
    CONSTRAINT party_party_id_positive CHECK ((id >= 0))
);

CREATE SEQUENCE public.party_party_id_seq
    START WITH 1
    CACHE 1;

ALTER TABLE ONLY public.party_party ALTER COLUMN id SET DEFAULT nextval('public.party_party_id_seq'::regclass);

CREATE TABLE public.nothing (
    id integer
);

COPY public.ir_module (id, name) FROM stdin;
1	health
2	\N
\.

COPY public.party_party (id, name) FROM stdin;
1	Ana;
2	Berta\nTab\there
3	\\.
\.

COPY public.nothing (id) FROM stdin;
\.

SELECT pg_catalog.setval('public.party_party_id_seq', 3, true);

ALTER TABLE ONLY public.party_party
    ADD CONSTRAINT party_party_pkey PRIMARY KEY (id);

\unrestrict eKpH1zJWS7XsNqQ0
