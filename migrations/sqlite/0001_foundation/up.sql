-- Times are seconds since 1970; identifiers are the 16 bytes of a UUID; documents are JSON text.

CREATE TABLE clients (
    client_id     TEXT PRIMARY KEY NOT NULL,
    document      TEXT NOT NULL,
    secret_hash   BLOB,
    secret_sealed BLOB,
    disabled      INTEGER NOT NULL DEFAULT 0,
    managed_by    TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id             BLOB PRIMARY KEY NOT NULL,
    username       TEXT NOT NULL,
    username_key   TEXT NOT NULL UNIQUE,
    email          TEXT,
    email_key      TEXT UNIQUE,
    email_verified INTEGER NOT NULL DEFAULT 0,
    claims         TEXT NOT NULL,
    disabled       INTEGER NOT NULL DEFAULT 0,
    last_login_at  INTEGER,
    managed_by     TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

-- One name space for user names and e-mail addresses, so that nobody takes another's address as a name.
CREATE TABLE login_names (
    name_key   TEXT PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX login_names_account ON login_names (account_id);

CREATE TABLE passwords (
    account_id BLOB PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE totp_factors (
    id            BLOB PRIMARY KEY NOT NULL,
    account_id    BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    secret_sealed BLOB NOT NULL,
    last_step     INTEGER,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX totp_factors_account ON totp_factors (account_id);

CREATE TABLE recovery_codes (
    account_id  BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    code_hash   BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    consumed_at INTEGER,
    PRIMARY KEY (account_id, code_hash)
) STRICT;

CREATE TABLE sessions (
    id           BLOB PRIMARY KEY NOT NULL,
    account_id   BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    secret_hash  BLOB NOT NULL UNIQUE,
    auth_time    INTEGER NOT NULL,
    factors      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    user_agent   TEXT,
    address      TEXT
) STRICT;
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE consents (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    scope      TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, client_id)
) STRICT;
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE grants (
    id         BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    session_id BLOB,
    scope      TEXT NOT NULL,
    resources  TEXT NOT NULL,
    nonce      TEXT,
    claims     TEXT NOT NULL,
    auth_time  INTEGER NOT NULL,
    factors    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_created ON grants (created_at);

CREATE TABLE authorization_codes (
    code_hash      BLOB PRIMARY KEY NOT NULL,
    grant_id       BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id      TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    code_challenge TEXT,
    expires_at     INTEGER NOT NULL,
    consumed_at    INTEGER
) STRICT;
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);
CREATE INDEX authorization_codes_expires ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    token_hash  BLOB PRIMARY KEY NOT NULL,
    grant_id    BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id   TEXT NOT NULL,
    issued_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);

CREATE TABLE revoked_tokens (
    jti        TEXT PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);

CREATE TABLE replay (
    key_hash   BLOB PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replay_expires ON replay (expires_at);

CREATE TABLE signing_keys (
    kid          TEXT PRIMARY KEY NOT NULL,
    algorithm    TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    public_jwk   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    retires_at   INTEGER,
    expires_at   INTEGER
) STRICT;
CREATE INDEX signing_keys_expires ON signing_keys (expires_at);

CREATE TABLE roles (
    name        TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    managed_by  TEXT
) STRICT;

CREATE TABLE scopes (
    name        TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    requires    TEXT NOT NULL,
    managed_by  TEXT
) STRICT;

CREATE TABLE resources (
    identifier TEXT PRIMARY KEY NOT NULL,
    scopes     TEXT NOT NULL,
    managed_by TEXT
) STRICT;

CREATE TABLE account_roles (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (account_id, role)
) STRICT;
CREATE INDEX account_roles_role ON account_roles (role);

CREATE TABLE account_permissions (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (account_id, permission)
) STRICT;

CREATE TABLE setup_links (
    token_hash  BLOB PRIMARY KEY NOT NULL,
    expires_at  INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;

CREATE TABLE audit_events (
    id         BLOB PRIMARY KEY NOT NULL,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    account_id BLOB,
    client_id  TEXT,
    actor      TEXT,
    address    TEXT,
    request_id TEXT,
    detail     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_account ON audit_events (account_id, at);
CREATE INDEX audit_events_kind ON audit_events (kind, at);
