-- What people need to look after their accounts: policies, second factors, links by mail, upstream providers.

ALTER TABLE accounts ADD COLUMN mfa TEXT;
ALTER TABLE accounts ADD COLUMN must_change_password INTEGER NOT NULL DEFAULT 0;
-- Second factors refused in a row, whatever their kind.
ALTER TABLE accounts ADD COLUMN second_factor_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE passwords ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE roles ADD COLUMN mfa TEXT;
ALTER TABLE totp_factors ADD COLUMN last_used_at INTEGER;

CREATE TABLE password_history (
    id         BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash       TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_history_account ON password_history (account_id, changed_at);

CREATE TABLE passkeys (
    id            BLOB PRIMARY KEY NOT NULL,
    account_id    BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    credential_id BLOB NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    document      TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER
) STRICT;
CREATE INDEX passkeys_account ON passkeys (account_id);

-- What a link in a mail stands for. Of one kind for one subject only the newest can be used.
CREATE TABLE action_tokens (
    token_hash  BLOB PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    account_id  BLOB REFERENCES accounts (id) ON DELETE CASCADE,
    sealed      BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    consumed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX action_tokens_subject ON action_tokens (kind, subject);
CREATE INDEX action_tokens_account ON action_tokens (account_id);
CREATE INDEX action_tokens_expires ON action_tokens (expires_at);

-- What is still to be sent. The content is sealed, for it may hold links that are as good as a password.
CREATE TABLE outbox (
    id              BLOB PRIMARY KEY NOT NULL,
    kind            TEXT NOT NULL,
    sealed          BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    last_error      TEXT
) STRICT;
CREATE INDEX outbox_next ON outbox (next_attempt_at);
CREATE INDEX outbox_expires ON outbox (expires_at);

CREATE TABLE upstreams (
    name          TEXT PRIMARY KEY NOT NULL,
    document      TEXT NOT NULL,
    secret_sealed BLOB,
    managed_by    TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE upstream_identities (
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    account_id   BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX upstream_identities_account ON upstream_identities (account_id);

-- Token buckets that nodes share: when the bucket will be full again, in milliseconds since 1970.
CREATE TABLE rate_buckets (
    key_hash BLOB PRIMARY KEY NOT NULL,
    full_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX rate_buckets_full ON rate_buckets (full_at);
