-- What an organisation runs on: groups, permissions on single resources, API keys, a sealed audit trail, statistics,
-- records of consent, and accounts that are to be erased.

-- The identifier by which whoever provisions the account knows it (RFC 7643 §3.1).
ALTER TABLE accounts ADD COLUMN external_id TEXT;
-- What whoever provisions the account says of it and nothing else here has a place for.
ALTER TABLE accounts ADD COLUMN provisioned TEXT;
CREATE INDEX accounts_updated ON accounts (updated_at, id);
-- When the account is to be erased.
ALTER TABLE accounts ADD COLUMN erase_at INTEGER;
-- When its holder was told that it is not used and will be anonymised, and when it was.
ALTER TABLE accounts ADD COLUMN warned_at INTEGER;
ALTER TABLE accounts ADD COLUMN anonymised_at INTEGER;
-- The mailbox that something is for, unreadably, so that it can be taken out with its account.
ALTER TABLE outbox ADD COLUMN recipient BLOB;
CREATE INDEX outbox_recipient ON outbox (recipient) WHERE recipient IS NOT NULL;
CREATE INDEX accounts_created ON accounts (created_at, id);
-- Who never signed in stands before all others.
CREATE INDEX accounts_last_login ON accounts (COALESCE(last_login_at, 0), id);
CREATE INDEX sessions_created ON sessions (created_at, id);
CREATE INDEX grants_listed ON grants (created_at, id);
CREATE INDEX accounts_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX accounts_disabled ON accounts (disabled, username_key);
CREATE INDEX accounts_erase ON accounts (erase_at) WHERE erase_at IS NOT NULL;

