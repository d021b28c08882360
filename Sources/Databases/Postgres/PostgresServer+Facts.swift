import Machine

extension PostgresServer {
    package func facts(of database: String) async throws -> DatabaseFacts {
        let found = try await ask(SnapshotFacts.self, SnapshotFacts.query, in: database)
        let rows = try await count(found.tables, in: database)
        return found.facts(rows: rows, database: database, dumpedBy: "")
    }

    /// Counts by reading, all tables in one session.
    func count(_ tables: [TableName], in database: String) async throws -> [TableName: Int64] {
        guard !tables.isEmpty else { return [:] }
        let queries = tables.map { "SELECT count(*) FROM ONLY \(quoted($0.schema)).\(quoted($0.name));" }
        let answer = try await run(queries.joined(separator: "\n") + "\n", in: database)
        let numbers = answer.split(separator: "\n").compactMap { Int64($0) }
        guard numbers.count == tables.count else {
            throw DatabaseError(
                .statementFailed, "The server counted \(numbers.count) tables of \(tables.count).",
                place: place.description)
        }
        return Dictionary(zip(tables, numbers)) { one, _ in one }
    }
}

/// What the catalogs say of a database, in one document; `docs/formats/database.md` has what is kept of it.
struct SnapshotFacts: Decodable, Sendable {
    let version: String
    let number: Int
    /// The row of `pg_database`, whatever columns this version has.
    let database: Row
    let owner: String
    let encoding: String
    let size: Int64
    let extensions: [String: String]
    let relations: [Relation]
    let largeObjects: Int64
    let roles: [String]
    let tablespaces: [String]
    let settings: [PostgresFacts.Setting]
    let grants: [PostgresFacts.Grant]?
    let comment: String?
    let snapshot: String?

    struct Row: Decodable, Sendable {
        let datcollate: String
        let datctype: String
        let datlocprovider: String?
        let datlocale: String?
        let daticulocale: String?
        let daticurules: String?
        let datconnlimit: Int
    }

    struct Relation: Decodable, Sendable {
        let schema: String
        let name: String
        let kind: String
    }

    /// Tables that have rows of their own.
    var tables: [TableName] {
        relations.filter { $0.kind == "r" }.map { TableName(schema: $0.schema, name: $0.name) }
    }

    /// What `pg_class.relkind` calls by a letter.
    private static let kinds = [
        "p": "partitioned table", "m": "materialised view", "v": "view", "S": "sequence", "f": "foreign table",
    ]

    func facts(rows: [TableName: Int64], database name: String, dumpedBy: String) -> DatabaseFacts {
        let others = relations.compactMap { relation in
            Self.kinds[relation.kind].map { "\($0) \(TableName(schema: relation.schema, name: relation.name))" }
        }
        let postgres = PostgresFacts(
            number: number, dumpedBy: dumpedBy, encoding: encoding, collate: database.datcollate,
            ctype: database.datctype, provider: database.datlocprovider ?? "c",
            locale: database.datlocale ?? database.daticulocale, icuRules: database.daticurules, owner: owner,
            connectionLimit: database.datconnlimit, extensions: extensions, others: others.sorted(),
            largeObjects: largeObjects, roles: roles.sorted(), tablespaces: tablespaces.sorted(), settings: settings,
            grants: grants, comment: comment)
        return DatabaseFacts(
            engine: "postgres", version: version, database: name, size: size,
            tables: tables.map { TableRows($0, rows: rows[$0]) }, postgres: postgres)
    }

    /// To be asked within a transaction, whose snapshot it exports; see ``snapshotQuery``.
    static let query = query(exporting: false)
    static let snapshotQuery = query(exporting: true)

    private static func query(exporting: Bool) -> String {
        """
        SELECT json_build_object(
          'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
          'database', to_jsonb(d) - 'datacl', 'owner', pg_get_userbyid(d.datdba),
          'encoding', pg_encoding_to_char(d.encoding), 'size', pg_database_size(d.oid),
          'comment', shobj_description(d.oid, 'pg_database'),
          'extensions', (SELECT coalesce(json_object_agg(extname, extversion), '{}') FROM pg_extension),
          'relations', (SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'kind', c.relkind)), '[]')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f') AND c.relpersistence <> 't'
              AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
              AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')),
          'largeObjects', (SELECT count(*) FROM pg_largeobject_metadata),
          'roles', (SELECT coalesce(json_agg(DISTINCT r.rolname), '[]') FROM pg_roles r WHERE r.oid = d.datdba
            OR r.oid IN (SELECT s.refobjid FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass
              AND (s.dbid = d.oid OR s.classid = 'pg_database'::regclass AND s.objid = d.oid))
            OR r.oid IN (SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)')),
          'tablespaces', (SELECT coalesce(json_agg(DISTINCT t.spcname), '[]') FROM pg_tablespace t
            WHERE t.spcname NOT IN ('pg_default', 'pg_global')
              AND (t.oid = d.dattablespace OR t.oid IN (SELECT reltablespace FROM pg_class))),
          'settings', (SELECT coalesce(json_agg(json_build_object('values', setconfig,
              'role', CASE WHEN setrole <> 0 THEN pg_get_userbyid(setrole) END)), '[]')
            FROM pg_db_role_setting WHERE setdatabase = d.oid),
          'grants', CASE WHEN d.datacl IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object('privilege', a.privilege_type,
              'grantable', a.is_grantable, 'grantee', CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END)), '[]')
            FROM aclexplode(d.datacl) a) END,
          'snapshot', \(exporting ? "pg_export_snapshot()" : "NULL"))
        FROM pg_database d WHERE d.datname = current_database();

        """
    }
}
