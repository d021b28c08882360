/// A database with everything in it that makes a backup of Postgres awkward: names, values, partitions, large objects, rights.
///
/// It takes the extensions that come with the server, and two roles, which all databases made of it share and which stay:
/// `hf_reader` and `hf Owner's role`. Only `audit.at` and `generated.code` come from the clock and from chance.
package enum PostgresSample {
    /// The tables that hold rows of their own, partitions among them, and how many; those of tables that inherit from one are
    /// not counted with it (`SELECT count(*) FROM ONLY …`). Partitioned tables themselves hold none.
    package static let rows: [(schema: String, table: String, rows: Int)] = [
        ("My Schema", "My Table", 3),
        ("UPPER", "SAME", 2),
        ("UPPER", "same", 3),
        ("cold", "Events 2023", 9),
        ("ext", "secrets", 4),
        ("public", "$_é$", 0),
        ("public", "-- drop table", 1),
        ("public", "Select", 7),
        ("public", "a23456789012345678901234567890123456789012345678901234567890123", 1),
        ("public", "animals", 3),
        ("public", "audit", 2),
        ("public", "audited", 2),
        ("public", "birds", 2),
        ("public", "cache", 2),
        ("public", "children", 2),
        ("public", "documents", 3),
        ("public", "dropped_columns", 2),
        ("public", "empty", 0),
        ("public", "events_2022", 1),
        ("public", "events_2024", 21),
        ("public", "events_rest_A", 6),
        ("public", "events_rest_default", 3),
        ("public", "generated", 5),
        ("public", "guarded", 3),
        ("public", "hashed_0", 0),
        ("public", "hashed_1", 0),
        ("public", "husbands", 2),
        ("public", "no_columns", 2),
        ("public", "rooms", 3),
        ("public", "serials", 1),
        ("public", "tree", 3),
        ("public", "values", 7),
        ("public", "wives", 1),
        ("quote\"d.schema", "table.with \"all\" 'of' it", 11),
        ("ünïcode 日本", "tàble 表 🐘", 4),
    ]

    /// The partitioned tables, and how many rows all their partitions hold.
    package static let partitioned: [(schema: String, table: String, rows: Int)] = [
        ("public", "events", 39), ("public", "events_rest", 9), ("public", "hashed", 0),
        ("public", "partitioned_empty", 0),
    ]

    /// The materialised views; nil: one that was never filled, which cannot be read.
    package static let materialised: [(schema: String, view: String, rows: Int?)] = [
        ("public", "by_kind", 3), ("My Schema", "on a View", 1), ("public", "not_filled", nil),
    ]

    /// The large objects and how many bytes they hold.
    package static let largeObjects: [(oid: Int, bytes: Int)] = [(424_201, 4), (424_202, 0), (424_203, 96_000)]

    /// What makes it, for psql, in an empty database, as a superuser.
    package static let sql = #"""
        SET client_min_messages = error;
        SET standard_conforming_strings = on;

        -- Roles belong to the whole server: databases made of this share them.
        DO $$ BEGIN
            CREATE ROLE "hf Owner's role" NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
        DO $$ BEGIN
            CREATE ROLE hf_reader LOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

        DO $$ BEGIN
            EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), E'a \\ comment\nin two lines, ''quoted''');
            EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '3MB');
            EXECUTE format('ALTER DATABASE %I SET app.note = %L', current_database(), 'it''s "this", \that');
            EXECUTE format('ALTER ROLE hf_reader IN DATABASE %I SET search_path = %L, public', current_database(), 'My Schema');
            EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO hf_reader WITH GRANT OPTION', current_database());
        END $$;

        CREATE SCHEMA "My Schema";
        CREATE SCHEMA "UPPER";
        CREATE SCHEMA "quote""d.schema" AUTHORIZATION "hf Owner's role";
        CREATE SCHEMA "ünïcode 日本";
        CREATE SCHEMA ext;
        CREATE SCHEMA cold;
        COMMENT ON SCHEMA "UPPER" IS 'nothing but "UPPER" case';
        GRANT USAGE ON SCHEMA "My Schema", "quote""d.schema" TO hf_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA "My Schema" GRANT SELECT ON TABLES TO hf_reader;

        CREATE EXTENSION hstore SCHEMA ext;
        CREATE EXTENSION citext SCHEMA public;
        CREATE EXTENSION pgcrypto SCHEMA ext;
        CREATE EXTENSION pg_trgm SCHEMA ext;
        CREATE EXTENSION btree_gist SCHEMA ext;
        CREATE EXTENSION postgres_fdw;

        -- Types.
        CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'very "happy"', 'fröhlich');
        CREATE TYPE "My Schema"."Pair" AS (left_one integer, "right one" text);
        CREATE DOMAIN public.percent AS numeric(5, 2) DEFAULT 0 CHECK (VALUE BETWEEN 0 AND 100);
        CREATE TYPE public.span AS RANGE (subtype = timestamptz);
        CREATE COLLATION public."bytes first" (locale = 'C');

        -- Names.
        CREATE TABLE public."Select" ("Order" integer PRIMARY KEY, "group by" text, "per%cent" text, U&"tab\0009name" text, "back\slash" text);
        INSERT INTO public."Select" SELECT n, 'row ' || n, n || '%', E'\t', E'\\' FROM generate_series(1, 7) n;
        CREATE TABLE "My Schema"."My Table" (id integer, "a ""quoted"" column" text DEFAULT E'it''s\n\\', p "My Schema"."Pair");
        INSERT INTO "My Schema"."My Table" VALUES (1, DEFAULT, (1, 'x')), (2, NULL, NULL), (3, '', (NULL, E'"(),\\'));
        CREATE TABLE "quote""d.schema"."table.with ""all"" 'of' it" (n integer);
        ALTER TABLE "quote""d.schema"."table.with ""all"" 'of' it" OWNER TO "hf Owner's role";
        INSERT INTO "quote""d.schema"."table.with ""all"" 'of' it" SELECT generate_series(1, 11);
        CREATE TABLE "ünïcode 日本"."tàble 表 🐘" ("ключ" text PRIMARY KEY);
        INSERT INTO "ünïcode 日本"."tàble 表 🐘" VALUES ('значение'), ('🐘🐘'), (E'e\u0301'), ('é');
        CREATE TABLE "UPPER"."SAME" (n integer);
        CREATE TABLE "UPPER".same (n integer);
        INSERT INTO "UPPER"."SAME" VALUES (1), (2);
        INSERT INTO "UPPER".same VALUES (1), (2), (3);
        CREATE TABLE public."-- drop table" (n integer);
        INSERT INTO public."-- drop table" VALUES (1);
        CREATE TABLE public."$_é$" (n integer);
        CREATE TABLE public.a23456789012345678901234567890123456789012345678901234567890123 (n integer);
        INSERT INTO public.a23456789012345678901234567890123456789012345678901234567890123 VALUES (63);

        -- No rows, no columns.
        CREATE TABLE public.empty (id integer PRIMARY KEY, note text);
        CREATE TABLE public.no_columns ();
        INSERT INTO public.no_columns DEFAULT VALUES;
        INSERT INTO public.no_columns DEFAULT VALUES;
        CREATE TABLE public.dropped_columns (a integer, b text, c integer);
        INSERT INTO public.dropped_columns VALUES (1, 'gone', 2), (3, 'gone', 4);
        ALTER TABLE public.dropped_columns DROP COLUMN b;
        ALTER TABLE public.dropped_columns ADD COLUMN d text NOT NULL DEFAULT 'later';

        -- Values.
        CREATE TABLE public.values (
            id integer PRIMARY KEY, t text, b bytea, j jsonb, x xml, a integer[], ta text[], m mood, pc percent, f double precision,
            r float4, n numeric, ts timestamptz, d date, iv interval, net inet, u uuid, bits varbit, s span, pt point, ci citext,
            h ext.hstore, v tsvector, fixed char(5), ok boolean, big bigint, oidcol oid
        );
        INSERT INTO public.values (id) VALUES (1);
        INSERT INTO public.values VALUES (
            2, E'tab\there\nnew line\rreturn\\backslash \\N \\. ''single'' "double"\b\f\x7f', '\x00ff5c0a090d27', '{"a": [1, null, "\u20ac\\"]}',
            '<a b="c">&amp;</a>', '{1,NULL,-3}', ARRAY['a,b', '"q"', E'\\', NULL, '', 'NULL', '{}'], 'very "happy"', 99.99,
            'Infinity', '-1.17549e-38', 'NaN', '-infinity', 'infinity', '-1 year 2 mons -3 days 04:05:06.789', '2001:db8::/32',
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', B'10110', '[2020-01-01 00:00+00,)', '(1e-300,2)', 'MiXeD', '"a b"=>NULL, "c\"d"=>"e=>f"',
            to_tsvector('simple', 'the ''quick'' fox'), 'ab', false, -9223372036854775808, 4294967295);
        INSERT INTO public.values (id, t, b, f, ts, n) VALUES
            (3, '', '', '-0', '0044-03-15 00:00:00+00 BC', 123456789012345678901234567890.123456789),
            (4, '\.', '\x5c2e0a', 1e-307, '294276-12-31 23:59:59.999999+00', 0.00000),
            (5, E'\\.\n', NULL, 0.1, '2026-10-25 02:30:00+02', -1);
        INSERT INTO public.values (id, t) SELECT 6, repeat('a long value, ' || E'\n', 20000);
        INSERT INTO public.values (id, b) SELECT 7, string_agg(decode(md5(n::text), 'hex'), '') FROM generate_series(1, 5000) n;

        -- Columns that make their own values.
        CREATE TABLE public.generated (
            id integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10),
            other bigint GENERATED BY DEFAULT AS IDENTITY,
            a integer NOT NULL, b integer GENERATED ALWAYS AS (a * 2) STORED,
            code text DEFAULT upper(md5(random()::text)),
            PRIMARY KEY (id)
        );
        INSERT INTO public.generated (a) SELECT generate_series(1, 5);
        CREATE SEQUENCE public."Sequence 1" INCREMENT BY -3 MINVALUE -1000 MAXVALUE 10 START 10 CACHE 5 CYCLE;
        SELECT nextval('public."Sequence 1"'), nextval('public."Sequence 1"') \g /dev/null
        CREATE SEQUENCE "My Schema".untouched AS smallint START 7;
        CREATE TABLE public.serials (id serial PRIMARY KEY, n integer DEFAULT nextval('"My Schema".untouched'));
        INSERT INTO public.serials DEFAULT VALUES;
        SELECT setval('public.serials_id_seq', 41, false) \g /dev/null

        -- Partitions, one elsewhere, one below another; one detached again.
        CREATE TABLE public.events (id bigint NOT NULL, at date NOT NULL, kind text, note text) PARTITION BY RANGE (at);
        CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE cold."Events 2023" PARTITION OF public.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
        CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT PARTITION BY LIST (kind);
        CREATE TABLE public."events_rest_A" PARTITION OF public.events_rest FOR VALUES IN ('A', NULL);
        CREATE TABLE public.events_rest_default PARTITION OF public.events_rest DEFAULT;
        CREATE TABLE public.events_2022 (LIKE public.events INCLUDING ALL);
        INSERT INTO public.events_2022 VALUES (1, '2022-01-01', 'x', 'no longer one of them');
        INSERT INTO public.events SELECT n, date '2023-12-22' + n, CASE n % 2 WHEN 0 THEN 'A' ELSE 'B' END, 'n ' || n FROM generate_series(1, 30) n;
        INSERT INTO public.events SELECT n, date '2025-01-01' + n, CASE n % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'B' END, NULL FROM generate_series(1, 9) n;
        CREATE INDEX "events by note" ON public.events (note);
        CREATE TABLE public.hashed (k integer PRIMARY KEY) PARTITION BY HASH (k);
        CREATE TABLE public.hashed_0 PARTITION OF public.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE public.hashed_1 PARTITION OF public.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE public.partitioned_empty (k integer) PARTITION BY LIST (k);

        -- Inheritance.
        CREATE TABLE public.animals (name text NOT NULL, legs integer DEFAULT 4);
        CREATE TABLE public.birds (wings integer) INHERITS (public.animals);
        INSERT INTO public.animals VALUES ('dog', 4), ('cat', DEFAULT), ('snail', 0);
        INSERT INTO public.birds VALUES ('owl', 2, 2), ('kiwi', 2, 0);

        -- Keys in a circle.
        CREATE TABLE public.husbands (id integer PRIMARY KEY, wife integer);
        CREATE TABLE public.wives (id integer PRIMARY KEY, husband integer REFERENCES public.husbands DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE public.husbands ADD FOREIGN KEY (wife) REFERENCES public.wives DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE public.tree (id integer PRIMARY KEY, parent integer REFERENCES public.tree ON DELETE CASCADE);
        BEGIN;
        INSERT INTO public.husbands VALUES (1, 1), (2, NULL);
        INSERT INTO public.wives VALUES (1, 1);
        COMMIT;
        INSERT INTO public.tree VALUES (3, NULL), (2, 3), (1, 2);
        CREATE TABLE public.children (id integer, parent integer);
        INSERT INTO public.children VALUES (1, 1), (2, 404);
        ALTER TABLE public.children ADD CONSTRAINT "not checked" FOREIGN KEY (parent) REFERENCES public.tree NOT VALID;
        CREATE TABLE public.rooms (room integer, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&));
        INSERT INTO public.rooms VALUES (1, '[2026-01-01,2026-01-02)'), (1, '[2026-01-02,2026-01-03)'), (2, '[2026-01-01,2026-01-09)');

        -- Functions, triggers, views, rules.
        CREATE FUNCTION public.shout(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $function$
        DECLARE
            body text := $$it's \ a "$1" body$$;
        BEGIN
            -- a comment; with a semicolon and \. in it
            RETURN upper(what) || E'\\' || coalesce(NULLIF(body, body), '');
        END
        $function$;
        CREATE FUNCTION "My Schema"."old style"(a integer = 1, VARIADIC rest text[] = '{}') RETURNS SETOF text LANGUAGE sql STABLE AS
            'SELECT a::text || ''\n'' || unnest(rest)';
        CREATE FUNCTION public.standard_body(a integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN a + 1;
        CREATE PROCEDURE public.nothing(INOUT a integer) LANGUAGE plpgsql AS 'BEGIN a := a; COMMIT; END';
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
            INSERT INTO audit (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME);
            RETURN NEW;
        END $$;
        CREATE AGGREGATE public.product(double precision) (SFUNC = float8mul, STYPE = double precision, INITCOND = 1);
        CREATE OPERATOR public.@#@ (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text);
        CREATE TABLE public.audit (id bigserial PRIMARY KEY, what text, at timestamptz DEFAULT now());
        CREATE TABLE public.audited (id integer PRIMARY KEY, name text, CHECK (public.shout(name) <> ''));
        CREATE TRIGGER "touch it" AFTER INSERT OR UPDATE ON public.audited FOR EACH ROW EXECUTE FUNCTION public.touch();
        INSERT INTO public.audited VALUES (1, 'a'), (2, 'b');
        CREATE TRIGGER off BEFORE DELETE ON public.audited FOR EACH ROW EXECUTE FUNCTION public.touch();
        ALTER TABLE public.audited DISABLE TRIGGER off;
        CREATE VIEW public."A view" WITH (security_barrier) AS SELECT id, upper(name) AS "UPPER name" FROM public.audited WHERE id > 0 WITH LOCAL CHECK OPTION;
        CREATE VIEW "My Schema".above AS SELECT v."UPPER name", count(*) FROM public."A view" v GROUP BY 1;
        CREATE RECURSIVE VIEW public.numbers (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 5;
        CREATE RULE "no delete" AS ON DELETE TO public."Select" DO INSTEAD NOTHING;
        CREATE INDEX "by shout" ON public.audited (public.shout(name)) WHERE id <> 3;
        CREATE INDEX trigrams ON public.audited USING gin (name ext.gin_trgm_ops);
        CREATE STATISTICS public.both (dependencies) ON id, name FROM public.audited;
        CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = simple);
        CREATE PUBLICATION "some" FOR TABLE public.audited;

        -- Materialised views: with rows, on another one, and never filled.
        CREATE MATERIALIZED VIEW public.by_kind AS SELECT kind, count(*) AS n FROM public.events GROUP BY kind;
        CREATE UNIQUE INDEX ON public.by_kind (kind);
        CREATE MATERIALIZED VIEW "My Schema"."on a View" AS SELECT sum(n) AS total FROM public.by_kind;
        CREATE MATERIALIZED VIEW public.not_filled AS SELECT * FROM public.events WITH NO DATA;

        -- Extensions in use.
        CREATE TABLE ext.secrets (id integer PRIMARY KEY, word bytea, address citext UNIQUE, more ext.hstore);
        INSERT INTO ext.secrets SELECT n, ext.digest('word ' || n, 'sha256'), 'User' || n || '@Example.org', ext.hstore('n', n::text) FROM generate_series(1, 4) n;
        CREATE INDEX ON ext.secrets USING gin (more);

        -- Rows that not everybody sees; not even their owner.
        CREATE TABLE public.guarded (tenant text, secret text);
        INSERT INTO public.guarded VALUES ('a', 'one'), ('a', 'two'), ('b', 'three');
        ALTER TABLE public.guarded OWNER TO "hf Owner's role";
        ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
        ALTER TABLE public.guarded FORCE ROW LEVEL SECURITY;
        CREATE POLICY "own rows" ON public.guarded FOR SELECT TO hf_reader USING (tenant = current_setting('app.tenant', true));
        CREATE POLICY none ON public.guarded AS RESTRICTIVE FOR UPDATE USING (false);
        GRANT SELECT ON public.guarded TO hf_reader;
        GRANT SELECT (id), UPDATE (name) ON public.audited TO hf_reader;
        GRANT EXECUTE ON FUNCTION public.shout(text) TO hf_reader;
        REVOKE ALL ON FUNCTION public.touch() FROM PUBLIC;
        GRANT ALL ON public.empty TO hf_reader WITH GRANT OPTION;

        -- What is lost in a crash, and what lies elsewhere.
        CREATE UNLOGGED TABLE public.cache (k text PRIMARY KEY, v text);
        INSERT INTO public.cache VALUES ('k', 'v'), ('K', 'V');
        CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '192.0.2.1', dbname 'not''here');
        CREATE USER MAPPING FOR hf_reader SERVER elsewhere OPTIONS (user 'somebody', password 'sample''s password');
        CREATE FOREIGN TABLE public.far_away (n integer) SERVER elsewhere OPTIONS (table_name 'near');

        -- Large objects.
        SELECT lo_from_bytea(424201, '\x00010203'), lo_from_bytea(424202, ''),
            lo_from_bytea(424203, (SELECT string_agg(sha256(n::text::bytea), '') FROM generate_series(1, 3000) n)) \g /dev/null
        ALTER LARGE OBJECT 424202 OWNER TO "hf Owner's role";
        GRANT SELECT ON LARGE OBJECT 424203 TO hf_reader;
        COMMENT ON LARGE OBJECT 424203 IS 'a large one';
        CREATE TABLE public.documents (name text PRIMARY KEY, content oid);
        INSERT INTO public.documents VALUES ('small', 424201), ('empty', 424202), ('large', 424203);

        COMMENT ON TABLE public."Select" IS E'a table''s\tcomment \\ 🐘';
        COMMENT ON COLUMN public."Select"."group by" IS '$$ a column''s';
        COMMENT ON FUNCTION public.shout(text) IS 'does';
        ALTER TABLE public.documents CLUSTER ON documents_pkey;
        ALTER TABLE public.values ALTER COLUMN b SET STORAGE EXTERNAL, ALTER COLUMN t SET STATISTICS 500;
        ALTER TABLE public.audit SET (fillfactor = 70, autovacuum_enabled = false);
        """#
}
