-- Times are seconds since 1970.

CREATE TABLE clients (
    client_id     TEXT PRIMARY KEY,
    document      JSONB NOT NULL,
    secret_hash   BYTEA,
    secret_sealed BYTEA,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE,
    managed_by    TEXT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE TABLE accounts (
    id             UUID PRIMARY KEY,
    username       TEXT NOT NULL,
    username_key   TEXT NOT NULL UNIQUE,
    email          TEXT,
    email_key      TEXT UNIQUE,
    email_verified BOOLEAN NOT NULL DEFAULT FALSE,
    claims         JSONB NOT NULL,
    disabled       BOOLEAN NOT NULL DEFAULT FALSE,
    last_login_at  BIGINT,
    managed_by     TEXT,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);

-- One name space for user names and e-mail addresses, so that nobody takes another's address as a name.
CREATE TABLE login_names (
    name_key   TEXT PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);
CREATE INDEX login_names_account ON login_names (account_id);

CREATE TABLE passwords (
    account_id UUID PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE totp_factors (
    id            UUID PRIMARY KEY,
    account_id    UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    last_step     BIGINT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX totp_factors_account ON totp_factors (account_id);

CREATE TABLE recovery_codes (
    account_id  UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    code_hash   BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    consumed_at BIGINT,
    PRIMARY KEY (account_id, code_hash)
);

CREATE TABLE sessions (
    id           UUID PRIMARY KEY,
    account_id   UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    secret_hash  BYTEA NOT NULL UNIQUE,
    auth_time    BIGINT NOT NULL,
    factors      JSONB NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    user_agent   TEXT,
    address      TEXT
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE consents (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    scope      TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);
CREATE INDEX consents_client ON consents (client_id);

CREATE TABLE grants (
    id         UUID PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    session_id UUID,
    scope      TEXT NOT NULL,
    resources  JSONB NOT NULL,
    nonce      TEXT,
    claims     JSONB NOT NULL,
    auth_time  BIGINT NOT NULL,
    factors    JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_created ON grants (created_at);

CREATE TABLE authorization_codes (
    code_hash      BYTEA PRIMARY KEY,
    grant_id       UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id      TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    code_challenge TEXT,
    expires_at     BIGINT NOT NULL,
    consumed_at    BIGINT
);
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);
CREATE INDEX authorization_codes_expires ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    token_hash  BYTEA PRIMARY KEY,
    grant_id    UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    client_id   TEXT NOT NULL,
    issued_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);

CREATE TABLE revoked_tokens (
    jti        TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);

CREATE TABLE replay (
    key_hash   BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX replay_expires ON replay (expires_at);

CREATE TABLE signing_keys (
    kid          TEXT PRIMARY KEY,
    algorithm    TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    public_jwk   JSONB NOT NULL,
    created_at   BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retires_at   BIGINT,
    expires_at   BIGINT
);
CREATE INDEX signing_keys_expires ON signing_keys (expires_at);

CREATE TABLE roles (
    name        TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    permissions JSONB NOT NULL,
    managed_by  TEXT
);

CREATE TABLE scopes (
    name        TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    requires    JSONB NOT NULL,
    managed_by  TEXT
);

CREATE TABLE resources (
    identifier TEXT PRIMARY KEY,
    scopes     JSONB NOT NULL,
    managed_by TEXT
);

CREATE TABLE account_roles (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (account_id, role)
);
CREATE INDEX account_roles_role ON account_roles (role);

CREATE TABLE account_permissions (
    account_id UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (account_id, permission)
);

CREATE TABLE setup_links (
    token_hash  BYTEA PRIMARY KEY,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);

CREATE TABLE audit_events (
    id         UUID PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    account_id UUID,
    client_id  TEXT,
    actor      TEXT,
    address    TEXT,
    request_id TEXT,
    detail     JSONB NOT NULL
);
CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_account ON audit_events (account_id, at);
CREATE INDEX audit_events_kind ON audit_events (kind, at);