-- The role is not held any more from this moment on.
ALTER TABLE account_roles ADD COLUMN expires_at INTEGER;
ALTER TABLE account_roles ADD COLUMN granted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account_roles ADD COLUMN granted_by TEXT;
CREATE INDEX account_roles_granted_by ON account_roles (granted_by) WHERE granted_by IS NOT NULL;
CREATE INDEX account_roles_members ON account_roles (role, account_id);
CREATE INDEX account_roles_expires ON account_roles (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX account_permissions_holders ON account_permissions (permission, account_id);

-- After a rotation the former secret may be good for a while.
ALTER TABLE clients ADD COLUMN previous_secret_hash BLOB;
ALTER TABLE clients ADD COLUMN previous_secret_sealed BLOB;
ALTER TABLE clients ADD COLUMN previous_secret_expires_at INTEGER;

CREATE TABLE groups (
    id           BLOB PRIMARY KEY NOT NULL,
    display_name TEXT NOT NULL,
    display_key  TEXT NOT NULL UNIQUE,
    external_id  TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- Counts the changes of the group and of its members.
    version      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE group_members (
    group_id   BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, account_id)
) STRICT;
CREATE INDEX group_members_account ON group_members (account_id);

-- The roles that the members of a group hold, as the configuration says.
CREATE TABLE group_roles (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role     TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (group_id, role)
) STRICT;
CREATE INDEX group_roles_role ON group_roles (role);

-- Things of other systems that somebody owns.
CREATE TABLE owned_resources (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    owner_id   BLOB REFERENCES accounts (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX owned_resources_owner ON owned_resources (owner_id, kind, id);

CREATE TABLE resource_permissions (
    kind        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    account_id  BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    permission  TEXT NOT NULL,
    expires_at  INTEGER,
    granted_at  INTEGER NOT NULL,
    granted_by  TEXT,
    PRIMARY KEY (kind, resource_id, account_id, permission),
    FOREIGN KEY (kind, resource_id) REFERENCES owned_resources (kind, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX resource_permissions_granted_by ON resource_permissions (granted_by) WHERE granted_by IS NOT NULL;
CREATE INDEX resource_permissions_expires ON resource_permissions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX resource_permissions_account ON resource_permissions (account_id, kind, permission, resource_id);

CREATE TABLE api_keys (
    id                  BLOB PRIMARY KEY NOT NULL,
    account_id          BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name                TEXT NOT NULL,
    prefix              TEXT NOT NULL,
    secret_hash         BLOB NOT NULL UNIQUE,
    -- The secret before the last rotation, and until when it still opens.
    previous_hash       BLOB UNIQUE,
    previous_expires_at INTEGER,
    rotated_at          INTEGER,
    permissions         TEXT NOT NULL,
    networks            TEXT NOT NULL,
    rate                TEXT,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER,
    revoked_at          INTEGER,
    last_used_at        INTEGER
) STRICT;
CREATE INDEX api_keys_account ON api_keys (account_id, created_at);
CREATE INDEX api_keys_created ON api_keys (created_at, id);
CREATE INDEX api_keys_expires ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
-- The key that a grant was made with, which it ends with.
ALTER TABLE grants ADD COLUMN api_key_id BLOB REFERENCES api_keys (id) ON DELETE CASCADE;
CREATE INDEX grants_api_key ON grants (api_key_id) WHERE api_key_id IS NOT NULL;

-- Sealed events form a chain: each hash covers the one before. What is personal is covered by a hash of its own, so
-- that it can be taken out later and the chain still holds.
ALTER TABLE audit_events ADD COLUMN sequence INTEGER;
ALTER TABLE audit_events ADD COLUMN personal_hash BLOB;
ALTER TABLE audit_events ADD COLUMN hash BLOB;
-- Vouches for what a person was taken out of.
ALTER TABLE audit_events ADD COLUMN anonymised_mac BLOB;
CREATE UNIQUE INDEX audit_events_sequence ON audit_events (sequence) WHERE sequence IS NOT NULL;
CREATE INDEX audit_events_unsealed ON audit_events (at, id) WHERE sequence IS NULL;
CREATE INDEX audit_events_request ON audit_events (request_id);
CREATE INDEX audit_events_actor ON audit_events (actor, at) WHERE actor IS NOT NULL;

-- One row, itself sealed: the last sealed event, and the last one that retention removed.
CREATE TABLE audit_chain (
    id              INTEGER PRIMARY KEY NOT NULL,
    sequence        INTEGER NOT NULL,
    hash            BLOB NOT NULL,
    pruned_sequence INTEGER NOT NULL,
    pruned_hash     BLOB NOT NULL,
    mac             BLOB NOT NULL
) STRICT;

-- Counts of what happened in an hour, which begins at the given moment.
CREATE TABLE statistics (
    hour  INTEGER NOT NULL,
    kind  TEXT NOT NULL,
    label TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, label)
) STRICT;

-- What was agreed to and taken back, and under which version of the terms.
CREATE TABLE consent_records (
    id         BLOB PRIMARY KEY NOT NULL,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT,
    kind       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    version    TEXT,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX consent_records_account ON consent_records (account_id, at);

-- The roles to start with. Each can be changed or removed.
INSERT INTO roles (name, description, permissions) VALUES
    ('viewer', 'Sees everything and changes nothing', '["access:read","accounts:read","api-keys:read","audit:read","clients:read","grants:read","keys:read","requests:read","roles:read","sessions:read","statistics:read","upstreams:read"]'),
    ('user', 'An ordinary account', '[]'),
    ('moderator', 'Helps people who cannot sign in', '["accounts:disable","accounts:read","accounts:recover","grants:read","requests:read","sessions:end","sessions:read"]'),
    ('admin', 'Runs the service day by day', '["access:read","access:write","accounts:delete","accounts:disable","accounts:read","accounts:recover","accounts:write","api-keys:read","api-keys:revoke","audit:read","clients:read","clients:write","grants:read","grants:revoke","keys:read","requests:read","roles:assign","roles:read","sessions:end","sessions:read","statistics:read","upstreams:read"]'),
    ('super_admin', 'May do everything', '["*"]')
ON CONFLICT (name) DO NOTHING;
UPDATE roles SET permissions = '["*"]' WHERE name = 'super_admin' AND permissions = '[]';
