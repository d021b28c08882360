-- A small shop, the same rows each time: what its owner, its tables and its large objects are called is dropped with it.
CREATE ROLE shopkeeper LOGIN PASSWORD 'open sesame';
CREATE DATABASE shop OWNER shopkeeper;
\connect shop
SET ROLE shopkeeper;
SET timezone = 'UTC';

CREATE TABLE customers (
    id serial PRIMARY KEY, name text NOT NULL, settings jsonb NOT NULL, since timestamptz NOT NULL
);
INSERT INTO customers (name, settings, since)
SELECT 'Customer ' || n || E' \u2013 Zo\u00eb', jsonb_build_object('newsletter', n % 3 = 0, 'tags', ARRAY[n % 5, n % 7]),
    '2020-01-01 00:00Z'::timestamptz + n * interval '47.25 min'
FROM generate_series(1, 5000) n;

-- A column that is computed, a check, bytes and nothings.
CREATE TABLE articles (
    id integer PRIMARY KEY, title text UNIQUE, price numeric(9, 2) CHECK (price > 0), tax numeric GENERATED ALWAYS AS (price * 0.19) STORED,
    picture bytea, weight double precision
);
INSERT INTO articles (id, title, price, picture, weight)
SELECT n, 'Article ' || n, n * 0.37, decode(repeat(md5(n::text), 1 + n % 60), 'hex'), CASE WHEN n % 11 <> 0 THEN sqrt(n) END
FROM generate_series(1, 1200) n;

-- A table in parts.
CREATE TABLE orders (
    id integer, customer integer NOT NULL REFERENCES customers, placed date NOT NULL, PRIMARY KEY (id, placed)
) PARTITION BY RANGE (placed);
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO orders SELECT n, 1 + n * 7919 % 5000, date '2025-01-01' + n % 700 FROM generate_series(1, 12000) n;

CREATE TABLE order_lines (
    id integer PRIMARY KEY, order_id integer NOT NULL, article integer NOT NULL REFERENCES articles, count smallint NOT NULL
);
INSERT INTO order_lines SELECT n, 1 + n % 12000, 1 + n * 31 % 1200, 1 + n % 4 FROM generate_series(1, 24000) n;
CREATE INDEX ON order_lines (order_id);

CREATE MATERIALIZED VIEW sales AS
SELECT article, sum(count) AS sold FROM order_lines GROUP BY article;

-- A name to stumble over, and what a row of text can hold.
CREATE TABLE "Größe; ""und"" Farbe" ("Größe" text, "DROP TABLE" text, "null" integer);
INSERT INTO "Größe; ""und"" Farbe"
SELECT chr(65 + n % 26), E'tab\t, \\N, \\., \nnew line ' || n, nullif(n % 7, 0) FROM generate_series(1, 800) n;

-- Two large objects.
CREATE TABLE invoices (id integer PRIMARY KEY, scan oid NOT NULL);
INSERT INTO invoices
SELECT n, lo_from_bytea(0, (SELECT string_agg(decode(md5(n || '/' || part), 'hex'), '') FROM generate_series(1, 40000) part))
FROM generate_series(1, 2) n;
